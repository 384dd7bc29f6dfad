// SPDX-License-Identifier: GPL-2.0-only
#include "lab/scenario.h"

#include "image/image.h"
#include "lab/toml_reader.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <fstream>
#include <optional>
#include <random>
#include <sstream>
#include <string_view>
#include <toml++/toml.h>

namespace lab {
namespace {

constexpr std::array<std::string_view, 3> transport_names{"svcrdma", "rpcrdma", "tcp"};
constexpr std::array<std::string_view, 4> nfs_versions{"3", "4.0", "4.1", "4.2"};
constexpr std::array<std::string_view, 3> filesystems{"tmpfs", "ext4", "xfs"};
constexpr std::array<std::string_view, 2> providers{"rxe", "siw"};
constexpr std::array<std::string_view, 4> pool_modes{"auto", "global", "percpu", "pernode"};
constexpr std::array<std::string_view, 24> keys{
    "kernels",    "client_kernel",  "transports", "nfs",
    "workloads",  "repeats",        "cpus",       "memory",
    "minutes",    "seed",           "provider",   "clients",
    "filesystem", "threads",        "network",    "mount",
    "nconnect",   "export",         "bench",      "pool_mode",
    "sweep",      "max_block_size", "plot",       "module_parameters"};

// What goes through a shell.
constexpr auto plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.,";
constexpr auto options = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.,=:/";
constexpr auto lab_chooses =
    "\"transport\" is the lab's to choose: it depends on whether the stock "
    "transport is served as well";

Result<void> read_workloads(const TomlReader &reader, const std::filesystem::path &path,
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

Result<void> read_module_parameters(const TomlReader &reader, Scenario &scenario) {
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

Result<void> read_sweep(const TomlReader &reader, Scenario &scenario) {
    const toml::node *node = reader.table().get("sweep");
    if (node == nullptr)
        return {};
    constexpr auto expected = "\"sweep\" must be a table of module parameters, each with a list of "
                              "numbers or plain words";
    const toml::table *table = node->as_table();
    if (table == nullptr || table->empty())
        return reader.error_at(node->source(), expected);
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
        std::vector<Choice> choices;
        for (const toml::node &element : *array) {
            const auto value = swept_value(element);
            if (!value)
                return reader.error_at(element.source(), expected);
            if (std::ranges::find(choices, *value, &Choice::value) != choices.end())
                return reader.error_at(
                    element.source(),
                    fmt::format("\"sweep\" names {} twice for \"{}\"", *value, name.str()));
            choices.push_back(
                {*value, [parameter = fmt::format(" {}={}", name.str(), *value)](Setup &setup) {
                     setup.module_parameters += parameter;
                 }});
        }
        scenario.setups = cross(scenario.setups, name.str(), choices, Named::setup);
    }
    return {};
}

/// A soak does everything itself, and as chance wants it.
Result<void> read_soak(const TomlReader &reader, Scenario &scenario) {
    const toml::table &table = reader.table();
    scenario.minutes = TRY(reader.count("minutes", 0, {1, 10080}));
    const toml::node *seed = table.get("seed");
    if (scenario.minutes == 0)
        return seed == nullptr ? Result<void>()
                               : reader.error_at(seed->source(), "\"seed\" is a soak's: it needs "
                                                                 "\"minutes\"");
    scenario.seed = TRY(reader.count("seed", std::random_device{}(), {0, 4294967295U}));
    scenario.said["minutes"] = std::to_string(scenario.minutes);
    scenario.said["seed"] = std::to_string(scenario.seed);
    const auto error = [&](std::string_view why) {
        return reader.error_at(table.get("minutes")->source(), fmt::format("\"minutes\" {}", why));
    };
    if (scenario.transports != std::vector{Transport::svcrdma})
        return error("needs transports = [\"svcrdma\"]: a soak is our transport's");
    for (const char *other : {"bench", "repeats", "sweep", "nconnect"})
        if (table.contains(other))
            return error(fmt::format("goes with no \"{}\"", other));
    for (const Setup &setup : scenario.setups) {
        if (!setup.name.empty())
            return error("goes with no list of setups");
        if (setup.network.mtu != 0 || setup.network.sender != Sender::server)
            return error("goes with no \"sender\" nor \"mtu\": a client that was reset would not "
                         "know of it");
    }
    for (const JobFile &job : scenario.workloads)
        if (!job.verifies)
            return error(fmt::format("wants jobs that verify, and \"{}\" does not", job.name));
    return {};
}

Result<void> read_plot(const TomlReader &reader, const std::filesystem::path &path,
                       Scenario &scenario) {
    const toml::node *node = reader.table().get("plot");
    if (node == nullptr)
        return {};
    const auto name = node->value_exact<std::string>();
    if (!name)
        return reader.error_at(node->source(), "\"plot\" must name a file of gnuplot commands");
    if (scenario.setups.front().name.empty() && scenario.minutes == 0)
        return reader.error_at(
            node->source(), "\"plot\" draws what varies, and nothing does: there is no \"sweep\", "
                            "no list of setups and no \"minutes\"");
    // gnuplot draws it from another directory.
    scenario.plot = std::filesystem::absolute(path.parent_path() / *name);
    if (!std::filesystem::is_regular_file(scenario.plot))
        return reader.error_at(node->source(), "no file " + scenario.plot.string());
    return {};
}

/// Adds one value of a key that varies.
Result<void> add_choice(const TomlReader &reader, const toml::node &node, std::string_view key,
                        std::vector<Choice> &choices, Choice choice) {
    if (std::ranges::find(choices, choice.value, &Choice::value) != choices.end())
        return reader.error_at(node.source(),
                               fmt::format("\"{}\" names {} twice", key, choice.value));
    choices.push_back(std::move(choice));
    return {};
}

/// Crosses with the setups what a key says, if anything. Of a list, names tell which value it is;
/// what is none is kept for the report.
void vary(const TomlReader &reader, Scenario &scenario, std::string_view key,
          const std::vector<Choice> &choices, Named named) {
    if (choices.empty())
        return;
    const bool list = reader.table().get(key)->is_array();
    scenario.setups = cross(scenario.setups, key, choices, list ? named : Named::no);
    if (!list)
        scenario.said[std::string(key)] = choices.front().value;
}

/// A whole number, or a list of them.
Result<void> vary_count(const TomlReader &reader, Scenario &scenario, std::string_view key,
                        Bounds bounds, unsigned Setup::*member, Named named = Named::setup) {
    std::vector<Choice> choices;
    TRY(reader.each(key, [&](const toml::node &node) -> Result<void> {
        const auto value = TRY(reader.count_of(node, key, bounds));
        return add_choice(
            reader, node, key, choices,
            {std::to_string(value), [member, value](Setup &setup) { setup.*member = value; }});
    }));
    vary(reader, scenario, key, choices, named);
    return {};
}

Result<void> vary_filesystem(const TomlReader &reader, Scenario &scenario) {
    constexpr auto key = "filesystem";
    std::vector<Choice> choices;
    TRY(reader.each(key, [&](const toml::node &node) -> Result<void> {
        const auto value = TRY(reader.string_of(node, key, {filesystems}));
        return add_choice(reader, node, key, choices,
                          {value, [value](Setup &setup) { setup.filesystem = value; }});
    }));
    vary(reader, scenario, key, choices, Named::boot);
    return {};
}

Result<NetworkOptions> network_of(const TomlReader &reader, const toml::node &node) {
    const toml::table *table = node.as_table();
    if (table == nullptr)
        return reader.error_at(node.source(),
                               "\"network\" must be a table such as { delay = \"20ms\" }, or a "
                               "list of them");
    NetworkOptions network;
    for (const auto &[name, value] : *table) {
        // A number without a unit is one, too.
        const auto number = value.value_exact<std::int64_t>();
        const auto text =
            number ? std::to_string(*number) : value.value_exact<std::string>().value_or("");
        if (auto set = set_option(network, name.str(), text); !set)
            return reader.error_at(value.source(), set.error().what);
    }
    if (auto sane = check(network); !sane)
        return reader.error_at(node.source(), sane.error().what);
    return network;
}

Result<void> vary_network(const TomlReader &reader, Scenario &scenario) {
    constexpr auto key = "network";
    std::vector<Choice> choices;
    TRY(reader.each(key, [&](const toml::node &node) -> Result<void> {
        const auto network = TRY(network_of(reader, node));
        auto value = network.any() ? describe(network) : "none";
        std::ranges::replace(value, ' ', '-');
        return add_choice(reader, node, key, choices,
                          {value, [network](Setup &setup) { setup.network = network; }});
    }));
    vary(reader, scenario, key, choices, Named::setup);
    scenario.said.erase(key); // the report has a line of its own for it
    return {};
}

/// Options with commas between them, as `file` has them.
Result<std::string> options_of(const TomlReader &reader, const toml::node &node,
                               std::string_view key, std::string_view file,
                               std::span<const std::string_view> chosen) {
    auto text = node.value_exact<std::string>();
    if (!text || text->empty() || text->find_first_not_of(options) != text->npos)
        return reader.error_at(node.source(),
                               fmt::format("\"{}\" must be options with commas between them, as "
                                           "one writes them in {}",
                                           key, file));
    std::istringstream words(*text);
    for (std::string word; std::getline(words, word, ',');)
        if (const auto name = word.substr(0, word.find('='));
            std::ranges::find(chosen, name) != chosen.end())
            return reader.error_at(node.source(), fmt::format("\"{}\" in \"{}\" is the lab's to "
                                                              "choose",
                                                              name, key));
    return *std::move(text);
}

/// A key with one value for all setups, if the file has it: `read` checks it. It is kept for the
/// report.
Result<void> read_common(const TomlReader &reader, Scenario &scenario, std::string_view key,
                         const std::function<Result<std::string>(const toml::node &)> &read) {
    const toml::node *node = reader.table().get(key);
    if (node != nullptr)
        scenario.said[std::string(key)] = TRY(read(*node));
    return {};
}

/// What all setups have in common.
Result<void> read_server(const TomlReader &reader, Scenario &scenario) {
    constexpr std::array<std::string_view, 9> of_mounts{
        "vers", "nfsvers", "minorversion", "proto", "port", "rdma", "tcp", "udp", "nconnect"};
    constexpr std::array<std::string_view, 1> of_exports{"fsid"};
    using Node = const toml::node &;
    TRY(read_common(reader, scenario, "client_kernel", [&](Node node) -> Result<std::string> {
        return scenario.client_kernel =
                   TRY(reader.string_of(node, "client_kernel", {kernel_names(), true}));
    }));
    TRY(read_common(reader, scenario, "memory", [&](Node node) -> Result<std::string> {
        scenario.memory = TRY(reader.count_of(node, "memory", {512, 65536}));
        return fmt::format("{} MiB", scenario.memory);
    }));
    TRY(read_common(reader, scenario, "provider", [&](Node node) -> Result<std::string> {
        return scenario.provider = TRY(reader.string_of(node, "provider", {providers}));
    }));
    TRY(read_common(reader, scenario, "mount", [&](Node node) -> Result<std::string> {
        return scenario.mount = TRY(options_of(reader, node, "mount", "fstab", of_mounts));
    }));
    TRY(read_common(reader, scenario, "export", [&](Node node) -> Result<std::string> {
        return scenario.export_options =
                   TRY(options_of(reader, node, "export", "/etc/exports", of_exports));
    }));
    TRY(read_common(reader, scenario, "max_block_size", [&](Node node) -> Result<std::string> {
        scenario.max_block_size = TRY(reader.count_of(node, "max_block_size", {4096, 4U << 20}));
        if (scenario.max_block_size % 4096 != 0)
            return reader.error_at(node.source(), "\"max_block_size\" must be a multiple of 4096");
        return std::to_string(scenario.max_block_size);
    }));
    TRY(read_common(reader, scenario, "pool_mode", [&](Node node) -> Result<std::string> {
        return scenario.pool_mode = TRY(reader.string_of(node, "pool_mode", {pool_modes}));
    }));
    return {};
}

/// What may vary, in the order in which it does: what takes a boot first.
Result<void> read_setups(const TomlReader &reader, Scenario &scenario) {
    TRY(vary_count(reader, scenario, "cpus", {1, most_cpus}, &Setup::cpus, Named::boot));
    TRY(vary_count(reader, scenario, "clients", {1, most_clients}, &Setup::clients, Named::boot));
    TRY(vary_filesystem(reader, scenario));
    TRY(vary_count(reader, scenario, "threads", {1, 1024}, &Setup::threads));
    TRY(vary_network(reader, scenario));
    TRY(vary_count(reader, scenario, "nconnect", {1, most_nconnect}, &Setup::nconnect));
    TRY(read_sweep(reader, scenario));
    scenario.bench = TRY(reader.flag("bench"));
    if (scenario.bench && !scenario.setups.front().name.empty())
        return reader.error_at(reader.table().get("bench")->source(),
                               "\"bench\" judges one setup: it goes with no \"sweep\" and no list "
                               "of setups");
    if (scenario.bench && scenario.provider != "rxe")
        return reader.error_at(reader.table().get("bench")->source(),
                               "\"bench\" measures rxe: it goes with no other \"provider\"");
    return {};
}

Result<Scenario> read_table(const std::filesystem::path &path, const toml::table &table) {
    const TomlReader reader(path, table);
    TRY(reader.check_keys(keys));

    Scenario scenario;
    scenario.file = path;
    scenario.name = path.stem().string();
    scenario.kernels = TRY(reader.strings("kernels", {kernel_names(), true}));
    const auto transports = TRY(reader.strings("transports", {transport_names}));
    for (const std::string &name : transports)
        if (const auto transport = transport_from(name))
            scenario.transports.push_back(*transport);
    scenario.nfs = TRY(reader.strings("nfs", {nfs_versions}));
    scenario.repeats = TRY(reader.count("repeats", scenario.repeats, {1, 1000}));
    TRY(read_server(reader, scenario));
    TRY(read_setups(reader, scenario));
    TRY(read_module_parameters(reader, scenario));
    TRY(read_workloads(reader, path, scenario));
    TRY(read_soak(reader, scenario));
    TRY(read_plot(reader, path, scenario));
    return scenario;
}

} // namespace

ServeOptions serve_options(const Scenario &scenario, const Setup &setup,
                           const std::filesystem::path &module) {
    return {.transports = scenario.transports,
            .module = module,
            .module_parameters = scenario.module_parameters + setup.module_parameters,
            .threads = setup.threads,
            .max_payload = scenario.max_block_size,
            .export_options = scenario.export_options,
            .disk_type = setup.filesystem == "tmpfs" ? "" : setup.filesystem,
            .pool_mode = scenario.pool_mode};
}

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
