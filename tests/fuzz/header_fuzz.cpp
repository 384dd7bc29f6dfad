// SPDX-License-Identifier: GPL-2.0-only
// Feeds the transport header codec with anything, under generous, usual and tiny limits, and
// compares what it finds with the model of the unit tests.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "../unit/header_model.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    static const std::vector<rpcrdma_hdr_limits> settings = {
        {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
        {1048576 + 4096, 64, 8, 4, 64},
        {64, 2, 1, 1, 1},
        {0, 0, 0, 0, 0},
    };
    for (const auto &limits : settings) {
        const std::string text = header_model::differences({data, size}, limits);
        if (!text.empty()) {
            std::fprintf(stderr, "codec and model disagree under max_message %u:\n%s",
                         limits.max_message, text.c_str());
            std::abort();
        }
    }
    return 0;
}
