// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "lab/transport.h"
#include "observe/console_scanner.h"
#include "observe/instructions.h"
#include "observe/snapshot.h"
#include "report/verdict.h"
#include "workload/fio_result.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace lab {

/// Where the figures come from. What could not be found out stays empty.
struct Environment {
    std::string accelerator; ///< "kvm" or "tcg"; known after the first boot
    std::string qemu;        ///< its version
    std::string host;        ///< uname of the machine under the VMs
    unsigned host_cpus = 0;
    std::string image;        ///< hash of the recipe
    std::string git_revision; ///< of the tree; "-dirty" when it holds more than that revision
    std::string fio;          ///< as fio names itself in the guest
    std::map<std::string, std::string> kernels;    ///< suite to exact version
    std::map<std::string, std::string> srcversion; ///< of svcrdma.ko, by kernel version

    /// An emulated CPU: absolute figures say little about real machines.
    [[nodiscard]] bool emulated() const { return accelerator == "tcg"; }
};

/// Which run it was. Two runs compare when they differ in the transport only.
struct RunKey {
    std::string kernel; ///< exact version
    Transport transport = Transport::tcp;
    std::string nfs;
    std::string workload;
    unsigned repeat = 0; ///< from 1
};

/// One mount and one fio run.
struct Run {
    RunKey key;
    Outcome outcome;
    double seconds = 0;    ///< all of it: mount, fio, collecting
    bool verified = false; ///< the workload checks the data that it reads
    std::optional<FioResult> fio;
    std::optional<Delta> server;    ///< what the server counted meanwhile
    std::optional<Profile> profile; ///< what the server executed meanwhile
    std::string proof;              ///< how the traffic was shown to take the transport
    std::string directory;          ///< of its files, below the results
};

/// One boot of a pair of VMs: everything that no single run answers for.
struct Boot {
    std::string kernel;
    Outcome outcome;
    long boot_ms = 0; ///< 0 when it did not come up
    double seconds = 0;
    std::vector<Finding> findings; ///< of both consoles and kernel logs
    std::string directory;         ///< of its files, below the results
};

/// How two transports compare, over the runs that took turns in one boot.
struct Comparison {
    std::string kernel, nfs, workload;
    /// "iops", "bytes_per_s", "nfsd_wakeups_per_op", "context_switches_per_op",
    /// "instructions_per_op", "transport_instructions_per_op"
    std::string metric;
    Transport a = Transport::tcp, b = Transport::tcp;
    double ratio_median = 0, ratio_min = 0, ratio_max = 0; ///< a divided by b
    unsigned pairs = 0;                                    ///< repeats that gave a ratio
};

/// Everything there is to say about a scenario.
struct Report {
    std::string scenario;
    std::string started; ///< UTC, ISO 8601
    double seconds = 0;
    std::size_t planned_runs = 0;
    Outcome outcome;
    Environment environment;
    std::vector<Boot> boots;
    std::vector<Run> runs;
    std::vector<Comparison> comparisons;
};

/// The value of a metric, where the run measured it.
std::optional<double> metric_of(const Run &run, std::string_view metric);

/// The middle of `values`, which must not be empty; between the two middle ones when even.
double median(std::vector<double> values);

/// Ratios between every two transports of passed runs, repeat by repeat: what disturbed the
/// machine for a while disturbed both.
std::vector<Comparison> compare(const std::vector<Run> &runs);

/// What the whole scenario came to: the worst of its boots and runs. A pass takes all planned
/// runs.
Outcome conclude(const Report &report);

} // namespace lab
