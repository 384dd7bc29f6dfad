// SPDX-License-Identifier: GPL-2.0-only
//
// A QEMU plugin that counts how often each block of guest code was executed, which gives exact
// numbers of instructions and of calls. Whoever connects to its UNIX socket gets all counts since
// the machine started:
//
//     -plugin file=libinstructions.so,socket=PATH
//
// A line is the address of a block in hexadecimal, how many instructions it has, and how often it
// was entered; the last line is "end". User space is counted together, at address 0.
//
// QEMU's header is not packaged. What is used of it is declared here, as its documentation gives
// it: the interface is C and versioned. Version 2 replaced counting into memory of the plugin's by
// counting into "scoreboards" of QEMU's, one entry per virtual CPU. One file serves both: it asks
// the program that loads it which of the two it offers.
#include <fmt/format.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <deque>
#include <iterator>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

// NOLINTBEGIN(readability-identifier-naming): the names are QEMU's.
extern "C" {
using qemu_plugin_id_t = std::uint64_t;
struct qemu_info_t;
struct qemu_plugin_tb;
struct qemu_plugin_scoreboard;

struct qemu_plugin_u64 {
    qemu_plugin_scoreboard *score;
    std::size_t offset;
};

enum qemu_plugin_op { QEMU_PLUGIN_INLINE_ADD_U64 };

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id,
                                           void (*translated)(qemu_plugin_id_t id,
                                                              qemu_plugin_tb *tb));
std::size_t qemu_plugin_tb_n_insns(const qemu_plugin_tb *tb);
std::uint64_t qemu_plugin_tb_vaddr(const qemu_plugin_tb *tb);

// Before version 2.
[[gnu::weak]] void qemu_plugin_register_vcpu_tb_exec_inline(qemu_plugin_tb *tb, qemu_plugin_op op,
                                                            void *counter, std::uint64_t add);

// Since version 2.
[[gnu::weak]] void qemu_plugin_register_vcpu_tb_exec_inline_per_vcpu(qemu_plugin_tb *tb,
                                                                     qemu_plugin_op op,
                                                                     qemu_plugin_u64 counter,
                                                                     std::uint64_t add);
[[gnu::weak]] qemu_plugin_scoreboard *qemu_plugin_scoreboard_new(std::size_t element_size);
[[gnu::weak]] std::uint64_t qemu_plugin_u64_sum(qemu_plugin_u64 counter);

int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv);

/// Read by QEMU after the initialisers have run.
extern int qemu_plugin_version;
int qemu_plugin_version = qemu_plugin_scoreboard_new != nullptr ? 2 : 1;
}
// NOLINTEND(readability-identifier-naming)

namespace {

constexpr std::uint64_t kernel_space = 0xffff'8000'0000'0000; // and above, on x86-64

/// How often a block was entered. The same address may begin blocks of several lengths.
struct Counter {
    std::uint64_t address = 0;
    std::size_t length = 0;  // instructions
    std::uint64_t value = 0; // before version 2: QEMU's code adds to it
    qemu_plugin_u64 entry{}; // since version 2

    [[nodiscard]] std::uint64_t read() const {
        return entry.score != nullptr ? qemu_plugin_u64_sum(entry)
                                      : __atomic_load_n(&value, __ATOMIC_RELAXED);
    }
};

/// All counters. They stay where they are: translated code points at them.
class Counters {
  public:
    /// The virtual CPU's thread asks when it translates a block.
    Counter &of(std::uint64_t address, std::size_t length) {
        const std::lock_guard lock(mutex_);
        auto &counter = by_block_[{address, length}];
        if (counter == nullptr) {
            counter = &all_.emplace_back(address, length);
            if (qemu_plugin_version >= 2)
                counter->entry = next_entry();
        }
        return *counter;
    }

    std::string text() {
        const std::lock_guard lock(mutex_);
        std::string lines;
        for (const Counter &counter : all_)
            if (const auto value = counter.read(); value != 0)
                fmt::format_to(std::back_inserter(lines), "{:x} {} {}\n", counter.address,
                               counter.length, value);
        return lines + "end\n";
    }

  private:
    qemu_plugin_u64 next_entry() {
        constexpr std::size_t entries = 1024;
        const auto index = (all_.size() - 1) % entries;
        if (index == 0)
            score_ = qemu_plugin_scoreboard_new(entries * sizeof(std::uint64_t));
        return {score_, index * sizeof(std::uint64_t)};
    }

    std::mutex mutex_;
    std::deque<Counter> all_;
    std::map<std::pair<std::uint64_t, std::size_t>, Counter *> by_block_;
    qemu_plugin_scoreboard *score_ = nullptr;
};

/// Lives until the process ends: the virtual CPU and the thread below never stop using it.
Counters &counters() {
    static auto *const all = new Counters;
    return *all;
}

void count(qemu_plugin_id_t /*id*/, qemu_plugin_tb *tb) {
    const auto address = qemu_plugin_tb_vaddr(tb);
    Counter &counter =
        counters().of(address < kernel_space ? 0 : address, qemu_plugin_tb_n_insns(tb));
    if (counter.entry.score != nullptr)
        qemu_plugin_register_vcpu_tb_exec_inline_per_vcpu(tb, QEMU_PLUGIN_INLINE_ADD_U64,
                                                          counter.entry, 1);
    else
        qemu_plugin_register_vcpu_tb_exec_inline(tb, QEMU_PLUGIN_INLINE_ADD_U64, &counter.value, 1);
}

/// Answers one connection after the other, for as long as the process lives.
void serve(int listener) {
    for (;;) {
        const int peer = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
        if (peer < 0)
            continue;
        const std::string text = counters().text();
        for (std::string_view rest = text; !rest.empty();) {
            const auto sent = send(peer, rest.data(), rest.size(), MSG_NOSIGNAL);
            if (sent <= 0)
                break;
            rest.remove_prefix(static_cast<std::size_t>(sent));
        }
        close(peer);
    }
}

int listen_at(std::string_view path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.empty() || path.size() >= sizeof(address.sun_path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    path.copy(address.sun_path, path.size());
    unlink(address.sun_path);
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (bind(fd, reinterpret_cast<const sockaddr *>(&address), sizeof(address)) == 0 &&
        listen(fd, 1) == 0)
        return fd;
    close(fd);
    return -1;
}

} // namespace

int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t * /*info*/, int argc, char **argv) {
    constexpr std::string_view key = "socket=";
    const std::string_view argument = argc == 1 ? argv[0] : "";
    if (!argument.starts_with(key)) {
        std::fputs("instructions: say where to listen: socket=PATH, and nothing else\n", stderr);
        return 1;
    }
    const int listener = listen_at(argument.substr(key.size()));
    if (listener < 0) {
        std::fprintf(stderr, "instructions: cannot listen at %s: %s\n", argv[0] + key.size(),
                     std::strerror(errno));
        return 1;
    }
    // QEMU's signals are for QEMU's threads.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    std::thread(serve, listener).detach();
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    qemu_plugin_register_vcpu_tb_trans_cb(id, count);
    return 0;
}
