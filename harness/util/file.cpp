// SPDX-License-Identifier: GPL-2.0-only
#include "util/file.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <system_error>

namespace lab {

namespace fs = std::filesystem;

Result<std::string> read_file(const fs::path &path) {
    errno = 0;
    const std::ifstream file(path, std::ios::binary);
    std::ostringstream content;
    if (file)
        content << file.rdbuf();
    if (!file)
        return fail(fmt::format("cannot read {}: {}", path.string(), std::strerror(errno)));
    return std::move(content).str();
}

Result<void> write_file(const std::filesystem::path &path, std::string_view text) {
    auto temporary = path;
    temporary += ".tmp";
    errno = 0;
    std::ofstream file(temporary, std::ios::binary | std::ios::trunc);
    file.write(text.data(), static_cast<std::streamsize>(text.size()));
    file.close();
    if (!file) {
        const int why = errno;
        std::error_code ignored;
        std::filesystem::remove(temporary, ignored);
        return fail(fmt::format("cannot write {}: {}", path.string(), std::strerror(why)));
    }
    std::error_code error;
    std::filesystem::rename(temporary, path, error);
    if (error)
        return fail(fmt::format("cannot write {}: {}", path.string(), error.message()));
    return {};
}

void append_line(const fs::path &path, std::string_view line) {
    std::ofstream file(path, std::ios::binary | std::ios::app);
    file << line << '\n';
}

std::string last_lines(std::string_view text, std::size_t count) {
    while (text.ends_with('\n') || text.ends_with('\r'))
        text.remove_suffix(1);
    auto start = text.size();
    for (; count > 0 && start != std::string_view::npos && start > 0; count--)
        start = text.rfind('\n', start - 1);
    return std::string(start == std::string_view::npos || start == 0 ? text
                                                                     : text.substr(start + 1));
}

Result<fs::path> cache_dir() {
    const char *chosen = std::getenv("NFSRDMA_LAB_CACHE");
    const fs::path dir = chosen != nullptr && *chosen != 0 ? chosen : "/var/cache/nfsrdma-lab";
    std::error_code error;
    fs::create_directories(dir, error);
    if (error)
        return fail(fmt::format("cannot make the cache directory {}: {} (NFSRDMA_LAB_CACHE names "
                                "another)",
                                dir.string(), error.message()));
    return fs::absolute(dir);
}

fs::path source_dir() {
    return LAB_SOURCE_DIR;
}

} // namespace lab
