// SPDX-License-Identifier: GPL-2.0-only
#include "context.h"

#include <chrono>

namespace conform {

namespace {

std::vector<std::string> steps;

} // namespace

Step::Step(std::string what) {
    steps.push_back(std::move(what));
}

Step::~Step() {
    steps.pop_back();
}

std::string Step::under_way() {
    std::string text;
    for (const auto &step : steps)
        text += step + ": ";
    return text;
}

std::vector<Test> all_tests() {
    std::vector<Test> tests;
    for (const auto group : {connect_tests(), error_tests()})
        tests.insert(tests.end(), group.begin(), group.end());
    return tests;
}

Outcome run_test(const Test &test, const Options &options) {
    using Clock = std::chrono::steady_clock;
    const auto start = Clock::now();
    Outcome outcome{.test = &test};
    try {
        Context context(options, outcome);
        test.run(context);
        if (test.kind == Kind::hostile) {
            auto client = context.connect();
            client.expect_alive();
        }
        outcome.status = Status::pass;
    } catch (const Failure &failure) {
        outcome.why = failure.what;
    } catch (const NotApplicable &reason) {
        outcome.status = Status::not_applicable;
        outcome.why = reason.why;
    }
    outcome.seconds = std::chrono::duration<double>(Clock::now() - start).count();
    return outcome;
}

} // namespace conform
