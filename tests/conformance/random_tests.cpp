// SPDX-License-Identifier: GPL-2.0-only
// Messages of no plan: those from which the codec is fuzzed, valid ones, and all of these with a
// word or two wrong, from the seed.
#include "corpus.h"
#include "expendable.h"

#include <array>

namespace conform {

namespace {

constexpr unsigned messages = 300;

/// Why it takes --deadly.
constexpr std::string_view empty_segments = "some segments are empty: see deadly.lengths";

class Generator {
  public:
    Generator(Context &context, const Memory &memory)
        : random_(&context.random()), memory_(&memory) {}

    /// Up to `limit`, small ones more often.
    std::uint32_t number(std::uint32_t limit) {
        return static_cast<std::uint32_t>((*random_)() % (1 + (*random_)() % (limit + 1UL)));
    }

    bool one_in(unsigned n) { return (*random_)() % n == 0; }

    Segment segment() {
        const auto offset = number(2048);
        return memory_->segment(offset, number(2048));
    }

    Chunk chunk() {
        Chunk chunk;
        for (auto count = number(8); count > 0; count--)
            chunk.push_back(segment());
        return chunk;
    }

    /// A message whose chunks are memory that is there.
    Bytes valid(std::uint32_t xid) {
        Header header{.xid = xid, .credits = number(200)};
        const auto payload = null_call(xid);
        if (one_in(3)) {
            header.proc = Proc::nomsg;
            header.reads.push_back({.position = 0, .segment = memory_->segment(0, 40)});
        }
        if (one_in(3))
            for (auto count = number(6); count > 0; count--)
                header.reads.push_back({.position = 40 + 4 * number(2), .segment = segment()});
        if (one_in(2))
            for (auto count = number(4); count > 0; count--)
                header.writes.push_back(chunk());
        if (one_in(2))
            header.reply = chunk();
        auto bytes = header.encode();
        if (header.proc == Proc::msg)
            bytes.insert(bytes.end(), payload.begin(), payload.end());
        return bytes;
    }

    /// One of those from which the codec is fuzzed, as the answer to no earlier call.
    Bytes seed(std::uint32_t xid) {
        const auto bytes = corpus()[(*random_)() % corpus().size()].bytes;
        Bytes message(bytes.begin(), bytes.end());
        const auto word = Encoder().u32(xid).bytes();
        if (message.size() >= word.size())
            std::ranges::copy(word, message.begin());
        return message;
    }

    /// A word replaced, cut off, or made up of a few favourites.
    void spoil(Bytes &bytes) {
        static constexpr std::array<std::uint32_t, 8> favourites = {
            0, 1, 2, 4, 0x7fffffff, 0x80000000, 0xfffffffc, 0xffffffff};
        if (one_in(5)) {
            bytes.resize(number(static_cast<std::uint32_t>(bytes.size())));
            return;
        }
        const auto words = static_cast<std::uint32_t>(bytes.size() / 4);
        const auto word = 1 + (*random_)() % (words - 1); // not the XID
        const auto value = one_in(3) ? static_cast<std::uint32_t>((*random_)())
                                     : favourites.at((*random_)() % favourites.size());
        const auto encoded = Encoder().u32(value).bytes();
        std::ranges::copy(encoded, bytes.begin() + static_cast<long>(4 * word));
    }

  private:
    std::mt19937_64 *random_;
    const Memory *memory_;
};

/// Whatever came so far has to be well formed. Many messages have no answer.
void take_all(Client &client) {
    while (const auto received =
               client.connection().receive(lab::Deadline::in(std::chrono::milliseconds(5))))
        need(rpcrdma::decode_message(received->bytes), "the server's message");
}

/// One connection's worth; ends with it. True when all messages were sent.
bool drive(Context &context, unsigned &left) {
    auto client = context.connect({.receives = 128});
    auto memory = client.memory(4096, Access::write);
    Generator generator(context, memory);
    auto &connection = client.connection();
    for (; left > 0; left--) {
        const auto xid = client.next_xid();
        auto bytes = generator.one_in(2) ? generator.valid(xid) : generator.seed(xid);
        for (int faults = generator.one_in(3) ? 0 : 1 + static_cast<int>(generator.number(2));
             faults > 0 && bytes.size() > 8; faults--)
            generator.spoil(bytes);
        if (!connection.post(bytes))
            return false;
        take_all(client);
        if (!connection.why().empty()) {
            left--;
            return false;
        }
    }
    return true;
}

void seeds(Context &context) {
    Expendable expendable(context);
    for (const auto &seed : corpus()) {
        const Step step{std::string(seed.name)};
        auto &client = expendable.client();
        // The end may have come since.
        if (client.connection().post(seed.bytes))
            take_all(client);
    }
}

void random_messages(Context &context) {
    auto left = messages;
    while (left > 0)
        drive(context, left);
}

} // namespace

std::span<const Test> random_tests() {
    static const std::vector<Test> tests = {
        {"random.seeds",
         {"8166-8.1-1", "8166-4.5-2"},
         "the messages from which the codec is fuzzed",
         seeds,
         Kind::hostile,
         empty_segments},
        {"random.messages",
         {"8166-8.1-1", "8166-4.5-2"},
         "300 random messages, some valid and some nearly so, from --seed",
         random_messages,
         Kind::hostile,
         empty_segments},
    };
    return tests;
}

} // namespace conform
