// SPDX-License-Identifier: GPL-2.0-only
#include "bench/connections.h"

#include "host/addresses.h"
#include "host/guest_script.h"
#include "nfs/rdma_device.h"
#include "util/interrupt.h"
#include "util/text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <fmt/format.h>

namespace lab {
namespace {

using namespace std::chrono_literals;

constexpr std::array<unsigned, 4> steps{1, 16, 64, 256};
constexpr unsigned per_mount = 16; // the most that the client's nconnect allows
constexpr unsigned addresses = steps.back() / per_mount;
constexpr auto limit = 120s;

// A direct READ goes to the next connection each time, so that every one is used and known.
constexpr auto mount_one = R"(set -e
mkdir -p /mnt/idle{0}
mount -t nfs -o vers=3,proto=rdma,port={1},nolock,mountproto=tcp,nconnect={2} {3}:/export /mnt/idle{0}
dd if=/mnt/idle{0}/idle of=/dev/null bs=4k count=64 iflag=direct 2>&1
)";

constexpr auto unmount_all = "for dir in /mnt/idle*; do\n"
                             "    ! mountpoint -q $dir || umount $dir || exit\n"
                             "done\n";

constexpr auto free_memory = "sync; echo 3 >/proc/sys/vm/drop_caches; sleep 1\n"
                             "echo 1 >/proc/sys/vm/compact_memory; sleep 1\n"
                             "awk '/^MemFree:/ { print $2 }' /proc/meminfo";

Result<double> read_number(Host &host, const std::string &command) {
    const auto text = TRY(host.check(command, Deadline::scaled(limit)));
    const auto number = parse_number(text);
    if (!number)
        return fail(fmt::format("{} answered \"{}\"", host.name(), text));
    return static_cast<double>(*number);
}

/// Does the work of measure_connections(), and undoes it when it goes.
class Measurement {
  public:
    Measurement(Host &client, const NfsServer &server, Transport transport)
        : client_(client), server_(server.host()), port_(server.port(transport)),
          module_(transport_name(transport)), transport_(transport) {}

    Result<std::vector<ConnectionCost>> run(Progress &progress);
    Result<void> clean_up();

  private:
    Result<void> prepare();
    Result<void> mount(unsigned number, unsigned connections);
    Result<void> unmount();
    Result<void> wait_for(unsigned connections);
    Result<double> own_bytes();

    Host &client_;
    Host &server_;
    unsigned port_;
    std::string_view module_;
    Transport transport_;
};

/// Mounts of the same address would share their connections.
Result<void> Measurement::prepare() {
    TRY(add_addresses(server_, addresses));
    TRY(server_.check("head -c 262144 /dev/zero >/export/idle", Deadline::scaled(limit)));
    return {};
}

Result<void> Measurement::mount(unsigned number, unsigned connections) {
    const auto address = further_address(server_, number);
    const auto command = fmt::format(fmt::runtime(mount_one), number, port_, connections, address);
    if (auto mounted = client_.check(command, Deadline::scaled(limit)); !mounted)
        return fail("mounting " + address, mounted.error());
    return {};
}

Result<void> Measurement::unmount() {
    TRY(client_.check(unmount_all, Deadline::scaled(limit)));
    return wait_for(0);
}

Result<void> Measurement::wait_for(unsigned connections) {
    const auto deadline = Deadline::scaled(limit);
    for (;;) {
        const auto up = TRY(connected_queue_pairs(server_));
        if (up == connections)
            return {};
        if (deadline.expired())
            return fail(fmt::format("{} of {} connections are up", up, connections));
        if (!pause_for(500ms, deadline) && interrupted())
            return fail("interrupted", Cause::cancelled);
    }
}

Result<double> Measurement::own_bytes() {
    const auto where = TRY(server_.check(
        fmt::format("awk '$1 == \"{}\" {{ print substr($6, 3), $2 }}' /proc/modules", module_),
        Deadline::scaled(limit)));
    std::uint64_t base = 0;
    std::from_chars(where.data(), where.data() + where.size(), base, 16);
    const auto size =
        parse_number(std::string_view(where).substr(std::min(where.find(' '), where.size())));
    if (base == 0 || !size)
        return fail(fmt::format("/proc/modules does not tell where {} is", module_));
    TRY(run_script(server_, "trace-allocations",
                   {"start", fmt::format("{:#x}", base), fmt::format("{:#x}", base + *size)},
                   Deadline::scaled(limit)));
    const auto sum = TRY(guest_script("trace-allocations", {"stop"}));
    const auto mounted = mount(0, 1);
    auto bytes = read_number(server_, sum);
    if (!mounted)
        return fail(mounted.error());
    TRY(unmount());
    return bytes;
}

Result<std::vector<ConnectionCost>> Measurement::run(Progress &progress) {
    TRY(prepare());
    progress.at(fmt::format("idle connections over {}", module_));
    const auto own = TRY(own_bytes());
    const auto before = TRY(read_number(server_, free_memory));

    std::vector<ConnectionCost> costs;
    unsigned mounts = 0;
    for (const unsigned connections : steps) {
        progress.at(fmt::format("{} idle connections over {}", connections, module_));
        // What is mounted stays, as long as it has all the connections that a mount can have.
        if (!costs.empty() && costs.back().connections < per_mount) {
            TRY(unmount());
            mounts = 0;
        }
        for (; mounts * per_mount < connections; ++mounts)
            TRY(mount(mounts, std::min(connections, per_mount)));
        TRY(wait_for(connections));
        const auto left = TRY(read_number(server_, free_memory));
        costs.push_back({transport_, connections, (before - left) * 1024 / connections, own});
    }
    return costs;
}

/// Does all of it, and returns the first error.
Result<void> Measurement::clean_up() {
    auto unmounted = unmount();
    const auto emptied = server_.check("rm -f /export/idle", Deadline::scaled(limit));
    const auto removed = remove_addresses(server_, addresses);
    if (!unmounted)
        return unmounted;
    if (!emptied)
        return fail(emptied.error());
    return removed;
}

} // namespace

Result<std::vector<ConnectionCost>> measure_connections(Host &client, const NfsServer &server,
                                                        Transport transport, Progress &progress) {
    Measurement measurement(client, server, transport);
    auto costs = measurement.run(progress);
    const auto cleaned = measurement.clean_up();
    if (!costs)
        return fail(fmt::format("idle connections over {}", transport_name(transport)),
                    costs.error());
    if (!cleaned)
        return fail(fmt::format("ending idle connections over {}", transport_name(transport)),
                    cleaned.error());
    return costs;
}

} // namespace lab
