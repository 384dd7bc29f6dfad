// SPDX-License-Identifier: GPL-2.0-only
// The release list under many threads. What is compiled here is kmod/release_list.h itself;
// ThreadSanitizer watches, so that a context whose release is not ordered after its completion is
// an error even where it does no harm on this machine.
//
// Seen to fail, each with a change to the list that was then taken back:
// - the drain reads the next entry after release(): data race, and counts that are wrong;
// - append never says that the list was empty: EachIsReleasedOnceAndOneCallerIsTold (0 were told of
//   12802 batches) and NothingIsLeftWhenAllIsQuiet;
// - it always says so: EachIsReleasedOnceAndOneCallerIsTold;
// - it looks first and adds then: both, the second in 201 of 5000 rounds;
// - the list's operations without their barriers: data races.
#include "release_list.h"

#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <memory>
#include <mutex>
#include <semaphore>
#include <thread>
#include <vector>

namespace {

/// What a Send context is here: plain data, as it is in the kernel. Only the list orders the
/// thread that completes it before the one that releases it, and that one before the next use.
struct Context {
    llist_node node; // first: a node's address is its context's
    int completed = 0;
    int released = 0;
};

Context *context_of(llist_node *node) {
    return reinterpret_cast<Context *>(node);
}

/// The contexts of a connection, and the way round: free, in flight, on the release list, free.
class Contexts {
  public:
    explicit Contexts(unsigned count) : all_(count) {
        init_llist_head(&list_);
        for (auto &context : all_)
            free_.push_back(&context);
    }

    /// Takes a free one; none if all are on their way.
    Context *get() {
        const std::lock_guard lock(lock_);
        if (free_.empty())
            return nullptr;
        auto *context = free_.back();
        free_.pop_back();
        return context;
    }

    /// A Send has completed. Returns whether somebody has to be told.
    bool complete(Context *context) {
        context->completed++;
        return svc_rdma_release_list_append(&list_, &context->node);
    }

    /// Returns how many were released.
    unsigned drain() {
        if (llist_empty(&list_))
            return 0;
        return svc_rdma_release_list_drain(&list_, release, this);
    }

    [[nodiscard]] bool empty() const { return llist_empty(&list_); }

    /// How often contexts were released; 0 if one was released when it had not just completed.
    [[nodiscard]] unsigned released() const {
        unsigned sum = 0;
        for (const auto &context : all_)
            sum += static_cast<unsigned>(context.released);
        return out_of_turn_ ? 0 : sum;
    }

    [[nodiscard]] bool all_free() const { return free_.size() == all_.size(); }

  private:
    static void release(llist_node *node, void *data) {
        auto *self = static_cast<Contexts *>(data);
        auto *context = context_of(node);
        if (++context->released != context->completed)
            self->out_of_turn_++;
        context->node.next = nullptr; // whoever still followed it would stop short
        const std::lock_guard lock(self->lock_);
        self->free_.push_back(context);
    }

    std::vector<Context> all_;
    std::atomic<unsigned> out_of_turn_ = 0;
    llist_head list_;
    std::mutex lock_;
    std::vector<Context *> free_;
};

constexpr unsigned adders = 4;
constexpr unsigned drainers = 3;

// Each context is released once for each time that it completed. And for each time that the
// list goes from empty to not empty exactly one caller is told: not none, or the last contexts
// stay; not two, or threads are woken for nothing.
TEST(ReleaseListStress, EachIsReleasedOnceAndOneCallerIsTold) {
    constexpr unsigned sends = 100'000;
    Contexts contexts(64);
    std::atomic<unsigned> adding = adders;
    std::atomic<unsigned> told = 0;
    std::atomic<unsigned> batches = 0;
    {
        std::vector<std::jthread> threads;
        threads.reserve(adders + drainers);
        for (unsigned i = 0; i < adders; i++)
            threads.emplace_back([&] {
                for (unsigned done = 0; done < sends;) {
                    auto *context = contexts.get();
                    if (!context) {
                        std::this_thread::yield();
                        continue;
                    }
                    told += contexts.complete(context);
                    done++;
                }
                adding--;
            });
        for (unsigned i = 0; i < drainers; i++)
            threads.emplace_back([&] {
                while (adding.load() || !contexts.empty())
                    if (contexts.drain())
                        batches++;
                    else
                        std::this_thread::yield();
            });
    }
    EXPECT_TRUE(contexts.all_free());
    EXPECT_EQ(contexts.released(), adders * sends);
    EXPECT_EQ(told, batches);
    EXPECT_GT(batches, 100U) << "the threads hardly ever met";
}

/// As much of a transport as the list relies on: a flag that says that there is something to
/// do, a busy bit, and threads of the service that come when both allow it.
class Transport {
  public:
    explicit Transport(Contexts &contexts) : contexts_(contexts) {
        for (unsigned i = 0; i < drainers; i++)
            threads_.emplace_back([this] { serve(); });
    }

    ~Transport() {
        stop_ = true;
        queue_.release(drainers);
        threads_.clear();
    }

    Transport(const Transport &) = delete;
    Transport &operator=(const Transport &) = delete;

    void enqueue() {
        data_ = true;
        try_enqueue();
    }

    /// Whether nobody is there, nobody has been called, and nobody will be.
    [[nodiscard]] bool quiet() const { return !visits_; }

  private:
    void try_enqueue() {
        if (!data_ || busy_ || busy_.exchange(true))
            return;
        visits_++;
        queue_.release();
    }

    void serve() {
        for (;;) {
            queue_.acquire();
            if (stop_)
                return;
            data_ = false; // found nothing to receive
            busy_ = false;
            try_enqueue();
            contexts_.drain();
            visits_--;
        }
    }

    Contexts &contexts_;
    std::atomic<bool> data_ = false;
    std::atomic<bool> busy_ = false;
    std::atomic<bool> stop_ = false;
    std::atomic<unsigned> visits_ = 0;
    std::counting_semaphore<> queue_{0};
    std::vector<std::jthread> threads_;
};

// Short bursts, because it is their ends where something could stay behind. Half of the adders
// are threads of the service, which drain on their way out instead of telling anybody.
TEST(ReleaseListStress, NothingIsLeftWhenAllIsQuiet) {
    constexpr unsigned rounds = 5'000;
    constexpr unsigned burst = 3;
    Contexts contexts(adders * burst);
    Transport transport(contexts);
    unsigned left_over = 0;
    std::barrier phase(adders + 1);
    std::vector<std::jthread> threads;
    threads.reserve(adders);
    for (unsigned i = 0; i < adders; i++)
        threads.emplace_back([&, of_the_service = i % 2 == 0] {
            for (unsigned round = 0; round < rounds; round++) {
                phase.arrive_and_wait();
                for (unsigned sent = 0; sent < burst; sent++) {
                    auto *context = contexts.get();
                    if (contexts.complete(context) && !of_the_service)
                        transport.enqueue();
                }
                if (of_the_service)
                    contexts.drain();
                phase.arrive_and_wait();
            }
        });
    for (unsigned round = 0; round < rounds; round++) {
        phase.arrive_and_wait();
        phase.arrive_and_wait();
        while (!transport.quiet())
            std::this_thread::yield();
        if (!contexts.empty()) {
            left_over++;
            contexts.drain();
        }
    }
    threads.clear();
    EXPECT_EQ(left_over, 0U);
    EXPECT_TRUE(contexts.all_free());
    EXPECT_EQ(contexts.released(), rounds * adders * burst);
}

} // namespace
