// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "lab/pair.h"
#include "lab/scenario.h"
#include "nfs/mount.h"
#include "observe/instructions.h"
#include "report/report.h"
#include "util/progress.h"
#include "workload/fio.h"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace lab {

/// What a scenario does with one booted pair and one setup: all its transports served at once, one
/// of them mounted at a time, by every client, and one fio run.
class Session {
  public:
    /// Starts the server, as one of the scenario's setups says, and brings the job files in place.
    /// The pair, which has the setup's machines, and the scenario must outlive the session.
    /// `results` is where runs leave their files, below a directory of their own.
    static Result<Session> start(Pair &pair, const Scenario &scenario, const Setup &setup,
                                 const std::filesystem::path &module,
                                 const std::filesystem::path &results);

    /// Sends some I/O over every transport, for nobody's benefit: an emulator translates code
    /// when it first runs, caches fill and credits grow, and the transport that comes first must
    /// not pay for all.
    Result<void> warm_up(const Scenario &scenario);

    /// Mounts, runs, proves the path, unmounts. Never fails: what goes wrong is the run's outcome.
    Run run(const RunKey &key, const JobFile &job, Deadline deadline);

    /// What belongs to no single run: the memory of idle connections, and the raw bandwidth.
    Result<void> bench(Boot &boot, Progress &progress);

    /// Ends the server: what does not stop or unload is an error.
    Result<void> stop();

    /// How the server's instructions are counted: "plugin", "perf stat", or "not counted: WHY".
    [[nodiscard]] const std::string &counting() const { return counting_; }

  private:
    Session(Pair &pair, NfsServer server, std::filesystem::path results)
        : pair_(&pair), server_(std::move(server)), results_(std::move(results)) {}

    /// Where a job's files are, below the export or a mount: each client has its own.
    [[nodiscard]] std::string job_dir(const std::string &top, const JobFile &job,
                                      unsigned client) const;
    Result<void> lay_out(const JobFile &job);
    Result<std::vector<Mount>> mount_all(const RunKey &key);

    Outcome attempt(Run &run, const JobFile &job, Deadline deadline);
    Result<void> begin_trace(const Run &run);
    Result<void> end_trace(Run &run);
    Outcome measure(Run &run, const JobFile &job, const std::vector<Mount> &mounts,
                    Deadline deadline);
    Result<FioOutput> run_watched(const Run &run, const JobFile &job,
                                  const std::vector<Mount> &mounts, Deadline deadline);
    Result<void> choose_counting();
    /// What the plugin has counted so far, if it is the plugin that counts.
    Result<std::optional<InstructionCounts>> begin_count();
    Result<std::optional<Profile>> end_count(const std::optional<InstructionCounts> &before);
    Result<void> keep_profile(const Run &run, std::uint64_t ops, const Profile &profile);
    /// A run that stood still or found no server: whether the stand-in for an adapter was to blame.
    Outcome or_device(Outcome outcome, Transport transport);

    Pair *pair_;
    NfsServer server_;
    std::filesystem::path results_;
    unsigned repeats_ = 1;
    std::string mount_options_;
    std::string counting_;
    std::optional<SymbolTable> symbols_; ///< of the server, where the plugin counts
};

} // namespace lab
