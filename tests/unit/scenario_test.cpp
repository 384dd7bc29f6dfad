// SPDX-License-Identifier: GPL-2.0-only
#include "lab/scenario.h"

#include <cstdlib>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lab {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

class ScenarioTest : public testing::Test {
  protected:
    void SetUp() override {
        std::string pattern = testing::TempDir() + "scenario-XXXXXX";
        ASSERT_NE(mkdtemp(pattern.data()), nullptr);
        dir_ = pattern;
        std::ofstream(dir_ / "reads.fio") << "[reads]\nrw=read\n";
        std::ofstream(dir_ / "writes.fio") << "[writes]\nrw=write\nverify=crc32c\n";
    }
    void TearDown() override { std::filesystem::remove_all(dir_); }

    Result<Scenario> read(const std::string &text) {
        std::ofstream(dir_ / "some.toml") << text;
        return read_scenario(dir_ / "some.toml");
    }

    std::string error_of(const std::string &text) {
        const auto scenario = read(text);
        return scenario ? "no error" : scenario.error().what;
    }

    std::filesystem::path dir_;
};

constexpr auto good = R"(kernels = ["stable", "backports"]
transports = ["svcrdma", "tcp"]
nfs = ["4.2"]
workloads = ["reads.fio", "writes.fio"]
)";

TEST_F(ScenarioTest, IsReadWhole) {
    const auto scenario = read(std::string(good) + "repeats = 3\nthreads = 4\ncpus = 2\n"
                                                   "module_parameters = [\"a=1\", \"b=x\"]\n");
    ASSERT_TRUE(scenario) << scenario.error().what;
    EXPECT_EQ(scenario->name, "some");
    EXPECT_THAT(scenario->kernels, ElementsAre("stable", "backports"));
    EXPECT_THAT(scenario->transports, ElementsAre(Transport::svcrdma, Transport::tcp));
    EXPECT_THAT(scenario->nfs, ElementsAre("4.2"));
    ASSERT_EQ(scenario->workloads.size(), 2U);
    EXPECT_EQ(scenario->workloads[0].name, "reads");
    EXPECT_FALSE(scenario->workloads[0].verifies);
    EXPECT_TRUE(scenario->workloads[1].verifies);
    EXPECT_EQ(scenario->repeats, 3U);
    ASSERT_EQ(scenario->setups.size(), 1U);
    EXPECT_EQ(scenario->setups[0].threads, 4U);
    EXPECT_EQ(scenario->setups[0].cpus, 2U);
    EXPECT_EQ(scenario->setups[0].name, "");
    EXPECT_EQ(scenario->module_parameters, "a=1 b=x");
    EXPECT_THAT(scenario->said, ElementsAre(Pair("cpus", "2"), Pair("threads", "4")));
}

TEST_F(ScenarioTest, TakesAnExactVersionOfAKernel) {
    const auto scenario = read("kernels = [\"6.12.1-amd64\"]\ntransports = [\"tcp\"]\n"
                               "nfs = [\"3\"]\nworkloads = [\"reads.fio\"]\n");
    ASSERT_TRUE(scenario) << scenario.error().what;
    EXPECT_THAT(scenario->kernels, ElementsAre("6.12.1-amd64"));
}

TEST_F(ScenarioTest, HasDefaults) {
    const auto scenario = read(good);
    ASSERT_TRUE(scenario) << scenario.error().what;
    EXPECT_EQ(scenario->repeats, 1U);
    ASSERT_EQ(scenario->setups.size(), 1U);
    EXPECT_EQ(scenario->setups[0].threads, 8U);
    EXPECT_EQ(scenario->setups[0].cpus, 4U);
    EXPECT_EQ(scenario->setups[0].clients, 1U);
    EXPECT_EQ(scenario->setups[0].filesystem, "tmpfs");
    EXPECT_EQ(scenario->setups[0].nconnect, 0U);
    EXPECT_EQ(scenario->memory, 2048U);
    EXPECT_EQ(scenario->max_block_size, 1048576U);
    EXPECT_EQ(scenario->module_parameters, "");
    EXPECT_TRUE(scenario->said.empty());
}

TEST_F(ScenarioTest, TakesANetwork) {
    const auto scenario =
        read(std::string(good) +
             "network = { delay = \"20ms\", jitter = \"500us\", loss = \"0.1%\", limit = 99 }\n");
    ASSERT_TRUE(scenario) << scenario.error().what;
    EXPECT_EQ(describe(scenario->setups[0].network), "delay 20ms 500us loss 0.1% limit 99");
    EXPECT_FALSE(read(good)->setups[0].network.any());
}

TEST_F(ScenarioTest, RefusesANetworkThatMeansNothing) {
    EXPECT_THAT(error_of(std::string(good) + "network = \"slow\"\n"),
                HasSubstr("some.toml:5:11: \"network\" must be a table such as"));
    EXPECT_THAT(error_of(std::string(good) + "[network]\ndelay = 20\n"),
                HasSubstr("some.toml:6:9: \"delay\" must be a whole number of us, ms or s"));
    EXPECT_THAT(error_of(std::string(good) + "[network]\nlatency = \"20ms\"\n"),
                HasSubstr("unknown key \"latency\"; allowed are delay, "));
    EXPECT_THAT(error_of(std::string(good) + "[network]\njitter = \"1ms\"\n"),
                HasSubstr("\"jitter\" is more than \"delay\""));
}

std::vector<std::string> names_of(const Scenario &scenario) {
    std::vector<std::string> names;
    for (const Setup &setup : scenario.setups)
        names.push_back(setup.name);
    return names;
}

TEST_F(ScenarioTest, CrossesListsWithEachOtherAndWithASweep) {
    const auto scenario = read("kernels = [\"stable\"]\ntransports = [\"svcrdma\"]\n"
                               "nfs = [\"4.0\"]\nworkloads = [\"reads.fio\"]\n"
                               "nconnect = [1, 16]\nclients = [1, 4]\nthreads = 16\n"
                               "[sweep]\na = [7, 8]\n");
    ASSERT_TRUE(scenario) << scenario.error().what;
    // What takes a boot varies slowest, in whatever order the file has it.
    EXPECT_THAT(names_of(*scenario),
                ElementsAre("clients=1 nconnect=1 a=7", "clients=1 nconnect=1 a=8",
                            "clients=1 nconnect=16 a=7", "clients=1 nconnect=16 a=8",
                            "clients=4 nconnect=1 a=7", "clients=4 nconnect=1 a=8",
                            "clients=4 nconnect=16 a=7", "clients=4 nconnect=16 a=8"));
    const auto &last = scenario->setups.back();
    EXPECT_EQ(last.boot_name, "clients=4");
    EXPECT_EQ(last.clients, 4U);
    EXPECT_EQ(last.nconnect, 16U);
    EXPECT_EQ(last.threads, 16U);
    EXPECT_EQ(last.module_parameters, " a=8");
    EXPECT_THAT(scenario->said, ElementsAre(Pair("threads", "16")));
}

TEST_F(ScenarioTest, TakesListsOfNetworksAndFileSystems) {
    const auto scenario = read(std::string(good) + "network = [{}, { delay = \"20ms\" }]\n"
                                                   "filesystem = [\"tmpfs\", \"ext4\"]\n");
    ASSERT_TRUE(scenario) << scenario.error().what;
    EXPECT_THAT(names_of(*scenario), ElementsAre("filesystem=tmpfs network=none",
                                                 "filesystem=tmpfs network=delay-20ms-limit-10000",
                                                 "filesystem=ext4 network=none",
                                                 "filesystem=ext4 network=delay-20ms-limit-10000"));
    EXPECT_EQ(scenario->setups[3].boot_name, "filesystem=ext4");
    EXPECT_EQ(scenario->setups[3].filesystem, "ext4");
    EXPECT_TRUE(scenario->setups[3].network.any());
    EXPECT_FALSE(scenario->setups[2].network.any());
}

TEST_F(ScenarioTest, RefusesListsThatMeanNothing) {
    EXPECT_THAT(error_of(std::string(good) + "cpus = [1, 4, 1]\n"),
                HasSubstr("some.toml:5:15: \"cpus\" names 1 twice"));
    EXPECT_THAT(error_of(std::string(good) + "cpus = []\n"), HasSubstr("\"cpus\" is empty"));
    EXPECT_THAT(error_of(std::string(good) + "clients = [1, 9]\n"),
                HasSubstr("some.toml:5:15: \"clients\" must be a whole number from 1 to 8"));
    EXPECT_THAT(error_of(std::string(good) + "nconnect = 17\n"), HasSubstr("from 1 to 16"));
    EXPECT_THAT(error_of(std::string(good) + "filesystem = \"btrfs\"\n"),
                HasSubstr("out of \"tmpfs\", \"ext4\", \"xfs\""));
    EXPECT_THAT(error_of(std::string(good) + "network = [{}, {}]\n"),
                HasSubstr("names none twice"));
}

TEST_F(ScenarioTest, TakesWhatAdministratorsType) {
    const auto scenario = read(std::string(good) + "mount = \"rsize=131072,wsize=131072,noac\"\n"
                                                   "export = \"rw,sync,secure\"\n"
                                                   "memory = 4096\nmax_block_size = 262144\n"
                                                   "pool_mode = \"percpu\"\n"
                                                   "provider = \"siw\"\n"
                                                   "client_kernel = \"stable\"\n");
    ASSERT_TRUE(scenario) << scenario.error().what;
    EXPECT_EQ(scenario->mount, "rsize=131072,wsize=131072,noac");
    EXPECT_EQ(scenario->export_options, "rw,sync,secure");
    EXPECT_EQ(scenario->memory, 4096U);
    EXPECT_EQ(scenario->max_block_size, 262144U);
    EXPECT_EQ(scenario->pool_mode, "percpu");
    EXPECT_EQ(scenario->provider, "siw");
    EXPECT_EQ(scenario->client_kernel, "stable");
    EXPECT_THAT(scenario->said, AllOf(Contains(Pair("memory", "4096 MiB")),
                                      Contains(Pair("export", "rw,sync,secure"))));
}

TEST_F(ScenarioTest, ASoakHasMinutes) {
    const std::string soak = "kernels = [\"stable\"]\ntransports = [\"svcrdma\"]\n"
                             "nfs = [\"3\", \"4.2\"]\nworkloads = [\"writes.fio\"]\nminutes = 60\n";
    const auto scenario = read(soak + "seed = 7\nnetwork = { delay = \"2ms\" }\nclients = 3\n");
    ASSERT_TRUE(scenario) << scenario.error().what;
    EXPECT_EQ(scenario->minutes, 60U);
    EXPECT_EQ(scenario->seed, 7U);
    EXPECT_THAT(scenario->said,
                AllOf(Contains(Pair("minutes", "60")), Contains(Pair("seed", "7"))));
    EXPECT_NE(read(soak)->seed, read(soak)->seed) << "left to chance, and kept for the report";
    for (const auto &[line, why] :
         {std::pair{"repeats = 3\n", "goes with no \"repeats\""},
          std::pair{"threads = [1, 8]\n", "goes with no list of setups"},
          std::pair{"network = { mtu = 1500 }\n", "goes with no \"sender\" nor \"mtu\""}})
        EXPECT_THAT(error_of(soak + line), AllOf(HasSubstr("some.toml:5:11: "), HasSubstr(why)));
    EXPECT_THAT(error_of(std::string(good) + "minutes = 5\n"),
                HasSubstr("needs transports = [\"svcrdma\"]"));
    EXPECT_THAT(error_of("kernels = [\"stable\"]\ntransports = [\"svcrdma\"]\nnfs = [\"3\"]\n"
                         "workloads = [\"reads.fio\"]\nminutes = 5\n"),
                HasSubstr("wants jobs that verify, and \"reads\" does not"));
    EXPECT_THAT(error_of(std::string(good) + "seed = 5\n"), HasSubstr("it needs \"minutes\""));
}

TEST_F(ScenarioTest, RefusesWhatIsTheLabsOrNobodys) {
    EXPECT_THAT(error_of(std::string(good) + "mount = \"rsize=4096,proto=tcp\"\n"),
                HasSubstr("some.toml:5:9: \"proto\" in \"mount\" is the lab's to choose"));
    EXPECT_THAT(error_of(std::string(good) + "mount = \"rsize=4096;reboot\"\n"),
                HasSubstr("as one writes them in fstab"));
    EXPECT_THAT(error_of(std::string(good) + "export = \"rw,fsid=1\"\n"),
                HasSubstr("\"fsid\" in \"export\" is the lab's to choose"));
    EXPECT_THAT(error_of(std::string(good) + "export = true\n"), HasSubstr("/etc/exports"));
    EXPECT_THAT(error_of(std::string(good) + "max_block_size = 5000\n"),
                HasSubstr("a multiple of 4096"));
    EXPECT_THAT(error_of(std::string(good) + "memory = 128\n"), HasSubstr("from 512 to 65536"));
    EXPECT_THAT(error_of(std::string(good) + "pool_mode = \"none\"\n"),
                HasSubstr("out of \"auto\", \"global\""));
    EXPECT_THAT(error_of(std::string(good) + "provider = \"siw\"\nbench = true\n"),
                HasSubstr("some.toml:6:9: \"bench\" measures rxe"));
    EXPECT_THAT(error_of(std::string(good) + "client_kernel = \"newest\"\n"),
                HasSubstr("or of exact versions"));
}

constexpr auto sweeping = R"(kernels = ["stable"]
transports = ["svcrdma"]
nfs = ["3"]
workloads = ["reads.fio"]
)";

TEST_F(ScenarioTest, CombinesWhatItSweeps) {
    std::ofstream(dir_ / "draw.gnuplot") << "plot x\n";
    const auto scenario = read(std::string(sweeping) + "plot = \"draw.gnuplot\"\n[sweep]\n"
                                                       "a = [\"x\", \"y\"]\nb = [0, 7]\n");
    ASSERT_TRUE(scenario) << scenario.error().what;
    EXPECT_THAT(names_of(*scenario), ElementsAre("a=x b=0", "a=x b=7", "a=y b=0", "a=y b=7"));
    EXPECT_EQ(scenario->setups[1].module_parameters, " a=x b=7");
    EXPECT_EQ(scenario->setups[1].boot_name, "");
    EXPECT_EQ(scenario->plot, dir_ / "draw.gnuplot");
}

TEST_F(ScenarioTest, RefusesASweepThatMeansNothing) {
    EXPECT_THAT(error_of(std::string(good) + "[sweep]\na = [1]\n"),
                HasSubstr("needs transports = [\"svcrdma\"]"));
    EXPECT_THAT(error_of(std::string(sweeping) + "[sweep]\na = [1, \"x;reboot\"]\n"),
                HasSubstr("numbers or plain words"));
    EXPECT_THAT(error_of(std::string(sweeping) + "[sweep]\na = [1, 2, 1]\n"),
                HasSubstr("names 1 twice for \"a\""));
    EXPECT_THAT(error_of(std::string(sweeping) + "bench = true\n[sweep]\na = [1, 2]\n"),
                HasSubstr("\"bench\" judges one setup"));
    EXPECT_THAT(error_of(std::string(sweeping) + "bench = true\nthreads = [4, 8]\n"),
                HasSubstr("\"bench\" judges one setup"));
    EXPECT_THAT(error_of(std::string(sweeping) + "[sweep]\na = []\n"),
                HasSubstr("numbers or plain words"));
    EXPECT_THAT(error_of(std::string(sweeping) + "[sweep]\ntransport = [\"rdma\"]\n"),
                HasSubstr("the lab's to choose"));
    EXPECT_THAT(error_of(std::string(sweeping) + "plot = \"draw.gnuplot\"\n"),
                HasSubstr("draws what varies, and nothing does"));
    EXPECT_THAT(error_of(std::string(sweeping) + "plot = \"no.gnuplot\"\n[sweep]\na = [1]\n"),
                HasSubstr("no file"));
}

TEST_F(ScenarioTest, NamesAnUnknownKeyAndTheAllowedOnes) {
    EXPECT_THAT(error_of(std::string(good) + "repeat = 3\n"),
                AllOf(HasSubstr("some.toml:5:1: unknown key \"repeat\""), HasSubstr("repeats")));
}

TEST_F(ScenarioTest, SaysWhereAValueIsWrong) {
    EXPECT_THAT(error_of("kernels = [\"stable\", \"newest\"]\n"),
                AllOf(HasSubstr("some.toml:1:22:"), HasSubstr("\"stable\", \"backports\"")));
    EXPECT_THAT(error_of("kernels = \"stable\"\n"),
                AllOf(HasSubstr("some.toml:1:11:"), HasSubstr("must be a list")));
    EXPECT_THAT(error_of("kernels = []\n"), HasSubstr("some.toml:1:11: \"kernels\" is empty"));
    EXPECT_THAT(error_of("kernels = [\"stable\", \"stable\"]\n"), HasSubstr("twice"));
    EXPECT_THAT(error_of(std::string(good) + "repeats = \"3\"\n"),
                AllOf(HasSubstr("some.toml:5:11:"), HasSubstr("whole number")));
    EXPECT_THAT(error_of(std::string(good) + "repeats = 0\n"), HasSubstr("from 1"));
    EXPECT_THAT(error_of(std::string(good) + "threads = -1\n"), HasSubstr("from 1"));
    for (const auto *cpus : {"0", "65", "2.5", "\"4\""})
        EXPECT_THAT(error_of(fmt::format("{}cpus = {}\n", good, cpus)),
                    HasSubstr("some.toml:5:8: \"cpus\" must be a whole number from 1 to 64"));
    EXPECT_THAT(error_of("kernels = [\"stable\"]\ntransports = [\"tcp\"]\nnfs = [4.2]\n"),
                AllOf(HasSubstr("some.toml:3:8:"), HasSubstr("\"4.2\"")));
}

TEST_F(ScenarioTest, NamesAMissingKey) {
    EXPECT_THAT(error_of("kernels = [\"stable\"]\n"),
                HasSubstr("some.toml: the key \"transports\" is missing"));
}

TEST_F(ScenarioTest, ReportsSyntaxErrors) {
    EXPECT_THAT(error_of("kernels = [\"stable\"\ntransports = 1\n"), HasSubstr("some.toml:2:"));
}

TEST_F(ScenarioTest, NeedsItsJobFiles) {
    EXPECT_THAT(error_of("kernels = [\"stable\"]\ntransports = [\"tcp\"]\nnfs = [\"3\"]\n"
                         "workloads = [\n  \"reads.fio\",\n  \"gone.fio\",\n]\n"),
                AllOf(HasSubstr("some.toml:6:3: no job file"), HasSubstr("gone.fio")));
    EXPECT_THAT(read_scenario(dir_ / "gone.toml").error().what, HasSubstr("no scenario file"));
}

TEST_F(ScenarioTest, KeepsWorkloadNamesApart) {
    std::filesystem::create_directory(dir_ / "sub");
    std::ofstream(dir_ / "sub/reads.fio") << "[reads]\nrw=read\n";
    EXPECT_THAT(error_of("kernels = [\"stable\"]\ntransports = [\"tcp\"]\nnfs = [\"3\"]\n"
                         "workloads = [\"reads.fio\", \"sub/reads.fio\"]\n"),
                HasSubstr("two workloads are called \"reads\""));
}

TEST_F(ScenarioTest, ChecksModuleParameters) {
    EXPECT_THAT(error_of(std::string(good) + "module_parameters = [\"release\"]\n"),
                AllOf(HasSubstr("some.toml:5:22:"), HasSubstr("name=value")));
    EXPECT_THAT(error_of(std::string(good) + "module_parameters = [\"a=1;reboot\"]\n"),
                HasSubstr("name=value"));
    EXPECT_THAT(error_of(std::string(good) + "module_parameters = [\"transport=rdma\"]\n"),
                HasSubstr("the lab's to choose"));
}

} // namespace
} // namespace lab
