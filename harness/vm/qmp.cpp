// SPDX-License-Identifier: GPL-2.0-only
#include "vm/qmp.h"

#include "util/unix_socket.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

namespace lab {

using nlohmann::json;

Result<Qmp> Qmp::connect(const std::filesystem::path &socket, Deadline deadline) {
    auto fd = connect_to(socket, deadline);
    if (!fd)
        return fail("QEMU", fd.error());
    Qmp qmp(*std::move(fd));
    TRY(qmp.receive(deadline));
    TRY(qmp.execute("qmp_capabilities", json::object(), deadline));
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
        if (auto ready = wait_readable(fd_, deadline); !ready)
            return fail("QEMU", ready.error());
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
    auto answer = TRY(receive(deadline));
    if (answer.contains("error"))
        return fail(fmt::format("QEMU refused {}: {}", command,
                                answer.at("error").value("desc", std::string("no reason"))));
    return answer.value("return", json());
}

Result<std::string> Qmp::human(const std::string &line, Deadline deadline) {
    auto answer = TRY(execute("human-monitor-command", {{"command-line", line}}, deadline));
    return answer.is_string() ? answer.get<std::string>() : std::string();
}

} // namespace lab
