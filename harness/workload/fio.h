// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "host/host.h"
#include "util/deadline.h"
#include "util/result.h"
#include "workload/fio_result.h"
#include "workload/job_file.h"

#include <optional>
#include <string>

namespace lab {

/// What fio left behind: kept as it is among the results.
struct FioOutput {
    int status = 0;
    std::string out; ///< its JSON
    std::string err;
};

/// Copies the job files to a host, once per boot.
Result<void> install_job(Host &host, const JobFile &job, Deadline deadline);

/// Lays the job's files out in `dir` of `host` without running the job, so that the run itself
/// consists of nothing but the I/O that it names. What `dir` holds goes first: data that an earlier
/// run has left do not pass for what this one writes.
Result<void> lay_out_files(Host &host, const JobFile &job, const std::string &dir,
                           Deadline deadline);

/// Runs an installed job in `dir` of `host`. `seed` is that of fio's random sequence: the same mix
/// of I/Os for whoever gives the same; without one the job file decides. Ends it when the client's
/// RPC count stands still for `idle`: that is an error of Cause::timeout, as is a passed deadline.
/// What fio itself says, failures included, is the result.
Result<FioOutput> run_fio(Host &host, const JobFile &job, const std::string &dir,
                          std::optional<unsigned> seed, std::chrono::seconds idle,
                          Deadline deadline);

/// Makes a run_fio() that is under way in another thread return at once, as if it had stood
/// still: for who knows that its server is gone.
Result<void> stop_fio(Host &host, Deadline deadline);

} // namespace lab
