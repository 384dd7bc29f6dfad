// SPDX-License-Identifier: GPL-2.0-only
#include "vm/instruction_counts.h"

#include "util/text.h"

#include <charconv>
#include <fmt/format.h>

namespace lab {

Result<InstructionCounts> parse_instruction_counts(std::string_view text) {
    InstructionCounts counts;
    while (!text.empty()) {
        const auto line = next_line(text);
        if (line == "end")
            return counts;
        std::uint64_t address = 0;
        std::uint64_t length = 0;
        std::uint64_t entered = 0;
        const auto *at = line.data();
        const auto *end = at + line.size();
        const auto read = [&](std::uint64_t &number, int base) {
            const auto done = std::from_chars(at, end, number, base);
            at = done.ptr == end ? end : done.ptr + 1;
            return done.ec == std::errc();
        };
        if (!read(address, 16) || !read(length, 10) || !read(entered, 10) || at != end)
            return fail(fmt::format("not an instruction count: {}", line));
        auto &block = counts[address];
        block.instructions += length * entered;
        block.entered += entered;
    }
    return fail("the instruction counts are cut off");
}

} // namespace lab
