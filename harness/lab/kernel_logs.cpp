// SPDX-License-Identifier: GPL-2.0-only
#include "lab/kernel_logs.h"

#include "util/file.h"

#include <string>

namespace lab {
namespace {

namespace fs = std::filesystem;

void scan(std::vector<Finding> &findings, const fs::path &console, const std::string &kernel_log) {
    const auto text = read_file(console).value_or("");
    const auto seen = scan_console(text);
    findings.insert(findings.end(), seen.begin(), seen.end());
    // The console drops messages below its log level, the log those that it had no room for.
    for (Finding &finding : scan_console(kernel_log))
        if (text.find(finding.head()) == std::string::npos)
            findings.push_back(std::move(finding));
}

} // namespace

KernelLogs collect_kernel_logs(Pair &pair, const fs::path &directory, bool stuck) {
    KernelLogs logs;
    for (Host *host : {&pair.server(), &pair.client()}) {
        const auto log = host->run(stuck ? "echo w > /proc/sysrq-trigger; dmesg" : "dmesg",
                                   Deadline::scaled(std::chrono::seconds(10)));
        if (log)
            if (auto written = write_file(directory / (host->name() + ".dmesg"), log->out);
                !written)
                logs.kept = std::move(written);
        scan(logs.findings, host == &pair.server() ? pair.server_console() : pair.client_console(),
             log ? log->out : "");
    }
    return logs;
}

} // namespace lab
