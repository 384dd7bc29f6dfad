// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "nfs/transport.h"
#include "observe/console_scanner.h"
#include "observe/instructions.h"
#include "observe/peaks.h"
#include "observe/snapshot.h"
#include "observe/trace.h"
#include "report/metric.h"
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
    unsigned guest_cpus = 0; ///< of each VM; known after the first boot
    std::string network;     ///< what becomes of the packets that the server sends, if anything
    /// What else the scenario says of machines, server and mounts, and does not let vary.
    std::map<std::string, std::string> settings;
    std::string image;        ///< hash of the recipe
    std::string git_revision; ///< of the tree; "-dirty" when it holds more than that revision
    std::string fio;          ///< as fio names itself in the guest
    std::string instructions; ///< how they are counted: "plugin", "perf stat", "not counted: WHY"
    std::map<std::string, std::string> kernels; ///< suite to exact version
    std::map<std::string, std::string> modules; ///< hash of svcrdma.ko, by kernel version

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
    /// What the scenario lets vary, and its values in this run: "cpus=4 release=inline".
    std::string variant;

    /// The workload, and its variant if there is one.
    [[nodiscard]] std::string what() const {
        return variant.empty() ? workload : workload + " " + variant;
    }
};

/// One mount and one fio run.
struct Run {
    RunKey key;
    Outcome outcome;
    double seconds = 0;    ///< all of it: mount, fio, collecting
    bool verified = false; ///< the workload checks the data that it reads
    std::optional<FioResult> fio;
    std::optional<Delta> server; ///< what the server counted meanwhile
    /// It was traced and others of the same kind were not: what it took is no measure.
    bool set_aside = false;
    std::optional<Trace> trace;     ///< what its tracepoints told, if they were on
    std::optional<Peaks> peaks;     ///< what our module held at the most; traced runs only
    std::optional<Profile> profile; ///< what the server executed meanwhile
    std::string proof;              ///< how the traffic was shown to take the transport
    std::string directory;          ///< of its files, below the results
};

/// What idle connections took of the server's memory.
struct ConnectionCost {
    Transport transport = Transport::tcp;
    unsigned connections = 0;
    double bytes = 0;     ///< per connection, of everything; noise of the rest included
    double own_bytes = 0; ///< per connection, allocated by the transport module's own code
};

/// What a connection held while our module was made to release more slowly than it replied.
struct Overload {
    unsigned credits = 0;         ///< the most that the client was granted
    std::uint64_t send_ctxts = 0; ///< the most that existed at a time
};

/// What a soak did to its machines, and what became of it.
struct Soak {
    unsigned seed = 0;                        ///< of all that was left to chance
    double minutes = 0;                       ///< how long it lasted
    std::map<std::string, unsigned> troubles; ///< how often, by what it was
    unsigned jobs = 0;                        ///< that clients did and verified
    unsigned interrupted = 0;                 ///< jobs whose client lost its power meanwhile
    unsigned mended = 0;                      ///< jobs that ended with a device that was broken
    /// Of the server, before and after, when nothing is served; 0 where it did not come to that.
    std::uint64_t available_before_kib = 0, available_after_kib = 0;
};

/// One boot of a pair of VMs: everything that no single run answers for.
struct Boot {
    std::string kernel;
    std::string setup; ///< what takes a boot of its own, and its values: "cpus=4"; often empty
    Outcome outcome;
    long boot_ms = 0; ///< 0 when it did not come up
    double seconds = 0;
    std::vector<ConnectionCost> connections;
    std::optional<double> raw_writes; ///< RDMA Writes without NFS, bytes per second
    std::optional<Overload> overload;
    std::optional<Soak> soak;
    std::vector<Finding> findings; ///< of both consoles and kernel logs
    std::string directory;         ///< of its files, below the results
};

/// How two transports compare, over the runs that took turns in one boot.
struct Comparison {
    std::string kernel, nfs, workload;
    Metric metric = Metric::iops;
    Transport a = Transport::tcp, b = Transport::tcp;
    double ratio_median = 0, ratio_min = 0, ratio_max = 0; ///< a divided by b
    unsigned pairs = 0;                                    ///< repeats that gave a ratio
};

/// Something that our transport is meant to reach on one kernel.
struct Goal {
    std::string kernel;
    std::string what;
    std::optional<double> stock, ours;
    std::optional<double> ratio; ///< ours divided by stock
    std::string limit;           ///< "at most 0.75 of stock"
    bool met = false;
    int digits = 0; ///< that make sense behind the point, of stock and ours
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
    std::vector<Goal> goals; ///< only of a scenario that asks for them
};

/// The middle of `values`, which must not be empty; between the two middle ones when even.
double median(std::vector<double> values);

/// Ratios between every two transports of passed runs, repeat by repeat: what disturbed the
/// machine for a while disturbed both.
std::vector<Comparison> compare(const std::vector<Run> &runs);

/// What the whole scenario came to: the worst of its boots and runs. A pass takes all planned
/// runs.
Outcome conclude(const Report &report);

} // namespace lab
