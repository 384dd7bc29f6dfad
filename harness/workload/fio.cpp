// SPDX-License-Identifier: GPL-2.0-only
#include "workload/fio.h"

#include "host/guest_script.h"
#include "util/shell.h"

#include <fmt/format.h>

namespace lab {
namespace {

constexpr std::string_view base_dir = "/run/nfsrdma-lab/fio";
constexpr int idle_status = 75; // EX_TEMPFAIL: no status of fio's own

std::string remote_path(const JobFile &job) {
    return fmt::format("{}/{}.fio", base_dir, job.name);
}

} // namespace

Result<void> install_job(Host &host, const JobFile &job, Deadline deadline) {
    TRY(host.check(fmt::format("mkdir -p {}", base_dir), deadline));
    return host.put(job.path, remote_path(job), deadline);
}

Result<void> lay_out_files(Host &host, const JobFile &job, const std::string &dir,
                           Deadline deadline) {
    const auto command = fmt::format("rm -rf {0} && mkdir {0} && cd {0} && "
                                     "fio --create_only=1 {1} >/dev/null",
                                     shell_quote(dir), shell_quote(remote_path(job)));
    if (auto out = host.check(command, deadline); !out)
        return fail("laying out the files of " + job.name, out.error());
    return {};
}

Result<FioOutput> run_fio(Host &host, const JobFile &job, const std::string &dir,
                          std::optional<unsigned> seed, std::chrono::seconds idle,
                          Deadline deadline) {
    const auto command = TRY(guest_script(
        "run-fio", {dir, remote_path(job), std::string(base_dir), std::to_string(idle.count()),
                    std::to_string(idle_status), seed ? std::to_string(*seed) : ""}));
    auto output = host.run(command, deadline);
    if (!output)
        return fail("fio " + job.name, output.error());
    if (output->status == idle_status)
        return fail(fmt::format("fio {}: no RPC was sent for {} s", job.name, idle.count()),
                    Cause::timeout);
    return FioOutput{output->status, std::move(output->out), std::move(output->err)};
}

Result<void> stop_fio(Host &host, Deadline deadline) {
    const auto command = fmt::format("kill -USR1 $(cat {}/fio.pid)", base_dir);
    if (auto out = host.check(command, deadline); !out)
        return fail("cannot stop fio", out.error());
    return {};
}

} // namespace lab
