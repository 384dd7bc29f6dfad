// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "report/reporter.h"

#include <cstdio>
#include <filesystem>
#include <string>

namespace lab {

/// The report for a terminal: tables, what went wrong, the verdict.
std::string to_text(const Report &report);

/// Prints the report at the end, and where the results are.
class TextReporter : public Reporter {
  public:
    /// `out` stays open and must outlive the reporter.
    TextReporter(std::FILE *out, std::filesystem::path results)
        : out_(out), results_(std::move(results)) {}

    Result<void> start(const Report &) override { return {}; }
    Result<void> run(const Report &) override { return {}; }
    Result<void> finish(const Report &report) override;

  private:
    std::FILE *out_;
    std::filesystem::path results_;
};

} // namespace lab
