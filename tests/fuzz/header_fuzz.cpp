// SPDX-License-Identifier: GPL-2.0-only
// Feeds the transport header codec with anything, under generous, usual and tiny limits, and
// compares what it finds with the model of the unit tests.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "../unit/header_model.h"

namespace {

using header_model::Bytes;

[[noreturn]] void disagree(const rpcrdma_hdr_limits &limits, const std::string &how) {
    std::fprintf(stderr, "codec and model disagree under max_message %u:\n%s", limits.max_message,
                 how.c_str());
    std::abort();
}

/// Counters and traces tell verdicts apart by their names alone.
void check_name(const rpcrdma_hdr_limits &limits, rpcrdma_hdr_verdict verdict) {
    static std::map<std::string, rpcrdma_hdr_verdict> named;
    const std::string name = rpcrdma_hdr_verdict_name(verdict);
    if (name == rpcrdma_hdr_verdict_name(RPCRDMA_HDR_VERDICTS))
        disagree(limits, "a verdict has no name\n");
    if (named.try_emplace(name, verdict).first->second != verdict)
        disagree(limits, "two verdicts are called " + name + "\n");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    static const std::vector<rpcrdma_hdr_limits> settings = {
        {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
        {1048576 + 4096, 64, 8, 4, 64},
        {64, 2, 1, 1, 1},
        {0, 0, 0, 0, 0},
    };
    const std::span<const std::uint8_t> bytes(data, size);
    for (const auto &limits : settings) {
        check_name(limits,
                   header_model::detail::codec_verdict({bytes.begin(), bytes.end()}, limits));
        const std::string text = header_model::differences(bytes, limits);
        if (!text.empty())
            disagree(limits, text);
    }
    return 0;
}
