// SPDX-License-Identifier: GPL-2.0-only
#include "image/cache.h"

#include "util/file.h"
#include "util/interrupt.h"
#include "util/process.h"
#include "util/progress.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <functional>
#include <sstream>
#include <system_error>

namespace lab {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view building_prefix = "building-";
/// Another source tree, whose lab is not running now, may want its image again.
constexpr std::time_t keep_seconds = 24L * 3600;

/// The directories in the cache whose names begin with `prefix`.
std::vector<fs::path> entries(const fs::path &cache, std::string_view prefix) {
    std::vector<fs::path> found;
    std::error_code error;
    for (const auto &entry : fs::directory_iterator(cache, error))
        if (entry.is_directory(error) && entry.path().filename().string().starts_with(prefix))
            found.push_back(entry.path());
    return found;
}

/// Takes an entry out of its place unless somebody uses it or has used it lately.
bool retire(const fs::path &entry, const fs::path &file, const fs::path &to) {
    const Fd lock(open(file.c_str(), O_RDONLY | O_CLOEXEC));
    struct stat status {};
    if (!lock || flock(lock.get(), LOCK_EX | LOCK_NB) < 0 || fstat(lock.get(), &status) < 0 ||
        std::time(nullptr) - status.st_mtime < keep_seconds)
        return false;
    std::error_code error;
    fs::rename(entry, to, error);
    return !error;
}

} // namespace

Result<std::string> hash_files(const std::vector<fs::path> &paths) {
    // FNV-1a.
    std::uint64_t hash = 0xcbf29ce484222325;
    const auto add = [&](std::string_view text) {
        for (const char c : text)
            hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
        hash = (hash ^ 0xff) * 0x100000001b3;
    };
    for (const auto &path : paths) {
        std::error_code error;
        std::vector<fs::path> files;
        if (!fs::is_directory(path, error))
            files.push_back(path);
        else
            for (const auto &entry : fs::recursive_directory_iterator(path, error))
                if (entry.is_regular_file(error))
                    files.push_back(entry.path());
        if (error || files.empty())
            return fail(fmt::format("{} is missing or empty", path.string()));
        std::ranges::sort(files);
        for (const auto &file : files) {
            const auto content = TRY(read_file(file));
            add(fs::is_directory(path, error) ? fs::relative(file, path, error).string()
                                              : file.filename().string());
            add(content);
        }
    }
    return fmt::format("{:016x}", hash);
}

Result<Fd> lock_cache(const fs::path &cache, std::string_view kind) {
    const auto path = cache / (std::string(kind) + ".lock");
    Fd lock(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
    if (!lock)
        return fail(fmt::format("cannot open {}: {}", path.string(), std::strerror(errno)));
    for (bool told = false; flock(lock.get(), LOCK_EX | LOCK_NB) < 0; told = true) {
        if (!told)
            say("another build is running: waiting for it");
        if (!pause_for(std::chrono::milliseconds(500)))
            return fail("interrupted", Cause::cancelled);
    }
    return lock;
}

Result<void> remove_tree(const fs::path &dir) {
    const auto mounts = read_file("/proc/self/mounts").value_or("");
    std::istringstream lines(mounts);
    std::vector<std::string> inside;
    for (std::string device, point, rest; lines >> device >> point && std::getline(lines, rest);)
        if (point.starts_with(dir.string() + "/"))
            inside.push_back(point);
    // The deepest first.
    std::ranges::sort(inside, std::greater());
    const auto clean = [](const std::vector<std::string> &command) -> Result<void> {
        const auto output =
            run_process(command, Deadline::in(std::chrono::minutes(2)), {.cleaning = true});
        if (!output || output->status != 0)
            return fail(fmt::format("{} {} failed: {}", command.front(), command.back(),
                                    output ? output->err : output.error().what));
        return {};
    };
    for (const auto &point : inside)
        TRY(clean({"umount", "-l", point}));
    return clean({"rm", "-rf", "--one-file-system", dir.string()});
}

Result<void> remove_unfinished(const fs::path &cache) {
    // Whoever made these held the lock that our caller holds now, so nobody does.
    for (const auto &dir : entries(cache, building_prefix))
        TRY(remove_tree(dir));
    return {};
}

Unfinished::Unfinished(fs::path entry)
    : dir_(entry.parent_path() / (std::string(building_prefix) + entry.filename().string())),
      entry_(std::move(entry)) {
    std::error_code error;
    fs::create_directories(dir_, error);
}

Unfinished::~Unfinished() {
    if (dir_.empty())
        return;
    if (auto removed = remove_tree(dir_); !removed)
        say(removed.error().what);
}

Result<void> Unfinished::keep() {
    std::error_code error;
    fs::rename(dir_, entry_, error);
    if (error)
        return fail(fmt::format("cannot make {}: {}", entry_.string(), error.message()));
    dir_.clear();
    return {};
}

Result<std::shared_ptr<Fd>> use_entry(const fs::path &file) {
    auto lock = std::make_shared<Fd>(open(file.c_str(), O_RDONLY | O_CLOEXEC));
    if (!*lock || flock(lock->get(), LOCK_SH) < 0)
        return fail(fmt::format("cannot open {}: {}", file.string(), std::strerror(errno)));
    // While we waited for the lock, its holder may have taken the entry away.
    if (access(file.c_str(), R_OK) < 0)
        return fail(fmt::format("{} was just removed", file.string()));
    // Who may not write here is not asked to: then only the lock keeps the entry.
    futimens(lock->get(), nullptr);
    return lock;
}

void remove_unused(const fs::path &cache, std::string_view prefix, std::string_view file,
                   const fs::path &keep) {
    for (const auto &entry : entries(cache, prefix)) {
        const auto to =
            cache / fmt::format("{}{}-{}", building_prefix, getpid(), entry.filename().string());
        if (entry == keep || !retire(entry, entry / file, to))
            continue;
        auto removed = remove_tree(to);
        say(removed ? fmt::format("removed {}: nothing has used it for a day", entry.string())
                    : removed.error().what);
    }
}

} // namespace lab
