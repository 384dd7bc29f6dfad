// SPDX-License-Identifier: GPL-2.0-only
// Mounts with Kerberos: a realm of two principals on the server VM. With krb5 results still go to
// Write chunks; with krb5i and krb5p messages travel whole (RFC 8166 section 8.2.2.3).
#include "module_test.h"

#include <fmt/format.h>

namespace lab {

namespace {

using std::chrono::seconds;

// On both. %s: the KDC's address.
constexpr auto client_setup = R"(
cat >/etc/krb5.conf <<end
[libdefaults]
    default_realm = LAB
    dns_lookup_kdc = false
    dns_lookup_realm = false
    rdns = false
[realms]
    LAB = {{
        kdc = {0}
    }}
[domain_realm]
    .lab = LAB
end
grep -q server.lab /etc/hosts || printf '{0} server.lab\n{1} client.lab\n' >>/etc/hosts
modprobe rpcsec_gss_krb5
)";

constexpr auto server_setup = R"(
mkdir -p /var/lib/krb5kdc /etc/krb5kdc
if [ ! -e /etc/krb5.keytab ]; then
    kdb5_util create -s -r LAB -P lab
    for host in server client; do
        kadmin.local -q "addprinc -randkey nfs/$host.lab"
    done
    kadmin.local -q "ktadd -k /etc/krb5.keytab nfs/server.lab"
    kadmin.local -q "ktadd -k /root/client.keytab nfs/client.lab"
fi >/dev/null
krb5kdc
rpc.svcgssd
base64 /root/client.keytab)";

class SecurityTest : public ModuleTest {
  protected:
    void begin() {
        const auto hosts =
            fmt::format(client_setup, server().data_address(), client().data_address());
        on(server(), hosts);
        const auto keytab = on(server(), server_setup);
        serve({Transport::svcrdma});
        ASSERT_TRUE(nfs_);
        on(server(), "exportfs -o rw,async,no_root_squash,insecure,no_subtree_check,fsid=0,"
                     "sec=krb5:krb5i:krb5p '*:/export' && exportfs -f");
        on(client(), hosts + fmt::format("base64 -d >/etc/krb5.keytab <<end\n{}end\n"
                                         "hostname client.lab\nrpc.gssd",
                                         keytab));
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
