// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "host/host.h"
#include "util/deadline.h"
#include "util/result.h"
#include "workload/fio_result.h"
#include "workload/job_file.h"

#include <optional>
#include <string>
#include <vector>

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

/// Has a host's fio listen to that of others, and ends it. Jobs for several places need it on each.
Result<void> start_fio_server(Host &host, Deadline deadline);
Result<void> stop_fio_server(Host &host, Deadline deadline);

/// Where a job runs.
struct FioPlace {
    Host *host;
    std::string dir;
};

/// Runs an installed job in one place, or in several at once: there the first one's fio drives
/// those that listen, and merges what they measured (fio(1), "CLIENT / SERVER"). `seed` is that of
/// fio's random sequence: the same mix of I/Os for whoever gives the same; without one the job file
/// decides. Ends it when the clients' RPC counts stand still for `idle`: that is an error of
/// Cause::timeout, as is a passed deadline. What fio itself says, failures included, is the result.
/// With several places there must be a seed.
Result<FioOutput> run_fio(const std::vector<FioPlace> &places, const JobFile &job,
                          std::optional<unsigned> seed, std::chrono::seconds idle,
                          Deadline deadline);

/// Makes a run_fio() that is under way in another thread return at once, as if it had stood
/// still: for who knows that its server is gone.
Result<void> stop_fio(Host &host, Deadline deadline);

} // namespace lab
