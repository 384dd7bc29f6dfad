// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "report/reporter.h"

#include <filesystem>
#include <string>

namespace lab {

/// The report as JSON, schema 1.
std::string to_json(const Report &report);

/// Keeps summary.json current: whoever kills the lab finds the runs that were done, and the
/// verdict that nothing has been proven yet.
class JsonReporter : public Reporter {
  public:
    explicit JsonReporter(std::filesystem::path file) : file_(std::move(file)) {}

    Result<void> start(const Report &report) override;
    Result<void> run(const Report &report) override;
    Result<void> finish(const Report &report) override;

  private:
    std::filesystem::path file_;
};

} // namespace lab
