// SPDX-License-Identifier: GPL-2.0-only
#include "util/interrupt.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>

namespace lab {

namespace {

std::atomic<bool> flag;
std::array<int, 2> pipe_fds = {-1, -1};

void on_signal(int /*signal*/) {
    const int saved = errno;
    flag = true;
    // One byte is never read again: the pipe stays readable for every thread that polls it.
    (void)!write(pipe_fds[1], "", 1);
    errno = saved;
}

} // namespace

void catch_interrupts() {
    if (pipe_fds[0] >= 0 || pipe2(pipe_fds.data(), O_CLOEXEC | O_NONBLOCK) < 0)
        return;
    struct sigaction action = {};
    action.sa_handler = on_signal;
    action.sa_flags = SA_RESTART;
    for (const int signal : {SIGINT, SIGTERM, SIGHUP})
        sigaction(signal, &action, nullptr);
    // A peer that went away is an error of write(), not a reason to die.
    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, nullptr);
}

bool interrupted() {
    return flag;
}

int interrupt_fd() {
    return pipe_fds[0];
}

bool pause_for(std::chrono::milliseconds span, Deadline deadline) {
    const auto end = Deadline::in(span);
    while (!end.expired()) {
        if (deadline.expired() || interrupted())
            return false;
        pollfd wait = {.fd = interrupt_fd(), .events = POLLIN, .revents = 0};
        poll(&wait, 1, static_cast<int>(deadline.within(end.left()).left().count()));
    }
    return true;
}

} // namespace lab
