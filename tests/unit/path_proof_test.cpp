// SPDX-License-Identifier: GPL-2.0-only
// That traffic took the transport which a result names: what shows it, and whatever casts doubt.
#include "host/fake_host.h"
#include "lab/path_proof.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lab {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

/// A line of /proc/mounts as a client of version 4.2 prints it; `how` is its protocol and port.
std::string mount_line(std::string_view how, std::string_view dir = "/mnt/nfs") {
    return fmt::format("192.0.2.1:/ {} nfs4 rw,relatime,vers=4.2,rsize=1048576,wsize=1048576,"
                       "namlen=255,hard,{},timeo=600,retrans=2,sec=sys,clientaddr=192.0.2.2,"
                       "local_lock=none,addr=192.0.2.1 0 0",
                       dir, how);
}

constexpr auto root = "/dev/root / ext4 rw,relatime 0 0\n";

/// What both ends show when a proof is asked for.
struct Scene {
    Transport transport = Transport::svcrdma;
    std::string portlist = "rdma_ll 20050\nrdma 20049\ntcp 2049\n";
    std::string mounts;
    Snapshot before, after;
    std::string client_before = "sent_pkts:10\nrcvd_pkts:20\n";
    std::string client_after = "sent_pkts:310\nrcvd_pkts:420\n";
    std::string queue_pairs = "0\n";
};

/// All three transports are served, and everything speaks for `transport`.
Scene scene_of(Transport transport) {
    Scene scene = {.transport = transport};
    scene.before.module = {{"calls", 100}, {"live_connections", 3}};
    scene.before.device = {{"rcvd_pkts", 1000}, {"sent_pkts", 2000}};
    scene.after = scene.before;
    std::string how = "proto=rdma,port=20050";
    if (transport == Transport::svcrdma)
        scene.after.module["calls"] = 107;
    else
        how = transport == Transport::rpcrdma ? "proto=rdma,port=20049" : "proto=tcp";
    if (transport != Transport::tcp)
        scene.after.device = {{"rcvd_pkts", 1300}, {"sent_pkts", 2400}};
    scene.mounts = root + mount_line(how) + "\n";
    return scene;
}

Result<PathProof::Evidence> prove(const Scene &scene) {
    FakeHost server("server");
    FakeHost client("client");
    server.answer("portlist", Output{.out = scene.portlist});
    server.answer("resource show qp", Output{.out = scene.queue_pairs});
    client.answer("/proc/mounts", Output{.out = scene.mounts});
    const auto nfs = TRY(NfsServer::start(
        server, {.transports = {Transport::svcrdma, Transport::rpcrdma, Transport::tcp}}));
    const auto mount = TRY(Mount::make(client, nfs, scene.transport, "4.2"));
    client.answer("hw_counters", Output{.out = scene.client_before});
    auto proof = TRY(PathProof::begin(nfs, client, mount, scene.transport, scene.before));
    client.answer("hw_counters", Output{.out = scene.client_after});
    return proof.finish(scene.after);
}

std::string doubt(const Scene &scene) {
    const auto proof = prove(scene);
    return proof ? "it is proven" : proof.error().what;
}

TEST(PathProof, HoldsForEveryTransport) {
    for (const auto transport : {Transport::svcrdma, Transport::rpcrdma, Transport::tcp})
        EXPECT_EQ(doubt(scene_of(transport)), "it is proven") << transport_name(transport);
}

TEST(PathProof, ShowsTheWordsAndWhatWasCounted) {
    auto scene = scene_of(Transport::svcrdma);
    scene.after.module["live_connections"] = 2;
    scene.after.module["appeared"] = 5;
    const auto proof = prove(scene);
    ASSERT_TRUE(proof) << proof.error().what;
    EXPECT_EQ(proof->portlist, "rdma_ll 20050");
    EXPECT_EQ(proof->mount, mount_line("proto=rdma,port=20050"));
    EXPECT_EQ(proof->module.at("calls"), 7U);
    EXPECT_EQ(proof->module.at("appeared"), 5U);
    // As it is printed: a gauge may have fallen.
    EXPECT_EQ(static_cast<std::int64_t>(proof->module.at("live_connections")), -1);
    EXPECT_THAT(proof->server_device,
                ElementsAre(Pair("rcvd_pkts", 300U), Pair("sent_pkts", 400U)));
    EXPECT_THAT(proof->client_device,
                ElementsAre(Pair("rcvd_pkts", 400U), Pair("sent_pkts", 300U)));
}

// siw counts nothing.
TEST(PathProof, TakesAQueuePairWhereNoPacketsAreCounted) {
    auto scene = scene_of(Transport::svcrdma);
    scene.before.device.clear();
    scene.after.device.clear();
    scene.client_before = scene.client_after = "";
    EXPECT_THAT(doubt(scene), HasSubstr("no proof of svcrdma: the server has no connected queue"));
    scene.queue_pairs = "2\n";
    const auto proof = prove(scene);
    ASSERT_TRUE(proof) << proof.error().what;
    EXPECT_THAT(proof->server_device, ElementsAre(Pair("connected_queue_pairs", 2U)));
    scene.after.module = scene.before.module;
    EXPECT_THAT(doubt(scene), HasSubstr("svcrdma counted 0 calls"));
    // Over TCP there need not be any.
    auto tcp = scene_of(Transport::tcp);
    tcp.before.device.clear();
    tcp.after.device.clear();
    EXPECT_EQ(doubt(tcp), "it is proven");
}

TEST(PathProof, NeedsTheListenerInThePortlist) {
    auto scene = scene_of(Transport::svcrdma);
    for (const std::string portlist : {"", "rdma 20049\ntcp 2049\n", "rdma_ll 200500\n",
                                       "xrdma_ll 20050\n", "rdma_ll 20049\n"}) {
        scene.portlist = portlist;
        EXPECT_EQ(doubt(scene),
                  "no proof of svcrdma: the portlist lacks \"rdma_ll 20050\":\n" + portlist);
    }
    scene.portlist = "tcp 2049\nrdma_ll 20050";
    EXPECT_EQ(doubt(scene), "it is proven") << "without a final newline";
}

TEST(PathProof, NeedsTheProtocolInTheMount) {
    auto scene = scene_of(Transport::rpcrdma);
    const auto over_tcp = mount_line("proto=tcp,port=20049");
    scene.mounts = root + over_tcp + "\n";
    EXPECT_EQ(doubt(scene), "no proof of rpcrdma: the client's mount says \"" + over_tcp + "\"");
    scene.mounts = mount_line("fatal_neterrors=none,port=20049") + "\n";
    EXPECT_THAT(doubt(scene), HasSubstr("the client's mount says")) << "no protocol at all";

    scene = scene_of(Transport::tcp);
    scene.mounts = mount_line("proto=rdma,port=2049") + "\n";
    EXPECT_THAT(doubt(scene), HasSubstr("no proof of tcp: the client's mount says"));
}

TEST(PathProof, NeedsThePortInTheMount) {
    auto scene = scene_of(Transport::svcrdma);
    for (const auto *how : {"proto=rdma,port=20049", "proto=rdma,port=2005", "proto=rdma"}) {
        scene.mounts = mount_line(how) + "\n";
        EXPECT_THAT(doubt(scene), HasSubstr("no proof of svcrdma: the client's mount says")) << how;
    }
    scene = scene_of(Transport::tcp);
    scene.mounts = mount_line("proto=tcp,port=2049") + "\n";
    EXPECT_EQ(doubt(scene), "it is proven") << "as version 3 tells it";
    scene.mounts = mount_line("proto=tcp,port=20049") + "\n";
    EXPECT_THAT(doubt(scene), HasSubstr("no proof of tcp: the client's mount says"));
}

// Of version 3; the mount protocol has a protocol and a port of its own.
TEST(PathProof, IsNotMisledByOptionsWithSimilarNames) {
    auto scene = scene_of(Transport::rpcrdma);
    scene.mounts = mount_line("mountproto=tcp,mountport=20048,proto=rdma,port=20049") + "\n";
    EXPECT_EQ(doubt(scene), "it is proven");
    scene.mounts = mount_line("mountproto=rdma,mountport=20049,proto=tcp,port=2049") + "\n";
    EXPECT_THAT(doubt(scene), HasSubstr("the client's mount says"));
    scene.mounts = mount_line("proto2=tcp,portrange=1,proto=rdma,port=20049") + "\n";
    EXPECT_EQ(doubt(scene), "it is proven");
}

TEST(PathProof, LooksAtItsOwnDirectoryOnly) {
    auto scene = scene_of(Transport::svcrdma);
    const auto right = mount_line("proto=rdma,port=20050", "/mnt/nfs2") + "\n";
    scene.mounts = root + right;
    EXPECT_EQ(doubt(scene), "no proof of svcrdma: the client's mount says \"\"");
    scene.mounts = scene_of(Transport::svcrdma).mounts +
                   mount_line("proto=tcp,port=2049", "/mnt/nfs2") + "\n" +
                   "none /mnt/nfs tmpfs rw 0 0\n";
    EXPECT_EQ(doubt(scene), "it is proven");
}

// The later one hides the other.
TEST(PathProof, TakesTheUppermostOfSeveralMounts) {
    auto scene = scene_of(Transport::svcrdma);
    const auto right = mount_line("proto=rdma,port=20050") + "\n";
    const auto wrong = mount_line("proto=tcp,port=2049") + "\n";
    scene.mounts = wrong + right;
    EXPECT_EQ(doubt(scene), "it is proven");
    scene.mounts = right + wrong;
    EXPECT_THAT(doubt(scene), HasSubstr("the client's mount says"));
}

TEST(PathProof, NeedsPacketsOfRdmaForRdma) {
    for (const auto transport : {Transport::svcrdma, Transport::rpcrdma}) {
        auto scene = scene_of(transport);
        scene.after.device["rcvd_pkts"] = scene.before.device["rcvd_pkts"];
        EXPECT_EQ(doubt(scene),
                  fmt::format("no proof of {}: the server's RDMA device received 0 packets",
                              transport_name(transport)));
        scene.before.device.clear();
        scene.after.device.clear();
        EXPECT_THAT(doubt(scene), HasSubstr("no connected queue pair")) << "nothing is counted";
        scene.after.device["rcvd_pkts"] = 1;
        EXPECT_EQ(doubt(scene), "it is proven");
    }
}

// A few belong to a connection that still closes.
TEST(PathProof, AllowsFewPacketsOfRdmaForTcp) {
    auto scene = scene_of(Transport::tcp);
    scene.after.device["rcvd_pkts"] = 1050;
    EXPECT_EQ(doubt(scene), "it is proven");
    scene.after.device["rcvd_pkts"] = 1051;
    EXPECT_EQ(doubt(scene), "no proof of tcp: the server's RDMA device received 51 packets");
}

TEST(PathProof, OursHasToBeCalled) {
    auto scene = scene_of(Transport::svcrdma);
    scene.after.module["calls"] = scene.before.module["calls"];
    EXPECT_EQ(doubt(scene), "no proof of svcrdma: svcrdma counted 0 calls");
    scene.after.module.clear();
    EXPECT_EQ(doubt(scene), "no proof of svcrdma: svcrdma counted 0 calls") << "it is not loaded";
}

TEST(PathProof, OursMustNotBeCalledForTheOthers) {
    for (const auto transport : {Transport::rpcrdma, Transport::tcp}) {
        auto scene = scene_of(transport);
        scene.after.module["calls"] = 101;
        EXPECT_EQ(doubt(scene), fmt::format("no proof of {}: svcrdma counted 1 calls",
                                            transport_name(transport)));
        scene.before.module.clear();
        scene.after.module.clear();
        EXPECT_EQ(doubt(scene), "it is proven") << "it is not loaded";
    }
}

TEST(PathProof, PassesOnThatAHostIsLost) {
    FakeHost server("server");
    FakeHost client("client");
    const auto nfs = NfsServer::start(server, {.transports = {Transport::svcrdma}});
    ASSERT_TRUE(nfs) << nfs.error().what;
    const auto mount = Mount::make(client, *nfs, Transport::svcrdma, "4.2");
    ASSERT_TRUE(mount) << mount.error().what;
    const auto begin = [&] {
        return PathProof::begin(*nfs, client, *mount, Transport::svcrdma, Snapshot());
    };
    auto proof = begin();
    ASSERT_TRUE(proof) << proof.error().what;
    client.answer("/proc/mounts", fail("gone", Cause::lost));
    auto evidence = proof->finish(Snapshot());
    ASSERT_FALSE(evidence);
    EXPECT_EQ(evidence.error().cause, Cause::lost);
    server.answer("portlist", Output{.status = 1, .err = "no such file\n"});
    evidence = proof->finish(Snapshot());
    ASSERT_FALSE(evidence);
    EXPECT_THAT(evidence.error().what, AllOf(HasSubstr("server"), HasSubstr("no such file")));
    client.answer("hw_counters", fail("gone", Cause::lost));
    EXPECT_FALSE(begin());
}

} // namespace
} // namespace lab
