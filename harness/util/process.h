// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "util/deadline.h"
#include "util/fd.h"
#include "util/result.h"

#include <sys/types.h>

#include <csignal>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace lab {

/// What a command left behind.
struct Output {
    int status = 0; ///< exit status; 128 + N when signal N ended the command
    std::string out;
    std::string err;
};

/// How a process is started.
struct ProcessOptions {
    /// Standard output and error go here, appended; captured in Output when empty.
    std::filesystem::path log = {};
    /// Runs in the terminal: inherits standard input, output and error, and stays in our process
    /// group, so that Ctrl-C reaches it. What ends us (the terminal is closed) ends it, too.
    bool terminal = false;
    /// Cleans up: an interruption does not end it.
    bool cleaning = false;
    /// Called for each complete line of standard output or error while wait() waits.
    std::function<void(const std::string &)> on_line = {};
    /// What the kernel sends it when the thread that started it ends, however it ends.
    int death_signal = SIGKILL;
};

/// A child in a process group of its own. The destructor ends the group and reaps the child.
///
/// The child is tied to the thread that called spawn(): it dies with it, so that not even
/// SIGKILL of the lab leaves a child behind. Start what is to live long from a thread that does.
class Process {
  public:
    /// Starts `argv`; argv[0] is looked up in PATH. An error says that it could not be started.
    static Result<Process> spawn(const std::vector<std::string> &argv, ProcessOptions options = {});

    Process(Process &&other) noexcept;
    Process &operator=(Process &&other) noexcept;
    Process(const Process &) = delete;
    Process &operator=(const Process &) = delete;
    ~Process();

    /// Waits until the child ends, and returns its status and whatever was captured. When the
    /// deadline passes (Cause::timeout) or the user interrupts (Cause::cancelled), its group is
    /// ended first.
    Result<Output> wait(Deadline deadline);

    /// Whether the child is still there; reaps it if not.
    bool running();

    /// Ends the whole group: SIGTERM, then SIGKILL for who is left after `grace`; reaps.
    void end(std::chrono::milliseconds grace = std::chrono::seconds(5));

    [[nodiscard]] pid_t pid() const { return pid_; }

  private:
    Process() = default;

    bool reap(bool block);
    void take(Fd &from, std::string &into, std::size_t &told);

    std::string name_;
    ProcessOptions options_;
    pid_t pid_ = -1;
    bool reaped_ = true;
    Fd handle_; ///< pidfd, for poll()
    Fd out_, err_;
    Output output_;
    std::size_t told_out_ = 0, told_err_ = 0; ///< how much on_line has seen
};

/// Runs a command to its end. Any exit status is a success.
Result<Output> run_process(const std::vector<std::string> &argv, Deadline deadline,
                           ProcessOptions options = {});

} // namespace lab
