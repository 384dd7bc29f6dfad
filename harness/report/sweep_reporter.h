// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "report/reporter.h"

#include <filesystem>

namespace lab {

/// Writes sweep.tsv, one line for each variant of a sweep, and has gnuplot draw it.
class SweepReporter : public Reporter {
  public:
    /// `plot`: gnuplot's commands, executed in `directory`, or empty.
    SweepReporter(std::filesystem::path directory, std::filesystem::path plot)
        : directory_(std::move(directory)), plot_(std::move(plot)) {}

    Result<void> start(const Report &) override { return {}; }
    Result<void> run(const Report &) override { return {}; }
    Result<void> finish(const Report &report) override;

  private:
    std::filesystem::path directory_, plot_;
};

/// The text of sweep.tsv: a line of names, then the kernel, the NFS version, the workload, the
/// value of each swept parameter, and the median of each metric ("nan" where none was measured).
std::string sweep_tsv(const Report &report);

} // namespace lab
