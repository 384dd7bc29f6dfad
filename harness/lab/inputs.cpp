// SPDX-License-Identifier: GPL-2.0-only
#include "lab/inputs.h"

#include "image/cache.h"
#include "image/module.h"

#include <fmt/format.h>
#include <system_error>

namespace lab {

namespace fs = std::filesystem;

namespace {

/// Returns the copy.
Result<fs::path> keep_file(const fs::path &file, const fs::path &dir) {
    auto kept = dir / file.filename();
    std::error_code error;
    if (!fs::copy_file(file, kept, error))
        return fail(
            fmt::format("cannot copy {} to {}: {}", file.string(), dir.string(), error.message()));
    return kept;
}

} // namespace

Result<Inputs> keep_inputs(const Scenario &scenario, const std::vector<Kernel> &kernels,
                           const fs::path &dir) {
    Inputs inputs;
    inputs.scenario = scenario;
    TRY(keep_file(scenario.file, dir));
    for (JobFile &job : inputs.scenario.workloads)
        job.path = TRY(keep_file(job.path, dir));
    if (!contains(scenario.transports, Transport::svcrdma))
        return inputs;
    for (const Kernel &kernel : kernels) {
        const auto module = TRY(keep_module(kernel, dir));
        inputs.hashes[kernel.version] = TRY(hash_files({module}));
        inputs.modules.push_back(module);
    }
    return inputs;
}

} // namespace lab
