// SPDX-License-Identifier: GPL-2.0-only
// Transports, the server and mounts, as they are put to a host in words.
#include "host/fake_host.h"
#include "nfs/mount.h"
#include "nfs/rdma_device.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lab {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

TEST(Transport, NamesThereAndBack) {
    for (const auto transport : {Transport::svcrdma, Transport::rpcrdma, Transport::tcp})
        EXPECT_EQ(transport_from(transport_name(transport)), transport);
    EXPECT_FALSE(transport_from("rdma"));
}

TEST(Counters, AreTheFilesThatHoldOneNumber) {
    FakeHost host;
    host.answer(std::string(module_counters),
                Output{.out = "calls:12\nempty:\ntwo:1 2\nword:x\nreplies:11\nno counter\n"});
    const auto counters = read_counters(host, module_counters);
    ASSERT_TRUE(counters);
    EXPECT_THAT(*counters, ElementsAre(Pair("calls", 12U), Pair("replies", 11U)));
}

TEST(NfsServer, OursIsCalledRdmaUnlessStockIs) {
    FakeHost host;
    const auto alone = NfsServer::start(host, {.transports = {Transport::svcrdma}});
    ASSERT_TRUE(alone) << alone.error().what;
    EXPECT_EQ(alone->listener(Transport::svcrdma), "rdma");
    EXPECT_EQ(alone->port(Transport::svcrdma), 20049U);
    EXPECT_THAT(host.files, ElementsAre("/root/svcrdma.ko"));
    const auto both =
        NfsServer::start(host, {.transports = {Transport::svcrdma, Transport::rpcrdma}});
    ASSERT_TRUE(both) << both.error().what;
    EXPECT_EQ(both->listener(Transport::svcrdma), "rdma_ll");
    EXPECT_EQ(both->port(Transport::svcrdma), 20050U);
    EXPECT_THAT(host.commands, Contains(HasSubstr("transport=rdma_ll")));
}

TEST(NfsServer, IsStoppedWhenItDoesNotStart) {
    FakeHost host;
    host.answer("insmod", Output{.status = 1, .err = "unknown parameter\n"});
    const auto server =
        NfsServer::start(host, {.transports = {Transport::svcrdma}, .module = "svcrdma.ko"});
    ASSERT_FALSE(server);
    EXPECT_THAT(server.error().what, HasSubstr("svcrdma.ko does not load"));
    EXPECT_THAT(server.error().what, HasSubstr("unknown parameter"));
    EXPECT_THAT(host.commands.back(), HasSubstr("rpc.nfsd 0"));
}

TEST(NfsServer, ComesBackAsItWas) {
    FakeHost host;
    auto server = NfsServer::start(host, {.transports = {Transport::svcrdma, Transport::tcp},
                                          .module_parameters = "keepalive=4",
                                          .threads = 5});
    ASSERT_TRUE(server) << server.error().what;
    const auto start = host.commands.back();
    EXPECT_THAT(start, testing::AllOf(HasSubstr("rpc.nfsd --no-udp"), HasSubstr(" 5\n"),
                                      HasSubstr("echo 'rdma 20049'")));
    ASSERT_TRUE(server->halt());
    EXPECT_EQ(host.commands.back(), "rpc.nfsd 0");
    ASSERT_TRUE(server->reload());
    EXPECT_THAT(host.commands, Contains(HasSubstr("rmmod svcrdma")));
    EXPECT_THAT(host.commands.back(), HasSubstr("keepalive=4"));
    ASSERT_TRUE(server->resume());
    EXPECT_EQ(host.commands.back(), start);
}

TEST(Mount, NamesProtocolPortAndVersion) {
    FakeHost server;
    FakeHost client;
    const auto nfs = NfsServer::start(server, {.transports = {Transport::rpcrdma, Transport::tcp}});
    ASSERT_TRUE(nfs) << nfs.error().what;
    ASSERT_TRUE(Mount::make(client, *nfs, Transport::rpcrdma, "4.2", "/mnt/nfs", "nconnect=4"));
    EXPECT_THAT(client.commands.back(),
                HasSubstr("-o vers=4.2,proto=rdma,port=20049,nconnect=4 192.0.2.1:/ /mnt/nfs"));
    auto mount = Mount::make(client, *nfs, Transport::tcp, "3");
    ASSERT_TRUE(mount);
    EXPECT_THAT(client.commands.back(),
                HasSubstr("-o vers=3,proto=tcp,port=2049,nolock,mountproto=tcp "
                          "192.0.2.1:/export /mnt/nfs"));
    EXPECT_TRUE(mount->unmount());
    EXPECT_EQ(client.commands.back(), "umount /mnt/nfs");
}

TEST(RdmaDevice, IsMendedWhereItCanDoNothingElse) {
    FakeHost host;
    const auto well = mend_rdma_device(host);
    ASSERT_TRUE(well);
    EXPECT_FALSE(*well);
    host.answer("type GSI state ERR", Output{.out = "deleted\n"});
    const auto mended = mend_rdma_device(host);
    ASSERT_TRUE(mended);
    EXPECT_TRUE(*mended);
    EXPECT_THAT(host.commands.back(), HasSubstr("rxe")); // is there again
    host.answer("type GSI state ERR", Output{.status = 1});
    EXPECT_FALSE(mend_rdma_device(host));
}

TEST(RdmaDevice, IsOfTheProviderThatWasAskedFor) {
    FakeHost host("server");
    ASSERT_TRUE(use_rdma_provider(host, "siw"));
    EXPECT_THAT(host.commands.back(), HasSubstr("siw"));
    host.answer("rdma link add", Output{.status = 1, .err = "kernel 6.12 has no siw\n"});
    EXPECT_THAT(use_rdma_provider(host, "siw").error().what,
                testing::AllOf(HasSubstr("the RDMA device of server"), HasSubstr("has no siw")));
}

TEST(RdmaDevice, TellsHowManyQueuePairsAreConnected) {
    FakeHost host;
    host.answer("resource show qp", Output{.out = "3\n"});
    EXPECT_EQ(connected_queue_pairs(host).value_or(0), 3U);
    host.answer("resource show qp", Output{.out = "rdma: not found\n"});
    EXPECT_FALSE(connected_queue_pairs(host));
}

} // namespace
} // namespace lab
