// SPDX-License-Identifier: GPL-2.0-only
#include "util/temp.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>
#include <system_error>

namespace lab {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view prefix = "nfsrdma-lab.";

Fd lock_directory(const fs::path &path) {
    Fd fd(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (fd && flock(fd.get(), LOCK_EX | LOCK_NB) < 0)
        fd.reset();
    return fd;
}

/// Removes what killed labs left. A directory whose lock can be had has no owner; one younger
/// than its owner's first instructions would have, so the newest are left alone.
void sweep(const fs::path &base) {
    std::error_code error;
    for (const auto &entry : fs::directory_iterator(base, error)) {
        if (!entry.path().filename().string().starts_with(prefix))
            continue;
        const auto age = fs::file_time_type::clock::now() - entry.last_write_time(error);
        if (error || age < std::chrono::seconds(10))
            continue;
        if (const Fd lock = lock_directory(entry.path()))
            fs::remove_all(entry.path(), error);
    }
}

} // namespace

Result<TempDir> TempDir::make() {
    std::error_code error;
    const auto base = fs::temp_directory_path(error);
    if (error)
        return fail("no directory for temporary files: " + error.message());
    sweep(base);
    auto name = fmt::format("{}/{}XXXXXX", base.string(), prefix);
    if (mkdtemp(name.data()) == nullptr)
        return fail(fmt::format("cannot make a temporary directory in {}: {}", base.string(),
                                std::strerror(errno)));
    auto lock = lock_directory(name);
    return TempDir(name, std::move(lock));
}

TempDir::~TempDir() {
    if (!lock_)
        return;
    std::error_code error;
    fs::remove_all(path_, error);
}

} // namespace lab
