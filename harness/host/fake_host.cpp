// SPDX-License-Identifier: GPL-2.0-only
#include "host/fake_host.h"

#include <ranges>

namespace lab {

void FakeHost::answer(std::string part, Result<Output> result) {
    answers_.emplace_back(std::move(part), std::move(result));
}

Result<Output> FakeHost::run(const std::string &command, Deadline /*deadline*/) {
    {
        const std::scoped_lock lock(asked_);
        commands.push_back(command);
    }
    for (const auto &[part, result] : answers_ | std::views::reverse)
        if (command.find(part) != std::string::npos)
            return result;
    return Output{};
}

Result<void> FakeHost::put(const std::filesystem::path & /*local*/, const std::string &remote,
                           Deadline /*deadline*/) {
    const std::scoped_lock lock(asked_);
    files.push_back(remote);
    return {};
}

Result<void> FakeHost::get(const std::string & /*remote*/, const std::filesystem::path & /*local*/,
                           Deadline /*deadline*/) {
    return {};
}

} // namespace lab
