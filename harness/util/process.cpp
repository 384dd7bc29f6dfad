// SPDX-License-Identifier: GPL-2.0-only
#include "util/process.h"

#include "util/interrupt.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

namespace lab {

namespace {

struct Pipe {
    Fd read, write;
};

Result<Pipe> make_pipe() {
    std::array<int, 2> fds = {-1, -1};
    if (pipe2(fds.data(), O_CLOEXEC) < 0)
        return fail(fmt::format("cannot make a pipe: {}", std::strerror(errno)));
    return Pipe{Fd(fds[0]), Fd(fds[1])};
}

/// What the child does between fork and exec: only what is safe after fork in a process with
/// threads. An errno goes through `report`, which exec closes.
[[noreturn]] void become(const ProcessOptions &options, pid_t parent, char *const *argv, int in,
                         int out, int err, int report) {
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    std::signal(SIGPIPE, SIG_DFL);
    if (!options.terminal) {
        setpgid(0, 0);
        dup2(in, STDIN_FILENO);
        dup2(out, STDOUT_FILENO);
        dup2(err, STDERR_FILENO);
    }
    prctl(PR_SET_PDEATHSIG, options.death_signal);
    // The parent may have gone before the line above.
    if (getppid() == parent)
        execvp(argv[0], argv);
    const int reason = errno;
    (void)!write(report, &reason, sizeof reason);
    _exit(127);
}

std::vector<char *> pointers(std::vector<std::string> &words) {
    std::vector<char *> result;
    result.reserve(words.size() + 1);
    for (auto &word : words)
        result.push_back(word.data());
    result.push_back(nullptr);
    return result;
}

} // namespace

Result<Process> Process::spawn(const std::vector<std::string> &argv, ProcessOptions options) {
    auto report = make_pipe();
    auto out = make_pipe();
    auto err = make_pipe();
    if (!report || !out || !err)
        return fail(fmt::format("cannot start {}: no file descriptors left", argv.at(0)));
    if (!options.log.empty()) {
        const Fd log(open(options.log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
        if (!log)
            return fail(
                fmt::format("cannot write {}: {}", options.log.string(), std::strerror(errno)));
        out->read.reset();
        err->read.reset();
        out->write = Fd(fcntl(log.get(), F_DUPFD_CLOEXEC, 3));
        err->write = Fd(fcntl(log.get(), F_DUPFD_CLOEXEC, 3));
    }
    const Fd null(open("/dev/null", O_RDONLY | O_CLOEXEC));

    auto words = argv;
    const auto args = pointers(words);
    const pid_t parent = getpid();
    const pid_t pid = fork();
    if (pid < 0)
        return fail(fmt::format("cannot start {}: {}", argv[0], std::strerror(errno)));
    if (pid == 0)
        become(options, parent, args.data(), null.get(), out->write.get(), err->write.get(),
               report->write.get());

    // Both sides do it, because nobody knows who comes first.
    if (!options.terminal)
        setpgid(pid, pid);
    Process process;
    process.name_ = argv[0];
    process.pid_ = pid;
    process.reaped_ = false;
    process.handle_ = Fd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
    if (!options.terminal) {
        process.out_ = std::move(out->read);
        process.err_ = std::move(err->read);
    }
    process.options_ = std::move(options);

    report->write.reset();
    int reason = 0;
    if (read(report->read.get(), &reason, sizeof reason) == sizeof reason) {
        process.reap(true);
        return fail(fmt::format("cannot start {}: {}", argv[0], std::strerror(reason)));
    }
    return process;
}

Process::Process(Process &&other) noexcept
    : name_(std::move(other.name_)), options_(std::move(other.options_)),
      pid_(std::exchange(other.pid_, -1)), reaped_(std::exchange(other.reaped_, true)),
      handle_(std::move(other.handle_)), out_(std::move(other.out_)), err_(std::move(other.err_)),
      output_(std::move(other.output_)), told_out_(other.told_out_), told_err_(other.told_err_) {}

Process &Process::operator=(Process &&other) noexcept {
    if (this != &other) {
        end();
        std::destroy_at(this);
        std::construct_at(this, std::move(other));
    }
    return *this;
}

Process::~Process() {
    end();
}

/// Collects the exit status if the child has ended, or waits for that.
bool Process::reap(bool block) {
    if (reaped_)
        return true;
    siginfo_t info = {};
    while (waitid(P_PID, static_cast<id_t>(pid_), &info,
                  WEXITED | WNOWAIT | (block ? 0 : WNOHANG)) < 0 &&
           errno == EINTR) {
    }
    if (info.si_pid != pid_)
        return false;
    // What it left in its group goes now, while the child's entry still holds the number.
    if (!options_.terminal)
        kill(-pid_, SIGKILL);
    int status = 0;
    waitpid(pid_, &status, 0);
    reaped_ = true;
    output_.status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    return true;
}

bool Process::running() {
    return !reap(false);
}

/// Reads what is there. Closes `from` at its end.
void Process::take(Fd &from, std::string &into, std::size_t &told) {
    std::array<char, 16384> buffer = {};
    const auto got = read(from.get(), buffer.data(), buffer.size());
    if (got > 0)
        into.append(buffer.data(), static_cast<std::size_t>(got));
    else if (got == 0 || errno != EINTR)
        from.reset();
    if (!options_.on_line)
        return;
    for (auto end = into.find('\n', told); end != std::string::npos; end = into.find('\n', told)) {
        options_.on_line(into.substr(told, end - told));
        told = end + 1;
    }
}

Result<Output> Process::wait(Deadline deadline) {
    const bool heeds = !options_.cleaning;
    bool ended = !running();
    for (;;) {
        // Once the child is gone, what its own children still hold open does not keep us.
        if (ended && !out_ && !err_)
            break;
        std::array<pollfd, 4> fds = {
            pollfd{.fd = out_.get(), .events = POLLIN, .revents = 0},
            pollfd{.fd = err_.get(), .events = POLLIN, .revents = 0},
            pollfd{.fd = ended ? -1 : handle_.get(), .events = POLLIN, .revents = 0},
            pollfd{.fd = heeds ? interrupt_fd() : -1, .events = POLLIN, .revents = 0},
        };
        const int left = static_cast<int>(deadline.left().count());
        const int ready = poll(fds.data(), fds.size(), ended ? 0 : left);
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready <= 0 && ended)
            break;
        if (fds[3].revents != 0) {
            end();
            return fail("interrupted", Cause::cancelled);
        }
        // Also while it writes on and on; what has ended by then has kept the deadline.
        if (!ended && fds[2].revents == 0 && deadline.expired()) {
            end();
            return fail(fmt::format("{} did not end in time", name_), Cause::timeout);
        }
        if (fds[0].revents != 0)
            take(out_, output_.out, told_out_);
        if (fds[1].revents != 0)
            take(err_, output_.err, told_err_);
        if (fds[2].revents != 0)
            ended = reap(true);
    }
    return std::move(output_);
}

void Process::end(std::chrono::milliseconds grace) {
    if (reap(false))
        return;
    kill(options_.terminal ? pid_ : -pid_, SIGTERM);
    const auto limit = Deadline::in(grace);
    pollfd ended = {.fd = handle_.get(), .events = POLLIN, .revents = 0};
    while (poll(&ended, 1, static_cast<int>(limit.left().count())) < 0 && errno == EINTR) {
    }
    if (!reap(false)) {
        kill(pid_, SIGKILL);
        reap(true);
    }
}

Result<Output> run_process(const std::vector<std::string> &argv, Deadline deadline,
                           ProcessOptions options) {
    auto process = TRY(Process::spawn(argv, std::move(options)));
    return process.wait(deadline);
}

} // namespace lab
