// SPDX-License-Identifier: GPL-2.0-only
#include "bench/connections.h"

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
constexpr auto limit = 120s;

// One mount per address: mounts of the same address share their connections.
constexpr auto add_addresses = R"(set -e
dev=$(ip -o -4 addr show to {0} | awk '{{ print $2; exit }}')
for i in $(seq 16); do
    ip -o addr show to {1}.$((100 + i)) | grep -q . || ip addr add {1}.$((100 + i))/24 dev $dev
done
head -c 262144 /dev/zero >/export/idle
)";

constexpr auto remove_addresses = R"(dev=$(ip -o -4 addr show to {0} | awk '{{ print $2; exit }}')
for i in $(seq 16); do ip addr del {1}.$((100 + i))/24 dev $dev 2>/dev/null; done
rm -f /export/idle
)";

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

// Allocations by the module's own code, by the kernel's tracepoints, and who is told of them.
constexpr auto trace_allocations = R"sh(set -e
inside="call_site >= {0:#x} && call_site < {1:#x}"
mountpoint -q /sys/kernel/tracing || mount -t tracefs nodev /sys/kernel/tracing
cd /sys/kernel/tracing
echo 16384 >buffer_size_kb
echo >trace
for event in kmalloc kmem_cache_alloc; do echo "$inside" >events/kmem/$event/filter; done
for event in kmalloc kmem_cache_alloc kfree kmem_cache_free; do echo 1 >events/kmem/$event/enable; done
)sh";

constexpr auto sum_allocations = R"sh(cd /sys/kernel/tracing
for event in kmalloc kmem_cache_alloc kfree kmem_cache_free; do echo 0 >events/kmem/$event/enable; done
for event in kmalloc kmem_cache_alloc; do echo 0 >events/kmem/$event/filter; done
awk '{ at = index($0, "ptr="); if (!at) next; pointer = substr($0, at + 4); sub(/ .*/, "", pointer) }
    / (kfree|kmem_cache_free): / { delete alive[pointer]; next }
    / (kmalloc|kmem_cache_alloc): / { sub(/.*bytes_alloc=/, ""); alive[pointer] = $1 + 0 }
    END { for (p in alive) sum += alive[p]; print sum + 0 }' trace
echo >trace
echo 1408 >buffer_size_kb
)sh";

std::string network_of(const Host &host) {
    return host.data_address().substr(0, host.data_address().rfind('.'));
}

Result<double> read_number(Host &host, const std::string &command) {
    const auto text = host.check(command, Deadline::scaled(limit));
    if (!text)
        return fail(text.error());
    const auto number = parse_number(*text);
    if (!number)
        return fail(fmt::format("{} answered \"{}\"", host.name(), *text));
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

Result<void> Measurement::mount(unsigned number, unsigned connections) {
    const auto address = fmt::format("{}.{}", network_of(server_), 101 + number);
    const auto command = fmt::format(fmt::runtime(mount_one), number, port_, connections, address);
    if (auto done = client_.check(command, Deadline::scaled(limit)); !done)
        return fail(done.error());
    return {};
}

Result<void> Measurement::unmount() {
    if (auto done = client_.check(unmount_all, Deadline::scaled(limit)); !done)
        return fail(done.error());
    return wait_for(0);
}

Result<void> Measurement::wait_for(unsigned connections) {
    const auto deadline = Deadline::scaled(limit);
    for (;;) {
        const auto up =
            read_number(server_, "rdma resource show qp | grep -c 'type RC state RTS' || :");
        if (!up)
            return fail(up.error());
        if (*up == connections)
            return {};
        if (deadline.expired())
            return fail(fmt::format("{} of {} connections are up", *up, connections));
        if (!pause_for(500ms, deadline))
            return fail("interrupted", Cause::cancelled);
    }
}

Result<double> Measurement::own_bytes() {
    const auto where = server_.check(
        fmt::format("awk '$1 == \"{}\" {{ print substr($6, 3), $2 }}' /proc/modules", module_),
        Deadline::scaled(limit));
    if (!where)
        return fail(where.error());
    std::uint64_t base = 0;
    std::from_chars(where->data(), where->data() + where->size(), base, 16);
    const auto size =
        parse_number(std::string_view(*where).substr(std::min(where->find(' '), where->size())));
    if (base == 0 || !size)
        return fail(fmt::format("/proc/modules does not tell where {} is", module_));
    const auto command = fmt::format(fmt::runtime(trace_allocations), base, base + *size);
    if (auto done = server_.check(command, Deadline::scaled(limit)); !done)
        return fail(done.error());
    const auto mounted = mount(0, 1);
    auto bytes = read_number(server_, sum_allocations);
    if (!mounted)
        return fail(mounted.error());
    if (auto done = unmount(); !done)
        return fail(done.error());
    return bytes;
}

Result<std::vector<ConnectionCost>> Measurement::run(Progress &progress) {
    const auto command =
        fmt::format(fmt::runtime(add_addresses), server_.data_address(), network_of(server_));
    if (auto done = server_.check(command, Deadline::scaled(limit)); !done)
        return fail(done.error());
    progress.at(fmt::format("idle connections over {}", module_));
    const auto own = own_bytes();
    if (!own)
        return fail(own.error());
    const auto before = read_number(server_, free_memory);
    if (!before)
        return fail(before.error());

    std::vector<ConnectionCost> costs;
    unsigned mounts = 0;
    for (const unsigned connections : steps) {
        progress.at(fmt::format("{} idle connections over {}", connections, module_));
        // What is mounted stays, as long as it has all the connections that a mount can have.
        if (!costs.empty() && costs.back().connections < per_mount) {
            if (auto done = unmount(); !done)
                return fail(done.error());
            mounts = 0;
        }
        for (; mounts * per_mount < connections; ++mounts)
            if (auto done = mount(mounts, std::min(connections, per_mount)); !done)
                return fail(done.error());
        if (auto up = wait_for(connections); !up)
            return fail(up.error());
        const auto left = read_number(server_, free_memory);
        if (!left)
            return fail(left.error());
        costs.push_back({transport_, connections, (*before - *left) * 1024 / connections, *own});
    }
    return costs;
}

Result<void> Measurement::clean_up() {
    if (auto done = unmount(); !done)
        return done;
    const auto command =
        fmt::format(fmt::runtime(remove_addresses), server_.data_address(), network_of(server_));
    if (auto done = server_.check(command, Deadline::scaled(limit)); !done)
        return fail(done.error());
    return {};
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
