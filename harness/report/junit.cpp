// SPDX-License-Identifier: GPL-2.0-only
#include "report/junit.h"

#include <fmt/format.h>

#include <sstream>
#include <string_view>

namespace lab {
namespace {

/// XML 1.0 has no way to write most control characters, and consoles are full of them. What is no
/// ASCII need not be UTF-8 there.
std::string printable(std::string text) {
    for (char &c : text)
        if (const auto byte = static_cast<unsigned char>(c);
            (byte < 0x20 && c != '\n' && c != '\t') || byte >= 0x80)
            c = '?';
    return text;
}

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
    case Verdict::leak:
    case Verdict::hang:
        return "failure";
    }
    return "failure";
}

void set_seconds(pugi::xml_node node, double seconds) {
    node.append_attribute("time").set_value(fmt::format("{:.3f}", seconds).c_str());
}

} // namespace

JunitDocument::JunitDocument(const std::string &name, double seconds) {
    auto declaration = document_.append_child(pugi::node_declaration);
    declaration.append_attribute("version").set_value("1.0");
    declaration.append_attribute("encoding").set_value("UTF-8");
    suites_ = document_.append_child("testsuites");
    suites_.append_attribute("name").set_value(name.c_str());
    set_seconds(suites_, seconds);
}

std::string JunitDocument::text() const {
    std::ostringstream text;
    document_.save(text, "  ");
    return text.str();
}

JunitSuite::JunitSuite(JunitDocument &document, const std::string &name, const std::string &started,
                       double seconds)
    : node_(document.suites_.append_child("testsuite")), name_(name) {
    node_.append_attribute("name").set_value(name.c_str());
    node_.append_attribute("timestamp").set_value(started.c_str());
    set_seconds(node_, seconds);
}

JunitSuite::~JunitSuite() {
    node_.append_attribute("tests").set_value(tests_);
    node_.append_attribute("failures").set_value(failures_);
    node_.append_attribute("errors").set_value(errors_);
    node_.append_attribute("skipped").set_value(skipped_);
}

void JunitSuite::add(const std::string &name, double seconds, const Outcome &outcome,
                     const std::string &details) {
    auto node = node_.append_child("testcase");
    node.append_attribute("classname").set_value(name_.c_str());
    node.append_attribute("name").set_value(name.c_str());
    set_seconds(node, seconds);
    ++tests_;
    const char *element = element_of(outcome.verdict);
    if (element == nullptr)
        return;
    const std::string_view kind = element;
    ++(kind == "skipped" ? skipped_ : kind == "error" ? errors_ : failures_);
    auto problem = node.append_child(element);
    problem.append_attribute("type").set_value(std::string(verdict_name(outcome.verdict)).c_str());
    problem.append_attribute("message").set_value(printable(outcome.why).c_str());
    if (!details.empty())
        problem.text().set(printable(details).c_str());
}

} // namespace lab
