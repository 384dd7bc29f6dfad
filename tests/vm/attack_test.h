// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "module_test.h"

#include <string>

namespace lab {

/// A test that looks how a well-behaved client is served while others misbehave.
class AttackTest : public ModuleTest {
  protected:
    static constexpr unsigned threads = 8;
    static constexpr const char *over_tcp = "/mnt/tcp";

    void TearDown() override;

    /// Serves over RDMA and TCP, and mounts both on the first client: /mnt/nfs and `over_tcp`.
    void serve_both(const std::string &module_parameters);
    void unmount_both();

    /// Begins to attack from `attacker` with so many connections, each made anew as soon as it is
    /// dropped, and returns when all are there. rpcrdma-attack --help says what `kind` may be.
    void attack(Host &attacker, const std::string &kind, unsigned connections,
                std::chrono::seconds span);
    /// Waits for its end, and returns the last of what the attacker has said.
    static std::string end_of_attack(Host &attacker);

    /// What calls took, ms: the longest of all, and the longest but for one in twenty. A wait in a
    /// thread is long and meets many; a busy machine stretches a few.
    struct Took {
        long longest;
        long most;
    };
    /// A command again and again, on the first client.
    static Took measured(const std::string &command, std::chrono::seconds span);
    /// One call over RDMA, or one over TCP: each in turn.
    static Took measured_calls(std::chrono::seconds span);
};

} // namespace lab
