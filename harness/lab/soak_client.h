// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "lab/soak_machines.h"
#include "lab/soak_plan.h"
#include "lab/soak_tally.h"
#include "nfs/server.h"
#include "workload/fio.h"

#include <filesystem>
#include <stop_token>

namespace lab {

/// One client of a soak, used by one thread: it mounts, does a job that verifies its data, and
/// unmounts, errand after errand. What comes of them goes into the tally. All that it is made from
/// must outlive it; `results` is the boot's directory, where a failed job leaves what fio said.
class SoakClient {
  public:
    SoakClient(unsigned number, const Scenario &scenario, SoakMachines &machines,
               const NfsServer &server, SoakTally &tally, std::filesystem::path results);

    /// One errand, once the client has power. Sets the soak's outcome if it fails and nothing that
    /// was done to the machines explains that. Does nothing when stopped before it begins.
    void one(const std::stop_token &stop);
    /// Errands until it is stopped or the soak is over; what it is at when stopped, it ends.
    void work(const std::stop_token &stop);

  private:
    void go(const Errand &errand, const SoakMachines::Shift &shift);
    Outcome attempt(const Errand &errand, Run &run);
    Outcome judge(const Errand &errand, const FioOutput &output, Run &run);

    unsigned number_;
    SoakMachines &machines_;
    const NfsServer &server_;
    SoakTally &tally_;
    std::filesystem::path results_;
    Errands errands_;
};

} // namespace lab
