// SPDX-License-Identifier: GPL-2.0-only
//
// What a QEMU is to the plugin that counts instructions: loads it, translates three blocks, lets
// them run, and prints what the plugin tells on its socket. Compiled once for each version of the
// interface (API): fake_qemu PLUGIN SOCKET.
#include "util/unix_socket.h"

#include <dlfcn.h>

#include <cstdint>
#include <cstdio>
#include <deque>
#include <functional>
#include <string>
#include <vector>

struct qemu_plugin_tb {
    std::uint64_t address = 0;
    std::size_t length = 0;
    std::function<void()> count;
};

namespace {

using Translated = void (*)(std::uint64_t, qemu_plugin_tb *);
Translated translated = nullptr;

} // namespace

extern "C" {

void qemu_plugin_register_vcpu_tb_trans_cb(std::uint64_t /*id*/, Translated callback) {
    translated = callback;
}

std::size_t qemu_plugin_tb_n_insns(const qemu_plugin_tb *tb) {
    return tb->length;
}

std::uint64_t qemu_plugin_tb_vaddr(const qemu_plugin_tb *tb) {
    return tb->address;
}

#if API == 1
void qemu_plugin_register_vcpu_tb_exec_inline(qemu_plugin_tb *tb, int /*op*/, void *counter,
                                              std::uint64_t add) {
    tb->count = [=] { *static_cast<std::uint64_t *>(counter) += add; };
}
#else
struct qemu_plugin_scoreboard {
    std::vector<std::uint64_t> values;
};

struct qemu_plugin_u64 {
    qemu_plugin_scoreboard *score;
    std::size_t offset;
};

qemu_plugin_scoreboard *qemu_plugin_scoreboard_new(std::size_t element_size) {
    static std::deque<qemu_plugin_scoreboard> all;
    return &all.emplace_back(std::vector<std::uint64_t>(element_size / sizeof(std::uint64_t)));
}

void qemu_plugin_register_vcpu_tb_exec_inline_per_vcpu(qemu_plugin_tb *tb, int /*op*/,
                                                       qemu_plugin_u64 counter, std::uint64_t add) {
    tb->count = [=] { counter.score->values[counter.offset / sizeof(std::uint64_t)] += add; };
}

std::uint64_t qemu_plugin_u64_sum(qemu_plugin_u64 counter) {
    return counter.score->values[counter.offset / sizeof(std::uint64_t)];
}
#endif
}

int main(int argc, char **argv) {
    if (argc != 3)
        return 2;
    void *plugin = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    if (plugin == nullptr) {
        std::fprintf(stderr, "%s\n", dlerror());
        return 1;
    }
    const auto *version = static_cast<int *>(dlsym(plugin, "qemu_plugin_version"));
    using Install = int (*)(std::uint64_t, const void *, int, char **);
    const auto install = reinterpret_cast<Install>(dlsym(plugin, "qemu_plugin_install"));
    std::string argument = std::string("socket=") + argv[2];
    char *arguments = argument.data();
    if (version == nullptr || *version != API || install == nullptr ||
        install(7, nullptr, 1, &arguments) != 0 || translated == nullptr)
        return 1;

    // Two lengths at one address, and user space; each is translated anew before it runs again.
    for (int round = 0; round < 3; ++round)
        for (auto block :
             {qemu_plugin_tb{0xffffffff81000100, 5, {}}, qemu_plugin_tb{0xffffffff81000100, 2, {}},
              qemu_plugin_tb{0x401000, 9, {}}}) {
            translated(7, &block);
            block.count();
        }
    const auto deadline = lab::Deadline::in(std::chrono::seconds(10));
    const auto socket = lab::connect_to(argv[2], deadline);
    if (!socket)
        return 1;
    const auto text = lab::read_all(*socket, deadline);
    if (!text)
        return 1;
    std::fputs(text->c_str(), stdout);
    return 0;
}
