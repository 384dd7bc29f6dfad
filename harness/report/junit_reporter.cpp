// SPDX-License-Identifier: GPL-2.0-only
#include "report/junit_reporter.h"

#include "report/junit.h"
#include "util/file.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace lab {
namespace {

std::string findings_text(const Boot &boot) {
    std::string text;
    for (const Finding &finding : boot.findings)
        text += fmt::format("{}\n", fmt::join(finding.lines, "\n"));
    return text;
}

} // namespace

std::string to_junit(const Report &report) {
    JunitDocument document(report.scenario, report.seconds);
    for (const Boot &boot : report.boots) {
        JunitSuite suite(document, report.scenario + "." + boot.kernel, report.started,
                         boot.seconds);
        suite.add("boot", static_cast<double>(boot.boot_ms) / 1000, boot.outcome,
                  findings_text(boot));
        for (const Run &run : report.runs)
            if (run.key.kernel == boot.kernel)
                suite.add(fmt::format("NFSv{} {} over {} #{}", run.key.nfs, run.key.what(),
                                      transport_name(run.key.transport), run.key.repeat),
                          run.seconds, run.outcome, run.proof);
    }
    return document.text();
}

Result<void> JunitReporter::finish(const Report &report) {
    return write_file(file_, to_junit(report));
}

} // namespace lab
