// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "lab/pair.h"
#include "nfs/transport.h"
#include "report/verdict.h"
#include "workload/fio.h"
#include "workload/fio_result.h"
#include "workload/job_file.h"

namespace lab {

/// What an error means for a run of these machines: one that died explains more than the command
/// that noticed.
Outcome outcome_of(Pair &pair, const Error &error);

/// Whether a fio run did what its job asks for, with the right data: fio content, no
/// verification failure, I/O done at all, and, where the job verifies, something read back.
Outcome judge_fio(const JobFile &job, int status, const FioResult &result);

/// Whether the module's counters moved as the operations demand. With svcrdma each took at least
/// one call to our module; any other transport leaves it alone. `module` is after minus before.
Outcome judge_counters(Transport transport, const FioResult &result, const Counters &module);

} // namespace lab
