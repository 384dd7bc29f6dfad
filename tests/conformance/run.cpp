// SPDX-License-Identifier: GPL-2.0-only
#include "context.h"

#include <chrono>

namespace conform {

namespace {

std::vector<std::string> steps;

/// Somebody else is connected meanwhile, and is served afterwards; and so is who comes anew.
void run_hostile(const Test &test, Context &context) {
    auto witness = context.connect();
    witness.expect_alive();
    test.run(context);
    const Step step("afterwards");
    witness.expect_alive();
    context.connect().expect_alive();
}

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
    for (const auto group : {connect_tests(), error_tests(), read_tests(), eligibility_tests(),
                             write_tests(), reply_tests(), compound_tests(), reverse_tests(),
                             binding_tests(), hostile_tests(), deadly_tests(), random_tests()})
        tests.insert(tests.end(), group.begin(), group.end());
    return tests;
}

bool server_answers(const Options &options) {
    Outcome nobodys;
    try {
        Context(options, nobodys).connect().expect_alive();
    } catch (const Failure &) {
        return false;
    }
    return true;
}

Outcome run_test(const Test &test, const Options &options) {
    using Clock = std::chrono::steady_clock;
    const auto start = Clock::now();
    Outcome outcome{.test = &test};
    try {
        Context context(options, outcome);
        if (test.kind == Kind::hostile)
            run_hostile(test, context);
        else
            test.run(context);
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
