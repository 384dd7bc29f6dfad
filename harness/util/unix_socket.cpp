// SPDX-License-Identifier: GPL-2.0-only
#include "util/unix_socket.h"

#include "util/interrupt.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

namespace lab {

Result<Fd> connect_to(const std::filesystem::path &socket, Deadline deadline) {
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    const auto name = socket.string();
    if (name.size() >= sizeof address.sun_path)
        return fail(fmt::format("the path of a socket is too long: {}", name));
    std::memcpy(address.sun_path, name.c_str(), name.size() + 1);

    Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!fd)
        return fail(fmt::format("cannot make a socket: {}", std::strerror(errno)));
    while (::connect(fd.get(), reinterpret_cast<const sockaddr *>(&address), sizeof address) < 0) {
        if (interrupted())
            return fail("interrupted", Cause::cancelled);
        if (deadline.expired())
            return fail(fmt::format("nobody answers on {}", name), Cause::timeout);
        pause_for(std::chrono::milliseconds(10), deadline);
    }
    return fd;
}

Result<void> wait_readable(const Fd &fd, Deadline deadline) {
    for (;;) {
        std::array<pollfd, 2> fds = {pollfd{.fd = fd.get(), .events = POLLIN, .revents = 0},
                                     pollfd{.fd = interrupt_fd(), .events = POLLIN, .revents = 0}};
        const int ready = poll(fds.data(), fds.size(), static_cast<int>(deadline.left().count()));
        if (ready < 0 && errno == EINTR)
            continue;
        if (fds[1].revents != 0)
            return fail("interrupted", Cause::cancelled);
        if (ready <= 0)
            return fail("no answer in time", Cause::timeout);
        return {};
    }
}

Result<std::string> read_all(const Fd &fd, Deadline deadline) {
    std::string text;
    std::vector<char> data(1 << 16);
    for (;;) {
        TRY(wait_readable(fd, deadline));
        const auto got = read(fd.get(), data.data(), data.size());
        if (got < 0)
            return fail(fmt::format("reading a socket: {}", std::strerror(errno)), Cause::lost);
        if (got == 0)
            return text;
        text.append(data.data(), static_cast<std::size_t>(got));
    }
}

} // namespace lab
