// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "rpcrdma/connection.h"

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace conform {

class Client;
class Context;

/// Says what a test is at, for as long as it lives; a failure meanwhile begins with it.
class Step {
  public:
    explicit Step(std::string what);
    Step(const Step &) = delete;
    Step &operator=(const Step &) = delete;
    ~Step();

    /// All that is under way: "one: two: ".
    static std::string under_way();
};

/// Thrown by a check that does not hold; ends the test.
struct Failure {
    explicit Failure(const std::string &why) : what(Step::under_way() + why) {}

    std::string what;
};

/// Thrown when the server cannot be asked: it lacks what the test is about, and may.
struct NotApplicable {
    std::string why;
};

/// How a test treats the server.
enum class Kind {
    polite,  ///< as a client might
    hostile, ///< as no client should; afterwards somebody else must still be served
};

/// One test of the suite.
struct Test {
    std::string_view name;                      ///< "group.what"
    std::vector<std::string_view> requirements; ///< ids in requirements.h
    std::string_view what;                      ///< one line for people
    void (*run)(Context &) = nullptr;
    Kind kind = Kind::polite;
    /// Why servers are known to die of it; empty for most. Such a test runs only on demand.
    std::string_view deadly = {};
};

/// All tests, in the order in which they run. Each group is in the file of its name.
std::vector<Test> all_tests();
std::span<const Test> connect_tests();
std::span<const Test> error_tests();
std::span<const Test> read_tests();
std::span<const Test> eligibility_tests();
std::span<const Test> write_tests();
std::span<const Test> reply_tests();
std::span<const Test> compound_tests();
std::span<const Test> reverse_tests();
std::span<const Test> binding_tests();
std::span<const Test> hostile_tests();
std::span<const Test> deadly_tests();
std::span<const Test> random_tests();

enum class Status { pass, fail, not_applicable };

/// One message, as the suite saw it.
struct Traced {
    bool sent = false;
    unsigned connection = 0; ///< counted from 1 within the test
    rpcrdma::Bytes bytes;
};

/// What came of a test.
struct Outcome {
    const Test *test = nullptr;
    Status status = Status::fail;
    std::string why;
    double seconds = 0;
    std::vector<Traced> messages;         ///< the last ones, when there were very many
    std::uint64_t sent = 0, received = 0; ///< bytes of all messages
};

struct Options {
    rpcrdma::Target target;
    std::uint64_t seed = 0;                   ///< of whatever is random
    std::chrono::milliseconds timeout{10000}; ///< for an answer that must come
    std::chrono::milliseconds silence{300};   ///< without an answer that must not come
    std::string export_path;                  ///< for NFS version 3; empty: the first export
    rpcrdma::Bytes root; ///< NFS version 3 handle of the directory where tests make their files
    std::string no_root; ///< why there is none, when `root` is empty
};

/// Whether a new connection is served.
bool server_answers(const Options &options);

/// Runs one test and then, if it was hostile, asks the server for a sign of life.
Outcome run_test(const Test &test, const Options &options);

} // namespace conform
