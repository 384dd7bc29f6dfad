// SPDX-License-Identifier: GPL-2.0-only
#include "observe/console_scanner.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <optional>
#include <utility>

namespace lab {
namespace {

// Order matters only for the name of a finding: the first pattern that matches gives it. Not here:
// that kmemleak has found something, because leaks.h tells what.
constexpr std::array patterns{
    SplatPattern{"panic", "Kernel panic - not syncing"},
    SplatPattern{"kasan", "BUG: KASAN:"},
    SplatPattern{"kfence", "BUG: KFENCE:"},
    SplatPattern{"kcsan", "BUG: KCSAN:"},
    SplatPattern{"kmsan", "BUG: KMSAN:"},
    SplatPattern{"soft-lockup", "BUG: soft lockup"},
    SplatPattern{"hard-lockup", "hard LOCKUP"},
    SplatPattern{"bad-access", "BUG: unable to handle"},
    SplatPattern{"bad-access", "BUG: kernel NULL pointer dereference"},
    SplatPattern{"bad-access", "unable to handle kernel"},
    SplatPattern{"general-protection", "general protection fault"},
    SplatPattern{"double-fault", "double fault:"},
    SplatPattern{"bug", "kernel BUG at "},
    SplatPattern{"scheduling", "BUG: scheduling while atomic"},
    SplatPattern{"sleeping", "BUG: sleeping function called from invalid context"},
    SplatPattern{"lockdep", "BUG: MAX_LOCK", true},
    SplatPattern{"lockdep", "BUG: Invalid wait context"},
    SplatPattern{"use-after-free", "BUG: Bad page state"},
    SplatPattern{"slab", "Objects remaining on"},
    SplatPattern{"slab", "Slab cache still has objects"},
    SplatPattern{"slab", "Poison overwritten"},
    SplatPattern{"page-poison", "pagealloc: "},
    SplatPattern{"bug", "BUG:", true},
    SplatPattern{"bug", "BUG ", true},
    SplatPattern{"oops", "Oops: "},
    SplatPattern{"refcount", "refcount_t: "},
    SplatPattern{"list", "list_add corruption"},
    SplatPattern{"list", "list_del corruption"},
    SplatPattern{"lockdep", "WARNING: possible "},
    SplatPattern{"lockdep", "WARNING: inconsistent lock state"},
    SplatPattern{"lockdep", "WARNING: bad unlock balance"},
    SplatPattern{"lockdep", "WARNING: suspicious RCU usage"},
    SplatPattern{"lockdep", "WARNING: held lock freed"},
    SplatPattern{"lockdep", "INFO: trying to register non-static key"},
    SplatPattern{"debug-objects", "ODEBUG: "},
    SplatPattern{"warning", "WARNING: ", true},
    SplatPattern{"ubsan", "UBSAN: "},
    SplatPattern{"hung-task", "blocked for more than "},
    SplatPattern{"rcu-stall", "self-detected stall"},
    SplatPattern{"rcu-stall", "detected stalls on CPUs"},
    SplatPattern{"rcu-stall", "detected expedited stalls"},
    SplatPattern{"rcu-stall", "kthread starved for"},
    SplatPattern{"workqueue", "BUG: workqueue lockup"},
    SplatPattern{"out-of-memory", "invoked oom-killer"},
    SplatPattern{"out-of-memory", "Out of memory: "},
    SplatPattern{"out-of-memory", "page allocation failure"},
    SplatPattern{"out-of-memory", "page allocation stalls"},
    SplatPattern{"nmi", "NMI watchdog: Watchdog detected"},
};

constexpr std::string_view rxe_frees_packets =
    "rxe of 7.3 frees packets with interrupts off; the client's does, too, where our module is not "
    "loaded";

// Nothing in a stock Debian boot of the lab's guests looks like a splat. Every entry added here
// says why its line is harmless.
constexpr std::array allowed_list{
    AllowedLine{"BUG: KCSAN: ",
                "a race, but neither access is our module's: the kernel has many that "
                "its authors accept and do not mark"},
    AllowedLine{"at arch/x86/kernel/traps.c:",
                "a debug exception that nobody asked for: the emulated CPU made it up",
                "asm_exc_debug+"},
    // The second and the third come of the first: giving the page back enables interrupts.
    AllowedLine{"at page_pool_put_unrefed_netmem+", rxe_frees_packets, "rxe_receiver+"},
    AllowedLine{"at __local_bh_enable_ip+", rxe_frees_packets, "rxe_receiver+"},
    AllowedLine{"WARNING: inconsistent lock state", rxe_frees_packets, "rxe_receiver+"},
};

// As a trace writes the module that a function belongs to.
constexpr std::string_view our_module = "[svcrdma]";

// A report longer than this is a flood: the rest is left for the next finding.
constexpr std::size_t max_lines = 300;
// Reports are printed in one go. Later lines are about something else.
constexpr double max_gap_seconds = 1.0;

struct Line {
    std::string text;              // without carriage return
    std::size_t message_at = 0;    // behind the time stamp
    std::optional<double> seconds; // since boot, where there is a time stamp

    [[nodiscard]] std::string_view message() const {
        return std::string_view(text).substr(message_at);
    }
};

// The stamp may stand behind other output: kernel and user processes share the console.
Line parse_line(std::string text) {
    while (!text.empty() && text.back() == '\r')
        text.pop_back();
    Line line{std::move(text), 0, {}};
    for (std::size_t at = line.text.find('['); at != std::string::npos;
         at = line.text.find('[', at + 1)) {
        char *end = nullptr;
        const double seconds = std::strtod(line.text.c_str() + at + 1, &end);
        const auto close = static_cast<std::size_t>(end - line.text.c_str());
        const auto number = std::string_view(line.text).substr(at + 1, close - at - 1);
        if (number.find('.') != std::string_view::npos && line.text[close] == ']') {
            line.seconds = seconds;
            auto message = close + 1;
            // CONFIG_PRINTK_CALLER adds the caller: "[   12.345678][  T123] ".
            if (message < line.text.size() && line.text[message] == '[') {
                if (const auto caller = line.text.find(']', message); caller != std::string::npos)
                    message = caller + 1;
            }
            if (message < line.text.size() && line.text[message] == ' ')
                ++message;
            line.message_at = message;
            return line;
        }
    }
    return line;
}

/// Whose a race is. KCSAN shows the stack of each access: it belongs to the innermost module there,
/// above what lists and locks are made of. Who called that module is no party to the race.
class Race {
  public:
    /// Whether this line shows that one of the two accesses is our module's.
    bool is_ours(std::string_view message) {
        if (message.find(" bytes by ") != std::string_view::npos)
            in_stack_ = true;
        if (!in_stack_ || !message.ends_with(']'))
            return false;
        in_stack_ = false;
        return message.ends_with(our_module);
    }

  private:
    bool in_stack_ = false;
};

bool matches(const SplatPattern &pattern, std::string_view message) {
    return pattern.at_start ? message.starts_with(pattern.text)
                            : message.find(pattern.text) != std::string_view::npos;
}

/// The first pattern that a message matches, or nullptr.
const SplatPattern *find_head(std::span<const SplatPattern> wanted, std::string_view message) {
    const auto found = std::ranges::find_if(
        wanted, [&](const SplatPattern &pattern) { return matches(pattern, message); });
    return found == wanted.end() ? nullptr : &*found;
}

// KASAN and its like close their reports with the bar that opened them.
bool ends_report(std::string_view message) {
    return message.starts_with("---[ end ") || message.starts_with("==========");
}

} // namespace

std::span<const SplatPattern> splat_patterns() {
    return patterns;
}

std::span<const AllowedLine> allowed_lines() {
    return allowed_list;
}

const Finding *first_serious(std::span<const Finding> findings) {
    const auto found = std::ranges::find_if(
        findings, [](const Finding &finding) { return finding.tolerated.empty(); });
    return found == findings.end() ? nullptr : &*found;
}

std::vector<Finding> scan_console(std::string_view log, std::span<const SplatPattern> wanted,
                                  std::span<const AllowedLine> allowed) {
    std::vector<Finding> findings;
    bool inside = false;
    const AllowedLine *excuse = nullptr;
    Race race;
    std::optional<double> last;
    std::size_t number = 0;

    while (!log.empty()) {
        const auto newline = log.find('\n');
        const Line line = parse_line(std::string(log.substr(0, newline)));
        log.remove_prefix(newline == std::string_view::npos ? log.size() : newline + 1);
        ++number;

        if (inside && (findings.back().lines.size() >= max_lines ||
                       (line.seconds && last && *line.seconds - *last > max_gap_seconds)))
            inside = false;
        if (line.seconds)
            last = line.seconds;

        // Inside a report what looks like a head belongs to it, unless the report is known to be
        // harmless: then it may be the next one's.
        const SplatPattern *head = inside && findings.back().tolerated.empty()
                                       ? nullptr
                                       : find_head(wanted, line.message());
        if (!head && !inside)
            continue;
        if (head) {
            findings.push_back({std::string(head->name), number, {}});
            const auto found = std::ranges::find_if(allowed, [&](const AllowedLine &a) {
                return line.message().find(a.text) != std::string_view::npos;
            });
            excuse = found == allowed.end() ? nullptr : &*found;
            inside = true;
            race = {};
        }
        findings.back().lines.push_back(line.text);
        if (excuse && line.message().find(excuse->in_stack) != std::string_view::npos)
            findings.back().tolerated = excuse->reason;
        if (findings.back().pattern == "kcsan"
                ? race.is_ours(line.message())
                : line.message().find(our_module) != std::string_view::npos) {
            findings.back().tolerated.clear();
            excuse = nullptr;
        }
        if (ends_report(line.message()))
            inside = false;
    }
    return findings;
}

std::vector<Finding> scan_console_and_log(std::string_view console, std::string_view kernel_log) {
    auto findings = scan_console(console);
    // The console drops messages below its log level, the log those that it had no room for.
    for (Finding &finding : scan_console(kernel_log))
        if (console.find(finding.head()) == std::string_view::npos)
            findings.push_back(std::move(finding));
    return findings;
}

} // namespace lab
