// SPDX-License-Identifier: GPL-2.0-only
#include "report/junit_reporter.h"

#include "util/file.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <pugixml.hpp>
#include <sstream>

namespace lab {
namespace {

struct Counts {
    unsigned tests = 0, failures = 0, errors = 0, skipped = 0;
};

/// XML 1.0 has no way to write most control characters, and consoles are full of them.
std::string printable(std::string text) {
    for (char &c : text)
        if (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t')
            c = '?';
    return text;
}

/// What was tested failed, or it could not be tested: JUnit calls the latter an error.
const char *element_of(Verdict verdict) {
    switch (verdict) {
    case Verdict::pass:
        return nullptr;
    case Verdict::skip:
        return "skipped";
    case Verdict::boot_failure:
    case Verdict::infrastructure:
    case Verdict::lost_connection:
        return "error";
    case Verdict::fail:
    case Verdict::kernel_splat:
    case Verdict::hang:
        return "failure";
    }
    return "failure";
}

pugi::xml_node add_case(pugi::xml_node suite, const std::string &classname, const std::string &name,
                        double seconds, const Outcome &outcome, const std::string &details,
                        Counts &counts) {
    auto node = suite.append_child("testcase");
    node.append_attribute("classname").set_value(classname.c_str());
    node.append_attribute("name").set_value(name.c_str());
    node.append_attribute("time").set_value(fmt::format("{:.3f}", seconds).c_str());
    ++counts.tests;
    const char *element = element_of(outcome.verdict);
    if (element == nullptr)
        return node;
    const std::string_view kind = element;
    ++(kind == "skipped" ? counts.skipped : kind == "error" ? counts.errors : counts.failures);
    auto problem = node.append_child(element);
    problem.append_attribute("type").set_value(std::string(verdict_name(outcome.verdict)).c_str());
    problem.append_attribute("message").set_value(printable(outcome.why).c_str());
    if (!details.empty())
        problem.text().set(printable(details).c_str());
    return node;
}

std::string findings_text(const Boot &boot) {
    std::string text;
    for (const Finding &finding : boot.findings)
        text += fmt::format("{}\n", fmt::join(finding.lines, "\n"));
    return text;
}

void set_counts(pugi::xml_node node, const Counts &counts) {
    node.append_attribute("tests").set_value(counts.tests);
    node.append_attribute("failures").set_value(counts.failures);
    node.append_attribute("errors").set_value(counts.errors);
    node.append_attribute("skipped").set_value(counts.skipped);
}

} // namespace

std::string to_junit(const Report &report) {
    pugi::xml_document document;
    auto declaration = document.append_child(pugi::node_declaration);
    declaration.append_attribute("version").set_value("1.0");
    declaration.append_attribute("encoding").set_value("UTF-8");
    auto suites = document.append_child("testsuites");
    suites.append_attribute("name").set_value(report.scenario.c_str());
    suites.append_attribute("time").set_value(fmt::format("{:.3f}", report.seconds).c_str());

    for (const Boot &boot : report.boots) {
        auto suite = suites.append_child("testsuite");
        const auto classname = report.scenario + "." + boot.kernel;
        suite.append_attribute("name").set_value(classname.c_str());
        suite.append_attribute("timestamp").set_value(report.started.c_str());
        suite.append_attribute("time").set_value(fmt::format("{:.3f}", boot.seconds).c_str());
        Counts counts;
        add_case(suite, classname, "boot", static_cast<double>(boot.boot_ms) / 1000, boot.outcome,
                 findings_text(boot), counts);
        for (const Run &run : report.runs)
            if (run.key.kernel == boot.kernel)
                add_case(suite, classname,
                         fmt::format("NFSv{} {} over {} #{}", run.key.nfs, run.key.workload,
                                     transport_name(run.key.transport), run.key.repeat),
                         run.seconds, run.outcome, run.proof, counts);
        set_counts(suite, counts);
    }
    std::ostringstream text;
    document.save(text, "  ");
    return text.str();
}

Result<void> JunitReporter::finish(const Report &report) {
    return write_file(file_, to_junit(report));
}

} // namespace lab
