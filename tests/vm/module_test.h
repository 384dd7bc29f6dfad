// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "fixture.h"

#include <chrono>
#include <functional>
#include <string>

namespace lab {

/// A test that looks at the module's own counters.
class ModuleTest : public VmTest {
  protected:
    /// In the end the client has not been told that there is no Receive for what it sent, and no
    /// connection was closed because its client took nothing, unless the test said so.
    void SetUp() override;
    void TearDown() override;
    void expect_receives_to_run_out() { receives_may_run_out_ = true; }
    void expect_stalls() { may_stall_ = true; }

    /// Shows what nfsd's clients hold; "type: deleg" is a delegation.
    static constexpr const char *delegations = "cat /proc/fs/nfsd/clients/*/states";

    /// What our tracepoints tell while `action` runs. `events` are names, or patterns of the shell,
    /// with blanks in between.
    static std::string traced(const std::string &events, const std::function<void()> &action);

    /// The module's counters now.
    static Counters counters();

    /// Whether this kernel's rxe processes a packet once more if its queue pair goes down just
    /// after it was completed. Up to 6.12 it does, where a thread may be preempted there.
    static bool rxe_repeats_packets();

    /// A limit of real time, longer on a kernel of the lab's own: that is slower.
    static std::chrono::milliseconds stretched(std::chrono::milliseconds limit);

    /// Looks at the counters until `holds` does, for at most `limit`, stretched. Emulation
    /// stretches nothing: what is waited for is bounded by the module's own timers, the rest is
    /// slack.
    static bool eventually(const std::function<bool(const Counters &)> &holds,
                           std::chrono::milliseconds limit = std::chrono::seconds(10));

    /// Fails the test if the module has refused, dropped or lost anything.
    static void expect_no_trouble(const Counters &now);

    /// Fails the test unless every connection, context and page comes back. Clients have
    /// unmounted; the listener stays.
    static void expect_nothing_live();

    /// Fails the test unless the client can mount and unmount, and nothing of it stays.
    void expect_service();

    /// The client does not hear the server's RDMA packets any more: what it sends arrives, the
    /// answers stay in flight. hear() ends that, and does nothing when it hears.
    static void deafen();
    static void hear();

    /// Makes the client's RDMA device anew if it cannot connect any more: see rdma_device.h.
    static void revive_client_device();

    /// After serve() with one thread: makes the client keep it busy, over TCP, with a file system
    /// that is frozen, until let_thread_go(). Nobody accepts a connection meanwhile.
    static void hold_thread();
    static void let_thread_go();

    /// The client tries to mount for at most that long, while the test goes on.
    static void try_to_mount(std::chrono::seconds limit);
    /// Waits until it has ended, either way; what was mounted is not any more.
    static void give_up_mount(std::chrono::seconds limit);

    /// After serve(): its threads get at most half of the CPU until they end, and what the RDMA
    /// device does goes first. A client that is as slow as the server is quicker than that.
    static void hold_threads_back();

    /// A directory of that many files, whose listing is longer than any inline reply; made on the
    /// server, counted by the client from what the server says now.
    static void make_many(unsigned files);
    static constexpr const char *count_many =
        "echo 3 > /proc/sys/vm/drop_caches && ls -f /mnt/nfs/many | grep -c entry";
    static void remove_many();

    /// Serves, mounts NFSv3, and makes a file of a MiB; reads() are fio jobs that read 512 bytes of
    /// it at a time, so many at once.
    void serve_a_file(const std::string &module_parameters);
    static std::string reads(unsigned depth, const std::string &more);

    /// Before serve(), for delegations: lockd's grace period counts for NFSv4 as well.
    static void shorten_grace();

    /// The name of a file below the client's mount, holding "before", that nfsd has delegated to
    /// it. Empty, with the test failed, when none was for as long as nfsd may withhold them.
    static std::string delegated_file();

  private:
    static std::uint64_t receives_missed();

    bool receives_may_run_out_ = true; ///< until SetUp() has looked
    bool may_stall_ = false;
    std::uint64_t receives_missed_ = 0;
};

} // namespace lab
