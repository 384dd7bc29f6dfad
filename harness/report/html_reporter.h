// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "report/reporter.h"

#include <filesystem>
#include <string>

namespace lab {

/// The report as one page that needs no other file.
std::string to_html(const Report &report);

/// Writes index.html when everything is done.
class HtmlReporter : public Reporter {
  public:
    explicit HtmlReporter(std::filesystem::path file) : file_(std::move(file)) {}

    Result<void> start(const Report &) override { return {}; }
    Result<void> run(const Report &) override { return {}; }
    Result<void> finish(const Report &report) override;

  private:
    std::filesystem::path file_;
};

} // namespace lab
