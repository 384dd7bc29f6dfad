// SPDX-License-Identifier: GPL-2.0-only
// The program itself, with a cache that holds no image: whatever it is asked for, nothing boots.
#include "util/file.h"
#include "util/process.h"
#include "util/temp.h"
#include "util/text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lab {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

using Words = std::vector<std::string>;

class CliTest : public testing::Test {
  protected:
    void SetUp() override {
        ASSERT_TRUE(temp_) << temp_.error().what;
        ASSERT_TRUE(write_file(path("reads.fio"), "[reads]\nrw=read\n"));
    }

    [[nodiscard]] std::string path(const std::string &name) const {
        return (temp_->path() / name).string();
    }

    [[nodiscard]] Output run(const Words &arguments) const {
        Words words = {"env", "NFSRDMA_LAB_CACHE=" + path("cache"), LAB_PROGRAM};
        words.insert(words.end(), arguments.begin(), arguments.end());
        const auto output = run_process(words, Deadline::in(std::chrono::seconds(120)));
        EXPECT_TRUE(output) << output.error().what;
        return output.value_or(Output{.status = -1});
    }

    /// What it says of arguments that it refuses.
    [[nodiscard]] std::string complaint(const Words &arguments) const {
        SCOPED_TRACE(fmt::format("nfsrdma-lab {}", fmt::join(arguments, " ")));
        const auto output = run(arguments);
        EXPECT_GT(output.status, 0);
        EXPECT_LT(output.status, 128) << "a signal ended it";
        EXPECT_EQ(output.out, "");
        EXPECT_THAT(output.err, AllOf(Not(IsEmpty()), Not(HasSubstr("exception"))));
        return output.err;
    }

    [[nodiscard]] std::string scenario(const std::string &line) const {
        EXPECT_TRUE(
            write_file(path("some.toml"), "kernels = [\"stable\"]\ntransports = [\"svcrdma\"]\n"
                                          "nfs = [\"4.2\"]\nworkloads = [\"reads.fio\"]\n" +
                                              line + "\n"));
        return path("some.toml");
    }

    Result<TempDir> temp_ = TempDir::make();
};

const Words commands = {"conformance", "doctor", "image", "kernel", "module",
                        "profile",     "run",    "shell", "up"};

TEST_F(CliTest, HelpNamesEveryCommand) {
    const auto help = run({"--help"});
    EXPECT_EQ(help.status, 0);
    EXPECT_EQ(help.err, "");
    Words named;
    std::string_view text = help.out;
    while (!text.empty() && next_line(text) != "Subcommands:")
        ;
    for (auto line = next_line(text); !line.empty(); line = next_line(text))
        named.emplace_back(trimmed(line).substr(0, trimmed(line).find(' ')));
    EXPECT_EQ(named, commands);
    EXPECT_THAT(help.out, HasSubstr("NFSRDMA_LAB_CACHE"));
}

TEST_F(CliTest, EveryCommandHasHelp) {
    for (const auto &command : commands) {
        const auto help = run({command, "--help"});
        EXPECT_EQ(help.status, 0) << command;
        EXPECT_THAT(help.out, HasSubstr("nfsrdma-lab " + command));
    }
    for (const Words &words : {Words{"image", "build"}, Words{"kernel", "build"},
                               Words{"module", "build"}, Words{"module", "check"}}) {
        const auto help = run({words[0], words[1], "--help"});
        EXPECT_EQ(help.status, 0) << words[0];
        EXPECT_THAT(help.out, HasSubstr(fmt::format("nfsrdma-lab {} {}", words[0], words[1])));
    }
}

TEST_F(CliTest, RefusesACommandThatItDoesNotKnow) {
    for (const Words &words : {Words{}, Words{"module"}, Words{"image"}, Words{"kernel"}})
        EXPECT_THAT(complaint(words), HasSubstr("subcommand is required"));
    EXPECT_THAT(complaint({"frobnicate"}),
                HasSubstr("There is no subcommand \"frobnicate\"; there are conformance, doctor,"));
    EXPECT_THAT(complaint({"module", "frobnicate"}),
                HasSubstr("There is no subcommand \"frobnicate\"; there are build,"));
}

TEST_F(CliTest, NamesTheOptionThatItDoesNotKnow) {
    for (const Words &words : {Words{"conformance"}, Words{"doctor"}, Words{"module", "build"},
                               Words{"module", "check"}, Words{"profile", "results"},
                               Words{"run", "file"}, Words{"shell", "server"}, Words{"up"}}) {
        auto with = words;
        with.emplace_back("--frobnicate");
        EXPECT_THAT(complaint(with), HasSubstr("not expected: --frobnicate"));
    }
}

TEST_F(CliTest, NamesTheArgumentThatIsMissing) {
    EXPECT_THAT(complaint({"run"}), StartsWith("FILE is required"));
    EXPECT_THAT(complaint({"profile"}), StartsWith("RESULTS is required"));
    EXPECT_THAT(complaint({"shell"}), StartsWith("SIDE is required"));
    EXPECT_THAT(complaint({"kernel", "build"}), StartsWith("NAME is required"));
}

TEST_F(CliTest, NamesTheArgumentThatIsTooMuch) {
    EXPECT_THAT(complaint({"run", "one", "two"}), HasSubstr("not expected: two"));
    EXPECT_THAT(complaint({"up", "server"}), HasSubstr("not expected: server"));
}

TEST_F(CliTest, NamesTheValueThatIsWrong) {
    EXPECT_THAT(complaint({"shell", "nowhere"}),
                AllOf(HasSubstr("SIDE: nowhere"), HasSubstr("server"), HasSubstr("client")));
    EXPECT_THAT(complaint({"kernel", "build", "nosuch"}),
                AllOf(HasSubstr("NAME: nosuch"), HasSubstr("debug"), HasSubstr("kcsan")));
    EXPECT_THAT(complaint({"up", "--cpus", "0"}), HasSubstr("--cpus: Value 0 not in range"));
    EXPECT_THAT(complaint({"conformance", "--cpus", "65"}), HasSubstr("--cpus: Value 65"));
    EXPECT_THAT(complaint({"run", "file", "--cpus", "many"}),
                AllOf(HasSubstr("--cpus"), HasSubstr("many")));
    EXPECT_THAT(complaint({"shell", "server", "--transport", "udp", "--", "true"}),
                StartsWith("\"udp\" is no transport: svcrdma, rpcrdma or tcp"));
}

TEST_F(CliTest, AShellNeedsATerminal) {
    EXPECT_THAT(complaint({"shell", "server"}), StartsWith("there is no terminal"));
}

TEST_F(CliTest, NamesTheScenarioThatIsMissing) {
    EXPECT_EQ(complaint({"run", path("nosuch.toml")}),
              fmt::format("no scenario file {}\n", path("nosuch.toml")));
    EXPECT_EQ(complaint({"run", path("")}), fmt::format("no scenario file {}\n", path("")));
}

TEST_F(CliTest, NamesTheKeyOfAScenarioThatItDoesNotKnow) {
    const auto file = scenario("colour = 1");
    EXPECT_THAT(complaint({"run", file}),
                AllOf(StartsWith(file + ":5:1: unknown key \"colour\"; allowed are "),
                      HasSubstr("kernels"), HasSubstr("repeats")));
}

TEST_F(CliTest, NamesThePlaceWhereAScenarioIsNoToml) {
    const auto file = scenario("repeats = = 2");
    EXPECT_THAT(complaint({"run", file}), StartsWith(file + ":5:"));
}

TEST_F(CliTest, NamesTheResultsThatHoldNoProfile) {
    EXPECT_THAT(complaint({"profile", path("nosuch")}),
                StartsWith(path("nosuch") + " holds no profile"));
}

TEST_F(CliTest, SaysHowToGetAnImage) {
    for (const Words &words :
         {Words{"run", scenario("repeats = 1"), "--results", path("results")},
          Words{"conformance", "--results", path("results")}, Words{"module", "build"},
          Words{"module", "check"}, Words{"up"}, Words{"shell", "client", "--", "true"}})
        EXPECT_THAT(complaint(words), AllOf(HasSubstr("no guest image"), HasSubstr(path("cache")),
                                            HasSubstr("nfsrdma-lab image build")));
    EXPECT_FALSE(std::filesystem::exists(path("results")));
}

// What else it misses depends on the machine.
TEST_F(CliTest, TheDoctorFindsThatTheImageIsMissing) {
    const auto doctor = run({"doctor"});
    EXPECT_EQ(doctor.status, 1);
    EXPECT_THAT(doctor.out, AllOf(HasSubstr("MISSING  guest image"), HasSubstr(path("cache")),
                                  HasSubstr("nfsrdma-lab image build")));
}

} // namespace
} // namespace lab
