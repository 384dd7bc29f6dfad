// SPDX-License-Identifier: GPL-2.0-only
#include "lab/scenario.h"

#include "image/image.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <fstream>
#include <optional>
#include <span>
#include <sstream>
#include <string_view>
#include <toml++/toml.h>

namespace lab {
namespace {

constexpr std::array<std::string_view, 3> transport_names{"svcrdma", "rpcrdma", "tcp"};
constexpr std::array<std::string_view, 3> nfs_versions{"3", "4.1", "4.2"};
constexpr std::array<std::string_view, 12> keys{
    "kernels", "transports", "nfs",   "workloads", "repeats", "threads",
    "cpus",    "network",    "bench", "sweep",     "plot",    "module_parameters"};

// insmod's words go through a shell.
constexpr auto plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.,";
constexpr auto lab_chooses =
    "\"transport\" is the lab's to choose: it depends on whether the stock "
    "transport is served as well";

/// What a list of strings may hold: without names, anything.
struct Allowed {
    std::span<const std::string_view> names = {};
    bool versions = false; ///< also exact versions of kernels: which there are, the image knows

    [[nodiscard]] bool has(std::string_view value) const {
        return names.empty() || std::ranges::find(names, value) != names.end() ||
               (versions && value.find_first_of("0123456789") == 0);
    }

    [[nodiscard]] std::string describe() const {
        if (names.empty())
            return "a list of strings";
        return fmt::format("a list of strings out of \"{}\"{}", fmt::join(names, "\", \""),
                           versions ? ", or of exact versions" : "");
    }
};

/// Reads values out of one file and keeps the first error.
class Reader {
  public:
    Reader(std::filesystem::path path, const toml::table &table)
        : path_(std::move(path)), table_(table) {}

    std::unexpected<Error> error_at(const toml::source_region &where, std::string_view what) const {
        return fail(fmt::format("{}:{}:{}: {}", path_.string(), where.begin.line,
                                where.begin.column, what));
    }

    Result<void> check_keys() const {
        for (const auto &[key, value] : table_)
            if (std::ranges::find(keys, key.str()) == keys.end())
                return error_at(key.source(), fmt::format("unknown key \"{}\"; allowed are {}",
                                                          key.str(), fmt::join(keys, ", ")));
        return {};
    }

    /// A list of distinct strings that is not empty.
    Result<std::vector<std::string>> strings(std::string_view key, const Allowed &allowed) const {
        const toml::node *node = table_.get(key);
        if (node == nullptr)
            return fail(fmt::format("{}: the key \"{}\" is missing: {}", path_.string(), key,
                                    allowed.describe()));
        const toml::array *array = node->as_array();
        if (array == nullptr)
            return error_at(node->source(),
                            fmt::format("\"{}\" must be {}", key, allowed.describe()));
        if (array->empty())
            return error_at(node->source(), fmt::format("\"{}\" is empty", key));

        std::vector<std::string> values;
        for (const toml::node &element : *array) {
            const auto value = element.value_exact<std::string>();
            if (!value || !allowed.has(*value))
                return error_at(element.source(),
                                fmt::format("\"{}\" must be {}", key, allowed.describe()));
            if (std::ranges::find(values, *value) != values.end())
                return error_at(element.source(),
                                fmt::format("\"{}\" names \"{}\" twice", key, *value));
            values.push_back(*value);
        }
        return values;
    }

    /// A number from 1 to `most`, or `otherwise` when the file does not say.
    Result<unsigned> count(std::string_view key, unsigned otherwise, unsigned most) const {
        const toml::node *node = table_.get(key);
        if (node == nullptr)
            return otherwise;
        const auto value = node->value_exact<std::int64_t>();
        if (!value || *value < 1 || *value > most)
            return error_at(node->source(),
                            fmt::format("\"{}\" must be a whole number from 1 to {}", key, most));
        return static_cast<unsigned>(*value);
    }

    /// A flag that is off unless the file says otherwise.
    Result<bool> flag(std::string_view key) const {
        const toml::node *node = table_.get(key);
        if (node == nullptr)
            return false;
        const auto value = node->value_exact<bool>();
        if (!value)
            return error_at(node->source(), fmt::format("\"{}\" must be true or false", key));
        return *value;
    }

    [[nodiscard]] const toml::table &table() const { return table_; }

  private:
    std::filesystem::path path_;
    const toml::table &table_;
};

Result<void> read_workloads(const Reader &reader, const std::filesystem::path &path,
                            Scenario &scenario) {
    const auto names = TRY(reader.strings("workloads", {}));
    const toml::array &array = *reader.table().get("workloads")->as_array();
    for (std::size_t i = 0; i < names.size(); ++i) {
        auto job = read_job_file(path.parent_path() / names[i]);
        if (!job)
            return reader.error_at(array[i].source(), job.error().what);
        const bool taken = std::ranges::any_of(
            scenario.workloads, [&](const JobFile &other) { return other.name == job->name; });
        if (taken)
            return reader.error_at(
                array[i].source(),
                fmt::format("two workloads are called \"{}\": results could not tell them apart",
                            job->name));
        scenario.workloads.push_back(*std::move(job));
    }
    return {};
}

Result<void> read_module_parameters(const Reader &reader, Scenario &scenario) {
    if (!reader.table().contains("module_parameters"))
        return {};
    const auto values = TRY(reader.strings("module_parameters", {}));
    const toml::array &array = *reader.table().get("module_parameters")->as_array();
    for (std::size_t i = 0; i < values.size(); ++i) {
        const std::string &value = values[i];
        const auto equals = value.find('=');
        if (equals == 0 || equals == value.npos ||
            value.find_first_not_of(plain, equals + 1) != value.npos ||
            value.find_first_not_of(plain) != equals)
            return reader.error_at(array[i].source(),
                                   "a module parameter is written \"name=value\", out of letters, "
                                   "digits and _-.,");
        if (value.starts_with("transport="))
            return reader.error_at(array[i].source(), lab_chooses);
    }
    scenario.module_parameters = fmt::format("{}", fmt::join(values, " "));
    return {};
}

/// A value of a sweep, as insmod takes it; nothing when it is neither a number nor a plain word.
std::optional<std::string> swept_value(const toml::node &node) {
    if (const auto number = node.value_exact<std::int64_t>())
        return std::to_string(*number);
    auto word = node.value_exact<std::string>();
    if (!word || word->empty() || word->find_first_not_of(plain) != word->npos)
        return std::nullopt;
    return word;
}

Result<void> read_sweep(const Reader &reader, Scenario &scenario) {
    const toml::node *node = reader.table().get("sweep");
    if (node == nullptr)
        return {};
    constexpr auto expected = "\"sweep\" must be a table of module parameters, each with a list of "
                              "numbers or plain words";
    const toml::table *table = node->as_table();
    if (table == nullptr || table->empty())
        return reader.error_at(node->source(), expected);
    if (scenario.bench)
        return reader.error_at(node->source(), "\"sweep\" and \"bench\" exclude each other: the "
                                               "goals of a bench are not those of a variant");
    if (scenario.transports != std::vector{Transport::svcrdma})
        return reader.error_at(node->source(),
                               "\"sweep\" needs transports = [\"svcrdma\"]: no other has "
                               "parameters to sweep");
    for (const auto &[name, values] : *table) {
        const toml::array *array = values.as_array();
        if (array == nullptr || array->empty() ||
            name.str().find_first_not_of(plain) != name.str().npos)
            return reader.error_at(values.source(), expected);
        if (name.str() == "transport")
            return reader.error_at(name.source(), lab_chooses);
        std::vector<std::string> swept;
        for (const toml::node &element : *array) {
            const auto value = swept_value(element);
            if (!value)
                return reader.error_at(element.source(), expected);
            if (std::ranges::find(swept, *value) != swept.end())
                return reader.error_at(
                    element.source(),
                    fmt::format("\"sweep\" names {} twice for \"{}\"", *value, name.str()));
            swept.push_back(*value);
        }
        std::vector<std::string> longer;
        for (const std::string &variant : scenario.variants)
            for (const std::string &value : swept)
                longer.push_back(fmt::format("{}{}{}={}", variant, variant.empty() ? "" : " ",
                                             name.str(), value));
        scenario.variants = std::move(longer);
    }
    return {};
}

Result<void> read_plot(const Reader &reader, const std::filesystem::path &path,
                       Scenario &scenario) {
    const toml::node *node = reader.table().get("plot");
    if (node == nullptr)
        return {};
    const auto name = node->value_exact<std::string>();
    if (!name)
        return reader.error_at(node->source(), "\"plot\" must name a file of gnuplot commands");
    if (!reader.table().contains("sweep"))
        return reader.error_at(node->source(), "\"plot\" draws a \"sweep\", and there is none");
    // gnuplot draws it from another directory.
    scenario.plot = std::filesystem::absolute(path.parent_path() / *name);
    if (!std::filesystem::is_regular_file(scenario.plot))
        return reader.error_at(node->source(), "no file " + scenario.plot.string());
    return {};
}

Result<void> read_network(const Reader &reader, Scenario &scenario) {
    const toml::node *node = reader.table().get("network");
    if (node == nullptr)
        return {};
    const toml::table *table = node->as_table();
    if (table == nullptr)
        return reader.error_at(node->source(),
                               "\"network\" must be a table such as { delay = \"20ms\" }");
    for (const auto &[name, value] : *table) {
        // A number without a unit is one, too.
        const auto number = value.value_exact<std::int64_t>();
        const auto text =
            number ? std::to_string(*number) : value.value_exact<std::string>().value_or("");
        if (auto set = set_option(scenario.network, name.str(), text); !set)
            return reader.error_at(value.source(), set.error().what);
    }
    if (auto sane = check(scenario.network); !sane)
        return reader.error_at(node->source(), sane.error().what);
    return {};
}

Result<Scenario> read_table(const std::filesystem::path &path, const toml::table &table) {
    const Reader reader(path, table);
    TRY(reader.check_keys());

    Scenario scenario;
    scenario.file = path;
    scenario.name = path.stem().string();
    scenario.kernels = TRY(reader.strings("kernels", {kernel_names(), true}));
    const auto transports = TRY(reader.strings("transports", {transport_names}));
    for (const std::string &name : transports)
        if (const auto transport = transport_from(name))
            scenario.transports.push_back(*transport);
    scenario.nfs = TRY(reader.strings("nfs", {nfs_versions}));
    scenario.repeats = TRY(reader.count("repeats", scenario.repeats, 1000));
    scenario.threads = TRY(reader.count("threads", scenario.threads, 1024));
    scenario.cpus = TRY(reader.count("cpus", scenario.cpus, most_cpus));
    TRY(read_network(reader, scenario));
    scenario.bench = TRY(reader.flag("bench"));
    TRY(read_module_parameters(reader, scenario));
    TRY(read_sweep(reader, scenario));
    TRY(read_plot(reader, path, scenario));
    TRY(read_workloads(reader, path, scenario));
    return scenario;
}

} // namespace

Result<Scenario> read_scenario(const std::filesystem::path &path) {
    std::ifstream file(path);
    if (!std::filesystem::is_regular_file(path) || !file)
        return fail(fmt::format("no scenario file {}", path.string()));
    std::ostringstream text;
    text << file.rdbuf();
    try {
        // The library reports errors by throwing; here they become values.
        const toml::table table = toml::parse(std::string_view(text.view()));
        return read_table(path, table);
    } catch (const toml::parse_error &error) {
        return fail(fmt::format("{}:{}:{}: {}", path.string(), error.source().begin.line,
                                error.source().begin.column, error.description()));
    }
}

} // namespace lab
