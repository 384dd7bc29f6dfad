// SPDX-License-Identifier: GPL-2.0-only
// Mounts with Kerberos: a realm of two principals on the server VM. With krb5 results still go to
// Write chunks; with krb5i and krb5p messages travel whole (RFC 8166 section 8.2.2.3).
#include "module_test.h"

#include <fmt/format.h>

namespace lab {

namespace {

using std::chrono::seconds;

class SecurityTest : public ModuleTest {
  protected:
    void begin() {
        for (auto *host : {&server(), &client()})
            on(*host,
               script("kerberos", {"hosts", server().data_address(), client().data_address()}));
        const auto keytab = on(server(), script("kerberos", {"server"}));
        serve({Transport::svcrdma});
        ASSERT_TRUE(nfs_);
        on(server(), "exportfs -o rw,async,no_root_squash,insecure,no_subtree_check,fsid=0,"
                     "sec=krb5:krb5i:krb5p '*:/export' && exportfs -f");
        on(client(), script("kerberos", {"client", keytab}));
    }

    void TearDown() override {
        on(client(), "! mountpoint -q /mnt/nfs || umount /mnt/nfs");
        on(client(), "kill $(pidof rpc.gssd); hostname client");
        ModuleTest::TearDown();
        on(server(), "kill $(pidof rpc.svcgssd) $(pidof krb5kdc)");
    }
};

TEST_F(SecurityTest, KerberosMounts) {
    begin();
    ASSERT_TRUE(nfs_);
    on(client(), "head -c 1M /dev/urandom > /root/data");
    for (const std::string flavor : {"krb5", "krb5i", "krb5p"}) {
        SCOPED_TRACE(flavor);
        const auto before = counters();
        on(client(),
           fmt::format("mkdir -p /mnt/nfs && mount -t nfs -o vers=4.2,proto=rdma,port={},sec={} "
                       "server.lab:/ /mnt/nfs && grep -q ' /mnt/nfs .*sec={},' /proc/mounts",
                       nfs_->port(Transport::svcrdma), flavor, flavor),
           seconds(30));
        on(client(),
           "cp /root/data /mnt/nfs/data && sync && echo 3 >/proc/sys/vm/drop_caches && "
           "cmp /root/data /mnt/nfs/data && ls -l /mnt/nfs",
           seconds(60));
        const auto after = counters();
        const auto moved = [&](const char *name) { return after.at(name) - before.at(name); };
        EXPECT_GE(moved("read_bytes"), 1U << 20);
        EXPECT_GE(moved("write_bytes"), 1U << 20);
        // Wrapped, a READ's reply is a message like any other: it takes the Reply chunk.
        if (flavor == "krb5")
            EXPECT_EQ(moved("long_replies"), 0U);
        else
            EXPECT_GE(moved("long_replies"), 1U);
        on(client(), "umount /mnt/nfs");
    }
    on(client(), "rm /root/data");
    expect_nothing_live();
}

} // namespace

} // namespace lab
