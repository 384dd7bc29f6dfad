// SPDX-License-Identifier: GPL-2.0-only
#include "host/ssh_host.h"

#include "util/file.h"
#include "util/interrupt.h"

#include <fmt/format.h>

namespace lab {

namespace {

constexpr int ssh_failed = 255; // also what a command may exit with by itself

} // namespace

Result<void> SshHost::start() {
    auto master =
        TRY(Process::spawn({"ssh", "-F", target_.config.string(), "-o", "ControlMaster=yes", "-o",
                            "ControlPersist=no", "-N", target_.name},
                           {.log = target_.log}));
    const std::scoped_lock lock(mutex_);
    master_ = std::make_unique<Process>(std::move(master));
    return {};
}

void SshHost::disconnect() {
    // ssh removes its control socket on its way out.
    const std::scoped_lock lock(mutex_);
    master_.reset();
}

bool SshHost::master_runs() {
    const std::scoped_lock lock(mutex_);
    return master_ && master_->running();
}

bool SshHost::connected() {
    if (!master_runs())
        return false;
    const auto answer =
        run_process({"ssh", "-F", target_.config.string(), "-O", "check", target_.name},
                    Deadline::in(std::chrono::seconds(5)));
    return answer && answer->status == 0;
}

Result<void> SshHost::connect(Deadline deadline) {
    while (!connected()) {
        if (interrupted())
            return fail("interrupted", Cause::cancelled);
        if (deadline.expired())
            return fail(fmt::format("{}: no SSH connection in time; ssh said: {}", target_.name,
                                    last_lines(read_file(target_.log).value_or(""), 3)),
                        Cause::boot);
        // Not up yet and gone again: the guest's sshd was not there, try anew.
        if (!master_runs()) {
            TRY(start());
        }
        pause_for(std::chrono::milliseconds(50), deadline);
    }
    return {};
}

Error SshHost::lost() const {
    return {fmt::format("{}: lost the connection; ssh said: {}", target_.name,
                        last_lines(read_file(target_.log).value_or(""), 3)),
            Cause::lost};
}

Result<Output> SshHost::run(const std::string &command, Deadline deadline) {
    // No fallback to a connection of its own: that would hide that the first one is gone.
    auto output = run_process({"ssh", "-F", target_.config.string(), "-o", "ControlMaster=no", "-o",
                               "ProxyCommand=false", target_.name, command},
                              deadline);
    if (!output) {
        auto error = output.error();
        if (error.cause == Cause::timeout)
            error.what = fmt::format("{}: \"{}\" did not end in time", target_.name,
                                     command.substr(0, command.find('\n')));
        return fail(error);
    }
    if (output->status == ssh_failed && !connected())
        return fail(lost());
    return output;
}

Result<void> SshHost::put(const std::filesystem::path &local, const std::string &remote,
                          Deadline deadline) {
    return copy(std::filesystem::absolute(local).string(), target_.name + ":" + remote, deadline);
}

Result<void> SshHost::get(const std::string &remote, const std::filesystem::path &local,
                          Deadline deadline) {
    return copy(target_.name + ":" + remote, std::filesystem::absolute(local).string(), deadline);
}

/// A local path must be absolute: in others a colon would end the name of a host.
Result<void> SshHost::copy(const std::string &from, const std::string &to, Deadline deadline) {
    auto output = run_process({"scp", "-q", "-r", "-F", target_.config.string(), "-o",
                               "ControlMaster=no", "-o", "ProxyCommand=false", from, to},
                              deadline);
    if (!output)
        return fail(fmt::format("copying {} to {}", from, to), output.error());
    if (output->status == 0)
        return {};
    if (!connected())
        return fail(lost());
    return fail(fmt::format("copying {} to {} failed: {}", from, to, last_lines(output->err, 5)));
}

} // namespace lab
