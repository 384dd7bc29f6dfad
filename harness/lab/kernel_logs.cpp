// SPDX-License-Identifier: GPL-2.0-only
#include "lab/kernel_logs.h"

#include "util/file.h"

#include <utility>

namespace lab {

namespace fs = std::filesystem;

KernelLogs collect_kernel_logs(Pair &pair, const fs::path &directory, bool stuck) {
    KernelLogs logs;
    const auto machines = pair.machines();
    for (unsigned i = 0; i < machines.size(); i++) {
        Host *host = machines[i];
        const auto log = host->run(stuck ? "echo w > /proc/sysrq-trigger; dmesg" : "dmesg",
                                   Deadline::scaled(std::chrono::seconds(10)));
        if (log)
            if (auto written = write_file(directory / (host->name() + ".dmesg"), log->out);
                !written)
                logs.kept = std::move(written);
        const auto console = read_file(i == 0 ? pair.server_console() : pair.client_console(i - 1));
        for (Finding &finding : scan_console_and_log(console.value_or(""), log ? log->out : ""))
            logs.findings.push_back(std::move(finding));
    }
    return logs;
}

} // namespace lab
