// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "util/deadline.h"

namespace lab {

/// Makes Ctrl-C, SIGTERM and SIGHUP a flag that everything in the lab waits on, so that the
/// destructors run and nothing is left behind. A second Ctrl-C changes nothing: cleaning up is
/// short. To be called once, early in main().
void catch_interrupts();

/// Whether the user wants out.
bool interrupted();

/// Readable, and staying so, from the moment of the interruption: for poll(). -1 when
/// catch_interrupts() was not called.
int interrupt_fd();

/// Waits for `span` or until the deadline or an interruption, whichever is first. False when it
/// was cut short.
bool pause_for(std::chrono::milliseconds span, Deadline deadline = Deadline::never());

} // namespace lab
