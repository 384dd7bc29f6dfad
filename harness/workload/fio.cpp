// SPDX-License-Identifier: GPL-2.0-only
#include "workload/fio.h"

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
    if (auto out = host.check(fmt::format("mkdir -p {}", base_dir), deadline); !out)
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
    // The watcher looks at the RPCs of all mounts: cheap, and the same for every transport. It
    // stays out of the mount: its sleep outlives it, and would keep the mount busy. A process
    // whose asynchronous I/O never ends cannot even be killed, so fio writes to files and the
    // shell leaves without it.
    const auto command = fmt::format(
        R"(cd {dir} || exit
trap 'kill -9 $watcher; exit {idle_status}' USR1
echo $$ >{base}/fio.pid
fio --output-format=json {job} >{base}/out 2>{base}/err </dev/null & fio=$!
(cd /; last=; idle=0
 while sleep 1; do
   now=$(sed -n 's/^rpc \([0-9]*\) .*/\1/p' /proc/net/rpc/nfs)
   if [ "$now" = "$last" ]; then idle=$((idle + 1)); else idle=0; fi
   last=$now
   if [ $idle -ge {idle} ]; then kill -9 $(pgrep -P $fio) $fio; kill -USR1 $$; exit; fi
 done) </dev/null >/dev/null 2>&1 & watcher=$!
wait $fio; status=$?
kill $watcher 2>/dev/null
cat {base}/out; cat {base}/err >&2
exit $status)",
        fmt::arg("dir", shell_quote(dir)), fmt::arg("job", shell_quote(remote_path(job))),
        fmt::arg("base", base_dir), fmt::arg("idle", idle.count()),
        fmt::arg("idle_status", idle_status));
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
