// SPDX-License-Identifier: GPL-2.0-only
// nfstest (the Debian package): what it does not find over TCP it must not find over our transport,
// on the same machines. What both fail is nfsd's or the client's.
#include "module_test.h"

#include "image/image.h"
#include "util/file.h"
#include "util/temp.h"

#include <fmt/format.h>
#include <pugixml.hpp>

#include <chrono>
#include <map>
#include <set>

namespace lab {

namespace {

using std::chrono::seconds;

struct Suite {
    const char *name;
    const char *version; ///< of NFS
    const char *options;
    bool delegations = true; ///< without them, the client's cache ends with its time-outs
};

/// What a suite said, by test and message.
struct Report {
    std::map<std::string, unsigned> failures;
    std::set<std::string> tests; ///< names; each asks several things
    unsigned questions = 0;
};

class NfstestTest : public ModuleTest, public ::testing::WithParamInterface<Suite> {
  protected:
    /// Lets the first client run commands on the second, as nfstest wants it. It finds its own
    /// address by a route to the world, and does not know that what Python 3.13's exec() defines
    /// stays there, nor that tcpdump outlives the shell that it ends: seven of them, with 192 MiB
    /// each, were too much.
    static void join_clients() {
        const auto image = find_image();
        ASSERT_TRUE(worked(image));
        ASSERT_TRUE(worked(
            client().put(image->key, "/root/.ssh/id_ed25519", Deadline::scaled(seconds(20)))));
        on(client(),
           fmt::format("chmod 600 /root/.ssh/id_ed25519; printf 'StrictHostKeyChecking no\\n"
                       "UserKnownHostsFile /dev/null\\nLogLevel ERROR\\n' >/root/.ssh/config; "
                       "ip route replace default via {} dev eth1; "
                       "sed -i 's/ exec(fstr)$/ exec(fstr, globals())/' "
                       "/usr/lib/python3/dist-packages/nfstest/rexec.py; "
                       "sed -i 's/cmd = \"%s%s -n -B/cmd = \"exec %s%s -n -B/' "
                       "/usr/lib/python3/dist-packages/nfstest/host.py; ssh {} true",
                       server().data_address(), client(1).data_address()));
    }

    Report run(Transport transport) {
        const auto &suite = GetParam();
        const auto *proto = transport == Transport::tcp ? "tcp" : "rdma";
        const auto port = nfs_->port(transport);
        const auto start = std::chrono::steady_clock::now();
        const auto calls = counters().at("calls");
        on(client(), "rm -rf /tmp/nfstest && mkdir /tmp/nfstest");
        // Its exit status says whether there were failures: the report says which.
        on(client(),
           fmt::format("nfstest_{} --server {} --export / --nfsversion {} --proto {} --port {} "
                       "--mtpoint /mnt/nfstest --datadir {} --interface eth1 --tmpdir /tmp/nfstest "
                       "--rmtraces --notty --xunit-report --xunit-report-file /tmp/nfstest/xml {} "
                       ">/tmp/nfstest/log 2>&1 || :",
                       suite.name, server().data_address(), suite.version, proto, port, proto,
                       fmt::format(fmt::runtime(suite.options), fmt::arg("proto", proto),
                                   fmt::arg("port", port),
                                   fmt::arg("second", client(1).data_address()))),
           seconds(600));
        EXPECT_EQ(counters().at("calls") > calls, transport == Transport::svcrdma);
        auto report = parse(on(client(), "cat /tmp/nfstest/xml || tail -n 20 /tmp/nfstest/log"));
        fmt::print(
            "nfstest_{} over {}: {} tests, {} questions, {} kinds of failure, {} s\n", suite.name,
            transport_name(transport), report.tests.size(), report.questions,
            report.failures.size(),
            std::chrono::duration_cast<seconds>(std::chrono::steady_clock::now() - start).count());
        return report;
    }

    static Report parse(const std::string &xml) {
        Report report;
        pugi::xml_document document;
        EXPECT_TRUE(document.load_string(xml.c_str())) << xml;
        for (const auto &test : document.child("testsuite").children("testcase")) {
            report.tests.insert(test.attribute("classname").value());
            report.questions++;
            if (test.child("failure"))
                report.failures[fmt::format("{}: {}", test.attribute("classname").value(),
                                            test.attribute("name").value())]++;
        }
        return report;
    }
};

TEST_P(NfstestTest, FailsNothingThatTcpDoesNot) {
    shorten_grace();
    serve({Transport::svcrdma, Transport::tcp});
    ASSERT_TRUE(nfs_);
    join_clients();
    on(server(), fmt::format("echo {:d} >/proc/sys/fs/leases-enable", GetParam().delegations));
    const auto tcp = run(Transport::tcp);
    const auto ours = run(Transport::svcrdma);
    // In packets of RDMA it finds neither READ nor WRITE, whoever the server is, and has no
    // question about them.
    EXPECT_FALSE(ours.tests.empty());
    EXPECT_EQ(ours.tests, tcp.tests);
    for (const auto &[what, times] : ours.failures) {
        const auto there = tcp.failures.find(what);
        EXPECT_LE(times, there == tcp.failures.end() ? 0 : there->second) << what;
    }
    on(server(), "echo 1 >/proc/sys/fs/leases-enable");
    expect_nothing_live();
}

INSTANTIATE_TEST_SUITE_P(
    Suites, NfstestTest,
    ::testing::Values(
        // Without open: it tries thousands of combinations of flags, for minutes.
        Suite{"posix", "4.2", "--runtest '^open'"},
        // Of 66 tests, each of which takes half a minute to look at its packets: both kinds of
        // delegation, granted, and recalled by a WRITE.
        Suite{"delegation", "4.1",
              "--runtest basic01,basic02,recall01,recall02 "
              "--client nfsversion=4.0:proto={proto}:port={port}"},
        // Those that end with the first time-out; the others wait for a minute each.
        Suite{"cache", "4.1",
              "--runtest acregmin_attr,acregmin_data,acdirmin_attr,acdirmin_data "
              "--client {second}",
              false}),
    [](const auto &info) { return std::string(info.param.name); });

} // namespace

} // namespace lab
