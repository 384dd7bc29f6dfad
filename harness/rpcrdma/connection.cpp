// SPDX-License-Identifier: GPL-2.0-only
#include "rpcrdma/connection.h"

#include "util/fd.h"

#include <fmt/format.h>
#include <netdb.h>
#include <poll.h>
#include <rdma/rdma_cma.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <deque>
#include <fcntl.h>
#include <vector>

namespace rpcrdma {

namespace {

using lab::Cause;
using lab::Deadline;
using lab::fail;
using lab::Result;

constexpr std::uint32_t private_magic = 0xf6ab0e18;
constexpr unsigned sends = 128;    // send buffers, and so Sends in flight
constexpr std::uint8_t reads = 16; // RDMA Reads that the server may have outstanding
constexpr std::uint64_t send_id = 1ULL << 32;
constexpr std::uint64_t bind_id = 1ULL << 33;

std::string errno_text() {
    return strerror(errno);
}

template <auto function> struct Destroy {
    void operator()(auto *thing) const { function(thing); }
};

template <typename T, auto function> using Owned = std::unique_ptr<T, Destroy<function>>;

/// librdmacm wants milliseconds as an int.
int milliseconds(Deadline deadline) {
    return static_cast<int>(std::min<long>(deadline.left().count(), 600'000));
}

class RdmaConnection final : public Connection {
  public:
    explicit RdmaConnection(ConnectOptions options) : options_(std::move(options)) {}
    RdmaConnection(const RdmaConnection &) = delete;
    RdmaConnection &operator=(const RdmaConnection &) = delete;
    ~RdmaConnection() override;

    Result<void> resolve(const Target &target, Deadline deadline);
    Result<void> request(Deadline deadline, bool wait);

    Result<void> post(View message) override;
    Result<Received> receive(Deadline deadline) override;
    bool ended(Deadline deadline) override;
    const std::string &why() const override { return why_; }
    Result<Memory> memory(std::size_t size, Access access) override {
        return Memory::make(pd_.get(), size, access);
    }
    Result<Segment> window(const Memory &memory, Access access) override;
    const Bytes &private_data() const override { return private_data_; }
    void break_off() override;

  private:
    Result<void> resolve_address(sockaddr *address, Deadline deadline);
    Result<void> make_queue_pair();
    Result<void> post_receive(std::size_t index);
    Result<void> expect(rdma_cm_event_type wanted, Deadline deadline);
    void take_event();
    void take_completions();
    void take_completion(const ibv_wc &wc);
    void end(const std::string &why);
    bool wait(Deadline deadline);

    ConnectOptions options_;
    // In the order in which they need each other.
    Owned<rdma_event_channel, rdma_destroy_event_channel> events_;
    Owned<rdma_cm_id, rdma_destroy_id> id_;
    Owned<ibv_pd, ibv_dealloc_pd> pd_;
    Owned<ibv_comp_channel, ibv_destroy_comp_channel> channel_;
    Owned<ibv_cq, ibv_destroy_cq> cq_;
    std::vector<Owned<ibv_mw, ibv_dealloc_mw>> windows_;
    std::unique_ptr<Memory> receives_, sends_;
    bool has_queue_pair_ = false;

    std::vector<std::size_t> free_sends_;
    std::deque<Received> received_;
    Bytes private_data_;
    std::string why_;
    bool established_ = false, bound_ = false;
    rdma_cm_event_type last_event_ = RDMA_CM_EVENT_ADDR_RESOLVED;
    int last_status_ = 0;
    unsigned events_seen_ = 0, events_used_ = 0;
};

RdmaConnection::~RdmaConnection() {
    if (established_ && why_.empty())
        rdma_disconnect(id_.get());
    if (has_queue_pair_)
        rdma_destroy_qp(id_.get());
}

Result<void> RdmaConnection::resolve(const Target &target, Deadline deadline) {
    events_.reset(rdma_create_event_channel());
    if (!events_)
        return fail(fmt::format("no RDMA connection manager ({}): is the kernel module rdma_ucm "
                                "loaded, and is there an RDMA device (rdma link)?",
                                errno_text()));
    fcntl(events_->fd, F_SETFL, fcntl(events_->fd, F_GETFL) | O_NONBLOCK);
    rdma_cm_id *id = nullptr;
    if (rdma_create_id(events_.get(), &id, nullptr, RDMA_PS_TCP) != 0)
        return fail("cannot create a connection: " + errno_text());
    id_.reset(id);

    const addrinfo hints = {.ai_socktype = SOCK_STREAM};
    addrinfo *found = nullptr;
    if (const int error =
            getaddrinfo(target.host.c_str(), std::to_string(target.port).c_str(), &hints, &found);
        error != 0)
        return fail(fmt::format("{}: {}", target.host, gai_strerror(error)));
    const Owned<addrinfo, freeaddrinfo> address(found);

    if (auto done = resolve_address(address->ai_addr, deadline); !done)
        return fail("no RDMA device leads to " + target.host, done.error());
    if (options_.ack_timeout != 0 &&
        rdma_set_option(id, RDMA_OPTION_ID, RDMA_OPTION_ID_ACK_TIMEOUT, &options_.ack_timeout,
                        sizeof(options_.ack_timeout)) != 0)
        return fail("cannot ask for a timeout: " + errno_text());
    if (rdma_resolve_route(id, milliseconds(deadline)) != 0)
        return fail(fmt::format("no route to {}: {}", target.host, errno_text()));
    if (auto done = expect(RDMA_CM_EVENT_ROUTE_RESOLVED, deadline); !done)
        return fail("no route to " + target.host, done.error());
    return {};
}

/// Tries again and again: the kernel may lose the neighbour's answer to its first question, and
/// then waits for nothing.
Result<void> RdmaConnection::resolve_address(sockaddr *address, Deadline deadline) {
    constexpr int patience = 1000; // ms
    for (;;) {
        if (rdma_resolve_addr(id_.get(), nullptr, address,
                              std::min(patience, milliseconds(deadline))) != 0)
            return fail(errno_text());
        auto done = expect(RDMA_CM_EVENT_ADDR_RESOLVED, deadline);
        if (done || deadline.expired() || last_event_ != RDMA_CM_EVENT_ADDR_ERROR)
            return done;
    }
}

Result<void> RdmaConnection::make_queue_pair() {
    pd_.reset(ibv_alloc_pd(id_->verbs));
    channel_.reset(ibv_create_comp_channel(id_->verbs));
    if (!pd_ || !channel_)
        return fail("the RDMA device has no room for another connection: " + errno_text());
    cq_.reset(ibv_create_cq(id_->verbs, static_cast<int>(options_.receives + sends + 8), nullptr,
                            channel_.get(), 0));
    if (!cq_)
        return fail("cannot create a completion queue: " + errno_text());
    ibv_qp_init_attr attributes = {.send_cq = cq_.get(),
                                   .recv_cq = cq_.get(),
                                   .cap = {.max_send_wr = sends + 4,
                                           .max_recv_wr = options_.receives + 1,
                                           .max_send_sge = 1,
                                           .max_recv_sge = 1},
                                   .qp_type = IBV_QPT_RC,
                                   .sq_sig_all = 1};
    if (rdma_create_qp(id_.get(), pd_.get(), &attributes) != 0)
        return fail("cannot create a queue pair: " + errno_text());
    has_queue_pair_ = true;

    sends_ = std::make_unique<Memory>(TRY(Memory::make(pd_.get(), sends * max_send, Access::none)));
    for (std::size_t index = 0; index < sends; index++)
        free_sends_.push_back(index);
    if (options_.receives == 0)
        return {};
    receives_ = std::make_unique<Memory>(
        TRY(Memory::make(pd_.get(), options_.receives * options_.receive_size, Access::none)));
    for (std::size_t index = 0; index < options_.receives; index++)
        TRY(post_receive(index));
    return {};
}

Result<void> RdmaConnection::request(Deadline deadline, bool wait) {
    TRY(make_queue_pair());
    rdma_conn_param parameters = {
        .private_data = options_.private_data.empty() ? nullptr : options_.private_data.data(),
        .private_data_len = static_cast<std::uint8_t>(options_.private_data.size()),
        .responder_resources = reads,
        .retry_count = 7,
        .rnr_retry_count = 7};
    if (rdma_connect(id_.get(), &parameters) != 0)
        return fail("cannot connect: " + errno_text());
    if (!wait)
        return {};
    if (auto done = expect(RDMA_CM_EVENT_ESTABLISHED, deadline); !done)
        return fail("no connection", done.error());
    established_ = true;
    return {};
}

/// Takes one event of the connection manager, if there is one.
void RdmaConnection::take_event() {
    rdma_cm_event *event = nullptr;
    if (rdma_get_cm_event(events_.get(), &event) != 0)
        return;
    last_event_ = event->event;
    last_status_ = event->status;
    events_seen_++;
    if (event->event == RDMA_CM_EVENT_ESTABLISHED && event->param.conn.private_data != nullptr) {
        const auto *first = static_cast<const std::uint8_t *>(event->param.conn.private_data);
        private_data_.assign(first, first + event->param.conn.private_data_len);
    }
    const bool over =
        event->event == RDMA_CM_EVENT_DISCONNECTED || event->event == RDMA_CM_EVENT_DEVICE_REMOVAL;
    rdma_ack_cm_event(event);
    if (over && why_.empty()) {
        // What had arrived by then is still to be had.
        take_completions();
        end(last_event_ == RDMA_CM_EVENT_DISCONNECTED ? "the server disconnected"
                                                      : "the RDMA device went away");
        rdma_disconnect(id_.get());
    }
}

Result<void> RdmaConnection::expect(rdma_cm_event_type wanted, Deadline deadline) {
    while (events_used_ == events_seen_) {
        if (deadline.expired())
            return fail("no answer in time", Cause::timeout);
        pollfd waiting = {.fd = events_->fd, .events = POLLIN, .revents = 0};
        poll(&waiting, 1, milliseconds(deadline));
        take_event();
    }
    events_used_ = events_seen_;
    if (last_event_ != wanted)
        return fail(fmt::format("{} (status {})", rdma_event_str(last_event_), last_status_),
                    Cause::lost);
    return {};
}

Result<void> RdmaConnection::post_receive(std::size_t index) {
    const auto buffer = receives_->segment(index * options_.receive_size, options_.receive_size);
    ibv_sge sge = {
        .addr = buffer.offset, .length = buffer.length, .lkey = receives_->region()->lkey};
    ibv_recv_wr wr = {.wr_id = index, .sg_list = &sge, .num_sge = 1};
    ibv_recv_wr *bad = nullptr;
    if (ibv_post_recv(id_->qp, &wr, &bad) != 0)
        return fail("cannot post a Receive: " + errno_text());
    return {};
}

Result<void> RdmaConnection::post(View message) {
    if (message.size() > max_send)
        return fail(fmt::format("a message of {} bytes is longer than the send buffers ({})",
                                message.size(), max_send));
    while (free_sends_.empty()) {
        if (!why_.empty())
            return fail(why_, Cause::lost);
        if (!wait(Deadline::scaled(std::chrono::seconds(20))))
            return fail("the server takes no more messages", Cause::timeout);
    }
    if (!why_.empty())
        return fail(why_, Cause::lost);
    const auto index = free_sends_.back();
    free_sends_.pop_back();
    const auto buffer = sends_->segment(index * max_send, message.size());
    std::ranges::copy(message, sends_->bytes().begin() + static_cast<long>(index * max_send));
    ibv_sge sge = {.addr = buffer.offset, .length = buffer.length, .lkey = sends_->region()->lkey};
    ibv_send_wr wr = {.wr_id = send_id | index,
                      .sg_list = &sge,
                      .num_sge = message.empty() ? 0 : 1,
                      .opcode = IBV_WR_SEND};
    ibv_send_wr *bad = nullptr;
    if (ibv_post_send(id_->qp, &wr, &bad) != 0)
        return fail("cannot post a Send: " + errno_text(), Cause::lost);
    if (options_.trace)
        options_.trace(true, message);
    return {};
}

void RdmaConnection::end(const std::string &why) {
    if (why_.empty())
        why_ = why;
}

void RdmaConnection::take_completion(const ibv_wc &wc) {
    if (wc.wr_id & send_id) {
        free_sends_.push_back(wc.wr_id & ~send_id);
        if (wc.status != IBV_WC_SUCCESS && wc.status != IBV_WC_WR_FLUSH_ERR)
            end(fmt::format("a Send failed: {}", ibv_wc_status_str(wc.status)));
        return;
    }
    if (wc.wr_id & bind_id) {
        bound_ = true;
        if (wc.status != IBV_WC_SUCCESS)
            end(fmt::format("binding a memory window failed: {}", ibv_wc_status_str(wc.status)));
        return;
    }
    if (wc.status != IBV_WC_SUCCESS) {
        end(fmt::format("a Receive failed: {}", ibv_wc_status_str(wc.status)));
        return;
    }
    Received message;
    const auto buffer =
        View(receives_->bytes()).subspan(wc.wr_id * options_.receive_size, wc.byte_len);
    message.bytes.assign(buffer.begin(), buffer.end());
    if (wc.wc_flags & IBV_WC_WITH_INV)
        message.invalidated = wc.invalidated_rkey;
    if (options_.trace)
        options_.trace(false, message.bytes);
    received_.push_back(std::move(message));
    if (why_.empty())
        (void)post_receive(wc.wr_id);
}

void RdmaConnection::take_completions() {
    std::array<ibv_wc, 16> completions;
    for (;;) {
        const int count = ibv_poll_cq(cq_.get(), completions.size(), completions.data());
        if (count <= 0)
            return;
        for (int i = 0; i < count; i++)
            take_completion(completions[static_cast<std::size_t>(i)]);
    }
}

/// Waits for something to happen, and takes it in. False when nothing did.
bool RdmaConnection::wait(Deadline deadline) {
    const auto count = [&] {
        return received_.size() + free_sends_.size() + (why_.empty() ? 0 : 1) + (bound_ ? 1 : 0);
    };
    const auto before = count();
    // Armed first: what completes after the look raises an event.
    ibv_req_notify_cq(cq_.get(), 0);
    take_completions();
    take_event();
    if (count() != before)
        return true;
    std::array<pollfd, 2> waiting = {pollfd{.fd = channel_->fd, .events = POLLIN, .revents = 0},
                                     pollfd{.fd = events_->fd, .events = POLLIN, .revents = 0}};
    if (poll(waiting.data(), waiting.size(), milliseconds(deadline)) <= 0)
        return false;
    if (waiting[0].revents) {
        ibv_cq *cq = nullptr;
        void *context = nullptr;
        if (ibv_get_cq_event(channel_.get(), &cq, &context) == 0)
            ibv_ack_cq_events(cq, 1);
    }
    take_completions();
    take_event();
    return true;
}

Result<Received> RdmaConnection::receive(Deadline deadline) {
    while (received_.empty()) {
        if (!why_.empty())
            return fail(why_, Cause::lost);
        if (!wait(deadline) && deadline.expired())
            return fail("the server does not answer", Cause::timeout);
    }
    auto message = std::move(received_.front());
    received_.pop_front();
    return message;
}

bool RdmaConnection::ended(Deadline deadline) {
    while (why_.empty() && !deadline.expired())
        wait(deadline);
    return !why_.empty();
}

Result<Segment> RdmaConnection::window(const Memory &memory, Access access) {
    Owned<ibv_mw, ibv_dealloc_mw> window(ibv_alloc_mw(pd_.get(), IBV_MW_TYPE_2));
    if (!window)
        return fail("the RDMA device has no memory windows: " + errno_text());
    const auto all = memory.segment();
    const unsigned flags =
        access == Access::read ? IBV_ACCESS_REMOTE_READ : IBV_ACCESS_REMOTE_WRITE;
    ibv_send_wr wr = {.wr_id = bind_id, .opcode = IBV_WR_BIND_MW};
    wr.bind_mw.mw = window.get();
    wr.bind_mw.rkey = ibv_inc_rkey(window->rkey);
    wr.bind_mw.bind_info = {
        .mr = memory.region(), .addr = all.offset, .length = all.length, .mw_access_flags = flags};
    ibv_send_wr *bad = nullptr;
    bound_ = false;
    if (ibv_post_send(id_->qp, &wr, &bad) != 0)
        return fail("cannot bind a memory window: " + errno_text());
    const auto deadline = Deadline::scaled(std::chrono::seconds(5));
    while (!bound_ && !deadline.expired())
        wait(deadline);
    if (!bound_ || !why_.empty())
        return fail(why_.empty() ? "binding a memory window takes for ever" : why_);
    const auto handle = wr.bind_mw.rkey;
    windows_.push_back(std::move(window));
    return Segment{.handle = handle, .length = all.length, .offset = all.offset};
}

void RdmaConnection::break_off() {
    ibv_qp_attr attributes = {.qp_state = IBV_QPS_ERR};
    ibv_modify_qp(id_->qp, &attributes, IBV_QP_STATE);
    end("we broke off");
}

} // namespace

Result<Target> Target::parse(const std::string &text) {
    Target target = {.host = text};
    const auto colon = text.rfind(':');
    const bool bracketed = text.starts_with('[');
    // Several colons and no brackets: an IPv6 address without a port.
    if (colon != std::string::npos &&
        (bracketed ? text.find("]:") + 1 == colon : text.find(':') == colon)) {
        const auto *const end = text.data() + text.size();
        const auto [last, error] = std::from_chars(text.data() + colon + 1, end, target.port);
        if (error != std::errc() || last != end || target.port == 0)
            return fail(fmt::format("\"{}\": the port must be a number from 1 to 65535", text));
        target.host = text.substr(0, colon);
    }
    if (bracketed && target.host.ends_with(']'))
        target.host = target.host.substr(1, target.host.size() - 2);
    if (target.host.empty())
        return fail(fmt::format("\"{}\" names no host; write HOST or HOST:PORT", text));
    return target;
}

Bytes PrivateMessage::encode() const {
    Encoder out;
    out.u32(private_magic);
    out.raw(std::array{version, flags, send_size, receive_size});
    return std::move(out).bytes();
}

std::optional<PrivateMessage> PrivateMessage::decode(View bytes) {
    constexpr std::size_t size = 8;
    for (; bytes.size() >= size; bytes = bytes.subspan(1))
        if (Decoder(bytes).u32() == private_magic)
            return PrivateMessage{.version = bytes[4],
                                  .flags = bytes[5],
                                  .send_size = bytes[6],
                                  .receive_size = bytes[7]};
    return std::nullopt;
}

Result<std::unique_ptr<Connection>> Connection::open(const Target &target,
                                                     const ConnectOptions &options,
                                                     Deadline deadline, Stage until) {
    auto connection = std::make_unique<RdmaConnection>(options);
    TRY(connection->resolve(target, deadline));
    TRY(connection->request(deadline, until == Stage::established));
    return connection;
}

} // namespace rpcrdma
