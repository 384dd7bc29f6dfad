// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "report/reporter.h"

#include <filesystem>
#include <string>

namespace lab {

/// The report as JUnit XML: a test suite per boot, whose first case is the boot itself.
std::string to_junit(const Report &report);

/// Writes junit.xml when everything is done.
class JunitReporter : public Reporter {
  public:
    explicit JunitReporter(std::filesystem::path file) : file_(std::move(file)) {}

    Result<void> start(const Report &) override { return {}; }
    Result<void> run(const Report &) override { return {}; }
    Result<void> finish(const Report &report) override;

  private:
    std::filesystem::path file_;
};

} // namespace lab
