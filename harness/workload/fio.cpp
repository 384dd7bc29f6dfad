// SPDX-License-Identifier: GPL-2.0-only
#include "workload/fio.h"

#include <fmt/format.h>

namespace lab {
namespace {

constexpr std::string_view job_dir = "/run/nfsrdma-lab/jobs";
constexpr int idle_status = 75; // EX_TEMPFAIL: no status of fio's own

std::string remote_path(const JobFile &job) {
    return fmt::format("{}/{}.fio", job_dir, job.name);
}

} // namespace

Result<void> install_job(Host &host, const JobFile &job, Deadline deadline) {
    if (auto out = host.check(fmt::format("mkdir -p {}", job_dir), deadline); !out)
        return fail(out.error());
    return host.put(job.path, remote_path(job), deadline);
}

Result<void> lay_out_files(Host &host, const JobFile &job, const std::string &dir,
                           Deadline deadline) {
    const auto command = fmt::format("cd {} && fio --create_only=1 {} >/dev/null", shell_quote(dir),
                                     shell_quote(remote_path(job)));
    if (auto out = host.check(command, deadline); !out)
        return fail("laying out the files of " + job.name, out.error());
    return {};
}

Result<FioOutput> run_fio(Host &host, const JobFile &job, const std::string &dir,
                          std::chrono::seconds idle, Deadline deadline) {
    // The watcher looks at the RPCs of all mounts: cheap, and the same for every transport. Waits
    // for NFS can be killed, so that a run which stands still can be ended and explained. It
    // stays out of the mount: its sleep outlives it, and would keep the mount busy.
    const auto command =
        fmt::format("cd {} || exit\n"
                    "fio --output-format=json {} & fio=$!\n"
                    "(cd /; last=; idle=0\n"
                    " while sleep 1; do\n"
                    "  now=$(grep ^rpc /proc/net/rpc/nfs)\n"
                    "  if [ \"$now\" = \"$last\" ]; then idle=$((idle + 1)); else idle=0; fi\n"
                    "  last=$now\n"
                    "  if [ $idle -ge {} ]; then\n"
                    "    trap '' TERM; kill -9 -- $(pgrep -P $fio) $fio; exit {}\n"
                    "  fi\n"
                    " done) </dev/null >/dev/null 2>&1 & watcher=$!\n"
                    "wait $fio; status=$?\n"
                    "kill $watcher 2>/dev/null; wait $watcher 2>/dev/null\n"
                    "[ $? -ne {} ] || status={}\n"
                    "exit $status",
                    shell_quote(dir), shell_quote(remote_path(job)), idle.count(), idle_status,
                    idle_status, idle_status);
    auto output = host.run(command, deadline);
    if (!output)
        return fail("fio " + job.name, output.error());
    if (output->status == idle_status)
        return fail(fmt::format("fio {}: no RPC was sent for {} s", job.name, idle.count()),
                    Cause::timeout);
    return FioOutput{output->status, std::move(output->out), std::move(output->err)};
}

} // namespace lab
