// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "report/verdict.h"

#include <pugixml.hpp>

#include <string>

namespace lab {

/// A JUnit report that is being written.
class JunitDocument {
  public:
    /// `seconds` that all of it took.
    JunitDocument(const std::string &name, double seconds);

    [[nodiscard]] std::string text() const;

  private:
    friend class JunitSuite;

    pugi::xml_document document_;
    pugi::xml_node suites_;
};

/// A test suite of a document, which must outlive it. Its totals are written when it ends.
class JunitSuite {
  public:
    /// `name` is the class name of its cases, too. `started` in ISO 8601, UTC.
    JunitSuite(JunitDocument &document, const std::string &name, const std::string &started,
               double seconds);
    JunitSuite(const JunitSuite &) = delete;
    JunitSuite &operator=(const JunitSuite &) = delete;
    ~JunitSuite();

    /// What was tested failed, or it could not be tested: JUnit calls the latter an error.
    /// `details` are shown where it did not pass.
    void add(const std::string &name, double seconds, const Outcome &outcome,
             const std::string &details = {});

  private:
    pugi::xml_node node_;
    std::string name_;
    unsigned tests_ = 0, failures_ = 0, errors_ = 0, skipped_ = 0;
};

} // namespace lab
