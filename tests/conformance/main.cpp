// SPDX-License-Identifier: GPL-2.0-only
// rpcrdma-conform HOST[:PORT]: runs the suite against an RPC-over-RDMA server.
#include "report.h"
#include "requirements.h"
#include "suite.h"

#include "rpcrdma/nfs3.h"
#include "util/file.h"
#include "util/last_words.h"

#include <CLI/CLI.hpp>
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <exception>
#include <fnmatch.h>
#include <random>

namespace {

using conform::Kind;
using conform::Outcome;
using conform::Status;
using conform::Test;

constexpr int bad_usage = 2;

struct Choice {
    std::vector<std::string> only, skip;
    bool deadly = false;
};

bool matches(const std::vector<std::string> &patterns, std::string_view name) {
    return std::ranges::any_of(patterns, [&](const std::string &pattern) {
        return fnmatch(pattern.c_str(), std::string(name).c_str(), 0) == 0;
    });
}

/// The tests that were asked for, whatever it takes to run them.
std::vector<Test> choose(const Choice &choice) {
    auto tests = conform::all_tests();
    std::erase_if(tests, [&](const Test &test) {
        if (!choice.only.empty() && !matches(choice.only, test.name))
            return true;
        return matches(choice.skip, test.name);
    });
    return tests;
}

void list(const std::vector<Test> &tests) {
    for (const auto &test : tests)
        fmt::print("{:<28} {}{}{}\n", test.name, test.what,
                   test.kind == Kind::hostile ? " (hostile)" : "",
                   test.deadly.empty() ? "" : " (takes --deadly)");
}

/// Finds a directory for the tests that need files. Without one they are not applicable.
void find_root(conform::Options &options) {
    auto root = rpcrdma::nfs3::mount(options.target.host, options.export_path,
                                     lab::Deadline::in(options.timeout));
    if (root)
        options.root = std::move(*root);
    else
        options.no_root = "no export to make files in: " + root.error().what;
}

bool save(const std::string &path, const std::string &text) {
    if (path.empty())
        return true;
    const auto written = lab::write_file(path, text);
    if (!written)
        fmt::print(stderr, "rpcrdma-conform: {}\n", written.error().what);
    return written.has_value();
}

} // namespace

int main(int argc, char **argv) try {
    CLI::App app("Tests how an RPC-over-RDMA version 1 server keeps RFC 8166, 8167, 8797 and 8267.",
                 "rpcrdma-conform");
    app.footer(
        "Run it on a machine with an RDMA device that reaches the server (rdma link shows it;\n"
        "rdma_ucm must be loaded). Most tests make files in a directory of their own, as user 0,\n"
        "from an unprivileged port: where the server does not let them, they are not applicable.\n"
        "hostile.* mean harm: --skip them for a server that others need.\n"
        "The exit status is 0 if no test failed, 1 if one did, 2 if nothing could be tested.\n\n"
        "  rpcrdma-conform filer --export /vol1 --junit conform.xml\n"
        "  rpcrdma-conform filer:20050 --skip 'hostile.*'\n"
        "  rpcrdma-conform filer --only error.version --verbose");
    std::string target, json, junit;
    Choice choice;
    conform::Options options;
    options.seed = std::random_device()();
    double timeout = 10;
    bool show_list = false, show_requirements = false, verbose = false;
    app.add_option("server", target, "HOST, HOST:PORT or [V6]:PORT; the port is 20049 by default");
    app.add_flag("--list", show_list, "list the tests, and run none");
    app.add_flag("--requirements", show_requirements,
                 "print what the RFCs require and which test checks it, and run none");
    // One pattern each: the server's name may come behind them.
    app.add_option("--only", choice.only, "run the tests that match, such as 'error.*'; repeatable")
        ->type_name("GLOB")
        ->allow_extra_args(false);
    app.add_option("--skip", choice.skip, "leave out the tests that match; repeatable")
        ->type_name("GLOB")
        ->allow_extra_args(false);
    app.add_flag("--deadly", choice.deadly,
                 "also run deadly.* and random.*, which are known to crash some servers");
    app.add_option("--seed", options.seed, "of what is random; printed, to run the same again");
    app.add_option("--timeout", timeout, "seconds that an answer may take")
        ->check(CLI::Range(0.1, 600.0))
        ->capture_default_str();
    app.add_option("--export", options.export_path,
                   "what to mount with NFS version 3 (default: the first export)")
        ->type_name("PATH");
    app.add_option("--json", json,
                   "write a report with the last 400 messages of every test, 512 bytes of each")
        ->type_name("FILE");
    app.add_option("--junit", junit, "write a report for a CI system")->type_name("FILE");
    app.add_flag("-v,--verbose", verbose,
                 "show the messages of all tests, not of failed ones only");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError &error) {
        return app.exit(error) == 0 ? 0 : bad_usage;
    }
    options.timeout = std::chrono::milliseconds(static_cast<long>(timeout * 1000));

    if (show_requirements) {
        const auto faults = conform::requirements_faults(conform::all_tests());
        for (const auto &fault : faults)
            fmt::print(stderr, "rpcrdma-conform: {}\n", fault);
        if (!faults.empty())
            return 1;
        fmt::print("{}", conform::requirements_table(conform::all_tests()));
        return 0;
    }
    auto tests = choose(choice);
    if (tests.empty()) {
        fmt::print(stderr, "rpcrdma-conform: no test matches; --list shows them\n");
        return bad_usage;
    }
    if (show_list) {
        list(tests);
        return 0;
    }
    if (!choice.deadly)
        std::erase_if(tests, [](const Test &test) { return !test.deadly.empty(); });
    if (tests.empty()) {
        fmt::print(stderr, "rpcrdma-conform: what matches is known to crash some servers, and runs "
                           "only with --deadly\n");
        return bad_usage;
    }
    if (target.empty()) {
        fmt::print(stderr, "rpcrdma-conform: name a server: HOST or HOST:PORT; --help says more\n");
        return bad_usage;
    }
    const auto server = rpcrdma::Target::parse(target);
    if (!server) {
        fmt::print(stderr, "rpcrdma-conform: {}\n", server.error().what);
        return bad_usage;
    }
    options.target = *server;
    // Nothing is tested by a suite of tests that all fail for want of a server.
    if (const auto reached =
            rpcrdma::Connection::open(options.target, {}, lab::Deadline::in(options.timeout));
        !reached) {
        fmt::print(stderr, "rpcrdma-conform: {} port {}: {}\n", options.target.host,
                   options.target.port, reached.error().what);
        return bad_usage;
    }

    const auto started = fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)));
    find_root(options);
    fmt::print("{} tests against {} port {}, seed {}\n", tests.size(), options.target.host,
               options.target.port, options.seed);
    std::vector<Outcome> outcomes;
    std::string gone; // what ended the server; what follows would only say so again and again
    for (const auto &test : tests) {
        if (gone.empty())
            outcomes.push_back(conform::run_test(test, options));
        else
            outcomes.push_back({.test = &test, .status = Status::not_applicable, .why = gone});
        if (outcomes.back().status == Status::fail && !conform::server_answers(options))
            gone = fmt::format("the server has not answered since {}", test.name);
        fmt::print("{}", to_text(outcomes.back(), verbose));
        std::fflush(stdout);
    }
    const auto count = [&](Status status) {
        return std::ranges::count(outcomes, status, &Outcome::status);
    };
    fmt::print("{} passed, {} failed, {} not applicable\n", count(Status::pass),
               count(Status::fail), count(Status::not_applicable));
    const bool saved =
        save(json, to_json(outcomes, options)) && save(junit, to_junit(outcomes, options, started));
    if (!saved)
        return bad_usage;
    return count(Status::fail) == 0 ? 0 : 1;
} catch (const std::exception &error) {
    lab::say_last_words("rpcrdma-conform", error);
    return bad_usage;
}
