// SPDX-License-Identifier: GPL-2.0-only
#include "vm/qmp.h"

#include "util/interrupt.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace lab {

using nlohmann::json;

Result<Qmp> Qmp::connect(const std::filesystem::path &socket, Deadline deadline) {
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
            return fail(fmt::format("QEMU does not answer on {}", name), Cause::timeout);
        pause_for(std::chrono::milliseconds(10), deadline);
    }

    Qmp qmp(std::move(fd));
    if (auto greeting = qmp.receive(deadline); !greeting)
        return fail(greeting.error());
    if (auto agreed = qmp.execute("qmp_capabilities", json::object(), deadline); !agreed)
        return fail(agreed.error());
    return qmp;
}

Result<json> Qmp::receive(Deadline deadline) {
    for (;;) {
        const auto end = buffer_.find('\n');
        if (end != std::string::npos) {
            auto message = json::parse(buffer_.substr(0, end), nullptr, false);
            buffer_.erase(0, end + 1);
            if (message.is_discarded())
                return fail("QEMU sent something that is not JSON");
            if (message.contains("event"))
                continue;
            return message;
        }
        std::array<pollfd, 2> fds = {pollfd{.fd = fd_.get(), .events = POLLIN, .revents = 0},
                                     pollfd{.fd = interrupt_fd(), .events = POLLIN, .revents = 0}};
        const int ready = poll(fds.data(), fds.size(), static_cast<int>(deadline.left().count()));
        if (ready < 0 && errno == EINTR)
            continue;
        if (fds[1].revents != 0)
            return fail("interrupted", Cause::cancelled);
        if (ready <= 0)
            return fail("QEMU did not answer in time", Cause::timeout);
        std::array<char, 4096> data = {};
        const auto got = read(fd_.get(), data.data(), data.size());
        if (got <= 0)
            return fail("QEMU closed its control socket", Cause::lost);
        buffer_.append(data.data(), static_cast<std::size_t>(got));
    }
}

Result<json> Qmp::execute(const std::string &command, const json &arguments, Deadline deadline) {
    const auto line = json{{"execute", command}, {"arguments", arguments}}.dump() + "\n";
    if (send(fd_.get(), line.data(), line.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(line.size()))
        return fail("QEMU closed its control socket", Cause::lost);
    auto answer = receive(deadline);
    if (!answer)
        return fail(answer.error());
    if (answer->contains("error"))
        return fail(fmt::format("QEMU refused {}: {}", command,
                                answer->at("error").value("desc", std::string("no reason"))));
    return answer->value("return", json());
}

Result<std::string> Qmp::human(const std::string &line, Deadline deadline) {
    auto answer = execute("human-monitor-command", {{"command-line", line}}, deadline);
    if (!answer)
        return fail(answer.error());
    return answer->is_string() ? answer->get<std::string>() : std::string();
}

} // namespace lab
