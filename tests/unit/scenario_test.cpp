// SPDX-License-Identifier: GPL-2.0-only
#include "lab/scenario.h"

#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

namespace lab {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

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
    EXPECT_EQ(scenario->threads, 4U);
    EXPECT_EQ(scenario->cpus, 2U);
    EXPECT_EQ(scenario->module_parameters, "a=1 b=x");
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
    EXPECT_EQ(scenario->threads, 8U);
    EXPECT_EQ(scenario->cpus, 4U);
    EXPECT_EQ(scenario->module_parameters, "");
}

TEST_F(ScenarioTest, TakesANetwork) {
    const auto scenario =
        read(std::string(good) +
             "network = { delay = \"20ms\", jitter = \"500us\", loss = \"0.1%\", limit = 99 }\n");
    ASSERT_TRUE(scenario) << scenario.error().what;
    EXPECT_EQ(describe(scenario->network), "delay 20ms 500us loss 0.1% limit 99");
    EXPECT_FALSE(read(good)->network.any());
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
    EXPECT_THAT(scenario->variants, ElementsAre("a=x b=0", "a=x b=7", "a=y b=0", "a=y b=7"));
    EXPECT_EQ(scenario->plot, dir_ / "draw.gnuplot");
}

TEST_F(ScenarioTest, RefusesASweepThatMeansNothing) {
    EXPECT_THAT(error_of(std::string(good) + "[sweep]\na = [1]\n"),
                HasSubstr("needs transports = [\"svcrdma\"]"));
    EXPECT_THAT(error_of(std::string(sweeping) + "[sweep]\na = [1, \"x;reboot\"]\n"),
                HasSubstr("numbers or plain words"));
    EXPECT_THAT(error_of(std::string(sweeping) + "[sweep]\na = [1, 2, 1]\n"),
                HasSubstr("names 1 twice for \"a\""));
    EXPECT_THAT(error_of(std::string(sweeping) + "bench = true\n[sweep]\na = [1]\n"),
                HasSubstr("exclude each other"));
    EXPECT_THAT(error_of(std::string(sweeping) + "[sweep]\na = []\n"),
                HasSubstr("numbers or plain words"));
    EXPECT_THAT(error_of(std::string(sweeping) + "[sweep]\ntransport = [\"rdma\"]\n"),
                HasSubstr("the lab's to choose"));
    EXPECT_THAT(error_of(std::string(sweeping) + "plot = \"draw.gnuplot\"\n"),
                HasSubstr("there is none"));
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
