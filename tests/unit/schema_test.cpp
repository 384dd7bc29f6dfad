// SPDX-License-Identifier: GPL-2.0-only
// The schemas that editors and other programs read say what the lab takes. (What the lab writes is
// held against one in report_test.cpp.)
#include "schema.h"

#include "lab/scenario.h"
#include "util/file.h"
#include "util/temp.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <toml++/toml.h>
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>

#include <exception>
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

namespace lab {

using nlohmann::json;

namespace {

std::string place(const std::vector<std::string> &context) {
    std::string path;
    for (const auto &step : context)
        path += step;
    return path;
}

} // namespace

std::vector<std::string> violations(const json &value, const std::string &name) {
    using Adapter = valijson::adapters::NlohmannJsonAdapter;
    valijson::ValidationResults results;
    try {
        const auto text = read_file(source_dir() / "harness" / "schema" / name);
        const auto schema_text = json::parse(text.value_or(""));
        valijson::Schema schema;
        // It knows no newer draft; nothing newer is used.
        valijson::SchemaParser(valijson::SchemaParser::kDraft7)
            .populateSchema(Adapter(schema_text), schema);
        valijson::Validator().validate(schema, Adapter(value), &results);
    } catch (const std::exception &error) {
        return {error.what()};
    }
    std::vector<std::string> found;
    for (valijson::ValidationResults::Error error; results.popError(error);)
        found.push_back(place(error.context) + ": " + error.description);
    return found;
}

namespace {

namespace fs = std::filesystem;
using testing::IsEmpty;

json from_toml(const std::string &text) {
    const auto table = toml::parse(text);
    std::ostringstream out;
    out << toml::json_formatter(table);
    return json::parse(out.str());
}

std::vector<std::string> scenario_violations(const std::string &text) {
    return violations(from_toml(text), "scenario.schema.json");
}

TEST(ScenarioSchema, TakesTheScenariosThatAreThere) {
    unsigned scenarios = 0;
    for (const auto &entry : fs::directory_iterator(source_dir() / "tests" / "workloads")) {
        if (entry.path().extension() != ".toml")
            continue;
        SCOPED_TRACE(entry.path());
        scenarios++;
        EXPECT_THAT(scenario_violations(read_file(entry.path()).value_or("")), IsEmpty());
    }
    EXPECT_GT(scenarios, 5U);
}

struct Line {
    const char *text; ///< of a scenario, besides what each needs
    bool right;
};

void PrintTo(const Line &line, std::ostream *out) {
    *out << line.text;
}

class ScenarioLines : public ::testing::TestWithParam<Line> {};

// The lab and the schema are of one opinion.
TEST_P(ScenarioLines, AreTakenByBothOrByNeither) {
    const auto temp = TempDir::make();
    ASSERT_TRUE(temp) << temp.error().what;
    const auto text = std::string("kernels = [\"stable\"]\ntransports = [\"svcrdma\", \"tcp\"]\n"
                                  "nfs = [\"4.2\"]\nworkloads = [\"job.fio\"]\n") +
                      GetParam().text;
    ASSERT_TRUE(write_file(temp->path() / "job.fio", "[job]\nrw=read\nsize=4k\n"));
    ASSERT_TRUE(write_file(temp->path() / "test.toml", text));
    const auto scenario = read_scenario(temp->path() / "test.toml");
    EXPECT_EQ(scenario.has_value(), GetParam().right)
        << (scenario ? "taken" : scenario.error().what);
    const auto found = scenario_violations(text);
    EXPECT_EQ(found.empty(), GetParam().right) << (found.empty() ? "" : found.front());
}

INSTANTIATE_TEST_SUITE_P(
    Lines, ScenarioLines,
    ::testing::Values(
        Line{"", true}, Line{"repeats = 3\nthreads = 4\n", true}, Line{"repeats = 0\n", false},
        Line{"repeats = 1001\n", false}, Line{"repeats = \"three\"\n", false},
        Line{"repeat = 3\n", false}, Line{"threads = 0\n", false},
        Line{"[network]\ndelay = \"20ms\"\n", true}, Line{"[network]\ndelay = 20\n", false},
        Line{"[network]\nspeed = \"20ms\"\n", false},
        Line{"network = [{}, { delay = \"20ms\" }]\n", true}, Line{"network = []\n", false},
        Line{"cpus = [1, 4]\n", true}, Line{"cpus = [1, 65]\n", false}, Line{"clients = 8\n", true},
        Line{"clients = [1, 1]\n", false}, Line{"nconnect = [1, 16]\n", true},
        Line{"nconnect = 0\n", false}, Line{"filesystem = \"ext4\"\n", true},
        Line{"filesystem = [\"ext4\", \"xfs\"]\n", true}, Line{"filesystem = \"btrfs\"\n", false},
        Line{"client_kernel = \"6.12.1\"\n", true}, Line{"client_kernel = [\"stable\"]\n", false},
        Line{"memory = 4096\n", true}, Line{"memory = 100\n", false},
        Line{"mount = \"rsize=4096,sec=sys\"\n", true}, Line{"mount = \"a b\"\n", false},
        Line{"export = \"rw,sync\"\n", true}, Line{"export = 1\n", false},
        Line{"max_block_size = 65536\n", true}, Line{"max_block_size = 5000\n", false},
        Line{"provider = \"siw\"\n", true}, Line{"provider = \"mlx5\"\n", false},
        Line{"[network]\njitter = \"1ms\"\n", false}, Line{"seed = 7\n", false},
        Line{"minutes = 0\n", false}, Line{"pool_mode = \"percpu\"\n", true},
        Line{"pool_mode = \"\"\n", false}));

} // namespace
} // namespace lab
