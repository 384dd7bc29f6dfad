// SPDX-License-Identifier: GPL-2.0-only
#include "defect.h"

#include "util/file.h"

#include <fmt/format.h>

#include <system_error>

namespace lab {

namespace fs = std::filesystem;

Result<void> plant(const std::vector<Insertion> &defect, const fs::path &dir) {
    std::error_code error;
    fs::copy(source_dir() / "kmod", dir, fs::copy_options::recursive, error);
    if (error)
        return fail(fmt::format("cannot copy kmod to {}: {}", dir.string(), error.message()));
    for (const auto &insertion : defect) {
        const auto file = dir / insertion.file;
        auto text = TRY(read_file(file));
        const auto at = text.find(insertion.after);
        if (at == std::string::npos || text.find(insertion.after, at + 1) != std::string::npos)
            return fail(fmt::format("{} does not have \"{}\" exactly once: adapt the defect",
                                    insertion.file, insertion.after));
        text.insert(text.find('\n', at + insertion.after.size() - 1) + 1, insertion.text);
        TRY(write_file(file, text));
    }
    return {};
}

} // namespace lab
