// SPDX-License-Identifier: GPL-2.0-only
#include "report/file.h"

#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <fstream>

namespace lab {

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

} // namespace lab
