// SPDX-License-Identifier: GPL-2.0-only
#include "requirements.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

namespace conform {

namespace {

constexpr std::string_view requester = "binds the Requester";
constexpr std::string_view client = "binds the NFS client";
constexpr std::string_view provider = "binds the RDMA provider, not the server";
constexpr std::string_view binding = "binds the authors of Upper-Layer Bindings";

constexpr std::array all = {
    Requirement{"8166-2.3.2-1", "MUST",
                "registered memory is identified by tags of 32 and addresses of 64 bits", provider},
    Requirement{"8166-3.3.1-1", "MUST NOT", "exceed the granted credits", requester},
    Requirement{"8166-3.3.1-2", "MUST NOT", "grant zero credits"},
    Requirement{"8166-3.3.1-3", "MUST", "add Receives before the reply that grants more credits"},
    Requirement{"8166-3.3.1-4", "MUST", "maintain Receives for the expected replies", requester},
    Requirement{"8166-3.3.3-1", "MUST NOT", "assume more than one credit before the first reply",
                requester},
    Requirement{"8166-3.3.3-2", "MUST", "support inline thresholds of 1024 bytes"},
    Requirement{"8166-3.3.3-3", "MUST", "assume 1024 bytes unless something else was agreed on"},
    Requirement{"8166-3.4.2-1", "MUST NOT", "reduce what is not DDP-eligible"},
    Requirement{"8166-3.4.4.1-1", "MUST",
                "keep an array's count in the Payload stream, move its elements to the chunk"},
    Requirement{"8166-3.4.4.2-1", "MUST", "keep the \"is present\" field of optional-data",
                "no DDP-eligible result of NFS is optional-data"},
    Requirement{"8166-3.4.4.3-1", "MUST NOT", "make a union DDP-eligible", binding},
    Requirement{"8166-3.4.4.4-1", "MUST", "put exactly one data item into a chunk"},
    Requirement{"8166-3.4.4.4-2", "MUST",
                "remove a reduced item's roundup padding from the Payload stream"},
    Requirement{"8166-3.4.5-1", "MUST",
                "count positions from the beginning of the unreduced Payload stream"},
    Requirement{"8166-3.4.5-2", "MUST", "use positions that are multiples of four"},
    Requirement{"8166-3.4.5.2-1", "SHOULD NOT", "include roundup padding in a Read chunk",
                requester},
    Requirement{"8166-3.4.5.2-2", "MUST",
                "give a Read chunk with padding the length of item and padding"},
    Requirement{"8166-3.4.5.2-3", "MUST", "give a Read chunk without padding the item's length"},
    Requirement{"8166-3.4.6-1", "MUST", "register Write chunks that are long enough", requester},
    Requirement{"8166-3.4.6-2", "MUST",
                "return the segment count and all segments of a Write chunk"},
    Requirement{"8166-3.4.6.2-1", "SHOULD NOT", "include space for padding in a Write chunk",
                requester},
    Requirement{"8166-3.4.6.2-2", "MUST NOT", "write roundup padding into a Write chunk"},
    Requirement{"8166-3.4.6.2-3", "MUST", "return a Write chunk of the item's encoded length"},
    Requirement{"8166-3.5.3-1", "MUST", "convey what is too long for a Send by RDMA Read or Write"},
    Requirement{"8166-3.5.3-2", "MUST", "use position zero in all segments of a Long Call"},
    Requirement{"8166-3.5.3-3", "MUST", "use the Reply chunk for a reply that is too long"},
    Requirement{"8166-3.5.3-4", "MUST", "include roundup padding in a Long Message"},
    Requirement{"8166-4-1", "MUST", "encode headers in XDR"},
    Requirement{"8166-4.2.1-1", "MUST", "use the RPC message's XID in the header"},
    Requirement{"8166-4.2.2-1", "MUST", "use 1 for rdma_vers"},
    Requirement{"8166-4.2.4-1", "MUST", "convey the Payload stream of an RDMA_NOMSG in a chunk"},
    Requirement{"8166-4.2.4-2", "MUST NOT", "send RDMA_ERROR as a Requester", requester},
    Requirement{"8166-4.2.4-3", "MUST", "silently discard RDMA_ERROR"},
    Requirement{"8166-4.3.1-1", "MUST", "leave the Read list empty in replies"},
    Requirement{"8166-4.3.2-1", "MUST", "push DDP-eligible results to the Write list"},
    Requirement{"8166-4.3.2.2-1", "MUST",
                "place a later DDP-eligible result in a Write chunk that is still unconsumed",
                "a COMPOUND ends with the first operation that fails: nothing follows a result "
                "without data"},
    Requirement{"8166-4.3.2.2-2", "MUST", "provision each Write chunk for the largest item",
                requester},
    Requirement{"8166-4.3.2.2-3", "MUST", "return an unconsumed Write chunk as unused"},
    Requirement{"8166-4.3.2.2-4", "MUST NOT",
                "assume that an unused Write chunk was not written to", requester},
    Requirement{"8166-4.3.2.3-1", "MUST",
                "return the result of an empty Write chunk inline, and the empty chunk with it"},
    Requirement{"8166-4.3.3-1", "MUST", "provide a Reply chunk when the reply may be too long",
                requester},
    Requirement{"8166-4.3.3-2", "MUST", "copy the Reply chunk into the reply's header"},
    Requirement{"8166-4.5-1", "MUST", "silently discard messages of less than 28 bytes"},
    Requirement{"8166-4.5-2", "MUST", "answer other errors in a call's header with RDMA_ERROR"},
    Requirement{"8166-4.5-3", "MUST", "use the call's rdma_xid in an RDMA_ERROR"},
    Requirement{"8166-4.5-4", "MUST", "use the call's rdma_vers in an RDMA_ERROR"},
    Requirement{"8166-4.5-5", "MUST", "use RDMA_ERROR for rdma_proc in an RDMA_ERROR"},
    Requirement{"8166-4.5-6", "MUST", "silently discard an RDMA_ERROR that cannot be decoded"},
    Requirement{"8166-4.5-7", "MUST", "silently discard replies whose header is wrong"},
    Requirement{"8166-4.5.1-1", "MUST",
                "answer another version with ERR_VERS and the versions known"},
    Requirement{"8166-4.5.2-1", "MUST", "answer what cannot be parsed with ERR_CHUNK"},
    Requirement{"8166-4.5.2-2", "SHOULD",
                "answer arguments that cannot be parsed with GARBAGE_ARGS"},
    Requirement{"8166-4.5.4-1", "MUST", "close the connection if memory cannot be invalidated",
                requester},
    Requirement{"8166-4.5.4-2", "MUST", "close the connection if no reply can be sent"},
    Requirement{"8166-4.6.1-1", "MUST NOT", "send RDMA_MSGP"},
    Requirement{"8166-4.6.1-2", "SHOULD", "answer RDMA_MSGP with ERR_CHUNK"},
    Requirement{"8166-4.6.1-3", "MUST", "silently discard RDMA_MSGP", requester},
    Requirement{"8166-4.6.2-1", "MUST NOT", "send RDMA_DONE"},
    Requirement{"8166-4.6.2-2", "MUST", "silently discard RDMA_DONE"},
    Requirement{"8166-5-1", "MUST", "translate IP ports to InfiniBand's service endpoints",
                provider},
    Requirement{"8166-6.1-1", "MUST NOT", "reduce what is not DDP-eligible"},
    Requirement{"8166-6.1-2", "MUST",
                "refuse a call in which something was reduced that is not DDP-eligible"},
    Requirement{"8166-6.1-3", "MUST", "give up a call whose reply reduces what is not eligible",
                requester},
    Requirement{"8166-6.1-4", "MUST", "give up a call whose reply does not reduce what is eligible",
                requester},
    Requirement{"8166-8.1-1", "MUST NOT", "introduce vulnerabilities to the system's memory"},
    Requirement{"8166-8.1-2", "REQUIRED", "RDMA providers conform to RFC 5042", provider},
    Requirement{"8166-8.2.1-1", "REQUIRED", "protection in a lower layer where it is desired",
                "binds whoever sets the network up"},
    Requirement{"8166-8.2.2-1", "MUST NOT", "reduce protocol elements of RPCSEC_GSS"},
    Requirement{"8166-8.2.2.1-1", "MUST",
                "offer NFS over TCP on port 2049 where RPCSEC_GSS is used"},
    Requirement{"8166-8.2.2.3-1", "MUST NOT",
                "reduce anything under RPCSEC_GSS integrity or privacy"},

    Requirement{"8167-4.1-1", "MUST", "ignore credits in a message whose direction is unknown",
                "cannot be seen from outside"},
    Requirement{"8167-5.1-1", "MUST", "use one rdma_vers in both directions"},
    Requirement{"8167-5.1-2", "MUST", "begin a reverse call with the header's XID and CALL"},
    Requirement{"8167-5.2-1", "MUST", "reply in reverse with the call's rdma_vers", client},
    Requirement{"8167-5.2-2", "MUST", "begin a reverse reply with the header's XID and REPLY",
                client},
    Requirement{"8167-5.3-1", "MUST", "answer chunks in a reverse call with ERR_CHUNK", client},
    Requirement{"8167-5.4-1", "SHOULD", "keep a connection while there may be reverse calls",
                client},
    Requirement{"8167-6-1", "MUST NOT", "call in reverse before the peer is prepared for it"},

    Requirement{"8797-4-1", "MUST", "be prepared for settings that change on reconnection"},
    Requirement{"8797-4-2", "MUST", "set reserved bits to zero"},
    Requirement{"8797-4-3", "MUST", "ignore reserved bits"},
    Requirement{"8797-4.1-1", "MUST", "invalidate remotely only a handle of the call replied to"},
    Requirement{"8797-4.1-2", "MUST", "use plain Send unless both peers have set the R bit"},
    Requirement{"8797-5.1-1", "MUST", "assume the defaults when there is no valid private message"},
    Requirement{"8797-5.2-1", "MUST", "ignore private data with another format identifier"},

    Requirement{"8267-5.1-1", "MUST", "offer MOUNT, NLM and NSM over TCP"},
    Requirement{"8267-6.3-1", "MUST", "use the alternative well-known port for NFS version 4",
                "binds whoever configures the server; the suite uses port 20049 unless told"},
    Requirement{"8267-6.3-2", "SHOULD", "connect to that port without asking rpcbind", client},
    Requirement{"8267-6.4.1-1", "MUST",
                "use the first Write chunk for the first READ of a COMPOUND"},
    Requirement{"8267-6.4.1-2", "MUST", "return a READ's data in its matching non-empty chunk"},
    Requirement{"8267-6.4.1-3", "MUST", "return a READ's data inline if its chunk is empty"},
    Requirement{"8267-6.4.1-4", "MUST",
                "return an empty Write chunk for a READ that returns no data"},
    Requirement{"8267-6.4.1-5", "MUST", "return inline the data of READs beyond the Write list"},
    Requirement{"8267-6.4.2-1", "SHOULD", "keep chunk lists simple", client},
    Requirement{
        "8267-6.4.2-2", "MUST",
        "take a Position Zero chunk, one other Read chunk, one Write chunk, 16 segments each"},
    Requirement{"8267-6.4.2-3", "SHOULD",
                "answer chunk lists that are too complex with ERR_CHUNK or GARBAGE_ARGS"},
    Requirement{"8267-6.4.2-4", "SHOULD NOT", "repeat a call that was refused so", client},
    Requirement{"8267-6.4.2-5", "SHOULD", "end a transaction that was refused so", client},
    Requirement{"8267-6.5.2-1", "MUST", "convey callbacks as RFC 8167 says"},
    Requirement{"8267-6.5.2-2", "MUST",
                "convey callbacks in Short messages unless the client takes longer ones"},
    Requirement{"8267-6.7.1-1", "MUST", "use a transport that avoids congestion",
                "met by RDMA Reliable Connections, as the text says"},
    Requirement{"8267-6.7.1-2", "REQUIRED", "in-order delivery and congestion control",
                "met by RDMA Reliable Connections, as the text says"},
    Requirement{"8267-6.7.1-3", "MUST NOT", "use bare UDP",
                "met by RDMA Reliable Connections, as the text says"},
    Requirement{"8267-6.7.2-1", "SHOULD", "reserve one credit for a keep-alive", client},
    Requirement{"8267-6.7.2-2", "MUST", "respond to an RDMA_ERROR before a disconnect", client},
};

std::vector<std::string_view> tests_of(const Requirement &requirement,
                                       const std::vector<Test> &tests) {
    std::vector<std::string_view> names;
    for (const auto &test : tests)
        if (std::ranges::find(test.requirements, requirement.id) != test.requirements.end())
            names.push_back(test.name);
    return names;
}

/// The text, the section and the number of an id.
struct Place {
    std::string_view rfc, section;
};

Place place_of(std::string_view id) {
    const auto first = id.find('-');
    return {id.substr(0, first), id.substr(first + 1, id.rfind('-') - first - 1)};
}

} // namespace

std::span<const Requirement> requirements() {
    return all;
}

std::string requirements_table(const std::vector<Test> &tests) {
    std::string text =
        "<!-- Written by `rpcrdma-conform --requirements`; a test holds this file against it. -->\n"
        "# What the texts require, and which test checks it\n\n"
        "Every MUST, MUST NOT, SHOULD, SHOULD NOT and REQUIRED of RFC 8166, 8167, 8797 and 8267.\n"
        "What concerns a Responder has a test, or the reason why no test can check it.\n";
    std::string_view rfc;
    for (const auto &requirement : all) {
        const auto place = place_of(requirement.id);
        if (place.rfc != rfc) {
            rfc = place.rfc;
            text += fmt::format("\n## RFC {}\n\n| id | section | | what | tests |\n"
                                "|---|---|---|---|---|\n",
                                rfc);
        }
        std::string how;
        for (const auto name : tests_of(requirement, tests))
            how += fmt::format("{}`{}`", how.empty() ? "" : ", ", name);
        if (how.empty())
            how = fmt::format("none: {}", requirement.reason);
        text += fmt::format("| {} | {} | {} | {} | {} |\n", requirement.id, place.section,
                            requirement.level, requirement.text, how);
    }
    return text;
}

std::vector<std::string> requirements_faults(const std::vector<Test> &tests) {
    std::vector<std::string> faults;
    std::set<std::string_view> ids;
    for (const auto &requirement : all) {
        if (!ids.insert(requirement.id).second)
            faults.push_back(fmt::format("{} is there twice", requirement.id));
        const bool tested = !tests_of(requirement, tests).empty();
        if (!tested && requirement.reason.empty())
            faults.push_back(fmt::format("{} has neither a test nor a reason", requirement.id));
        if (tested && !requirement.reason.empty())
            faults.push_back(fmt::format("{} has a test and a reason", requirement.id));
    }
    std::set<std::string_view> names;
    for (const auto &test : tests) {
        if (!names.insert(test.name).second)
            faults.push_back(fmt::format("two tests are called {}", test.name));
        if (test.requirements.empty())
            faults.push_back(fmt::format("{} names no requirement", test.name));
        for (const auto id : test.requirements)
            if (!ids.contains(id))
                faults.push_back(fmt::format("{} names {}, which is not there", test.name, id));
    }
    return faults;
}

} // namespace conform
