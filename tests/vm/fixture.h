// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "lab/pair.h"
#include "nfs/mount.h"
#include "observe/console_scanner.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

namespace lab {

/// Expects a Result to hold a value, and shows the error otherwise.
template <typename T>::testing::AssertionResult worked(const Result<T> &result) {
    if (result)
        return ::testing::AssertionSuccess();
    return ::testing::AssertionFailure() << result.error().what;
}

/// A splat, and where it is.
struct Sighting {
    std::filesystem::path console;
    Finding finding;
};

/// A test on a booted pair. The pair is booted by the first test and serves all of them; after
/// each test both kernels must be alive with nothing unexpected on their consoles.
class VmTest : public ::testing::Test {
  public:
    /// How many clients, and the size of the server's disk of its own. Before run_all().
    static void choose_machines(unsigned clients, unsigned scratch_mib);

    /// All of a main(): takes GoogleTest's options, --kernel=NAME ("stable", "backports" or an
    /// exact version), --cpus=N (of each machine) and --device=NAME (an adapter that svcrdma.ko
    /// lends to each test), runs the tests, ends the machines, and returns the exit status.
    static int run_all(int argc, char **argv);

  protected:
    static void SetUpTestSuite();
    static void TearDownTestSuite();
    void TearDown() override;

    /// What the consoles of all machines show since the last look.
    static std::vector<Sighting> new_splats();

    /// Whether there is a pair, and no machine of it has died.
    static bool pair_lives();
    /// Throws when an earlier test has killed it.
    static Pair &pair();
    static Host &server() { return pair().server(); }
    static Host &client(unsigned index = 0) { return pair().client(index); }

    /// Where consoles and logs are, and what a test leaves for a reader.
    static std::filesystem::path run_dir();

    /// svcrdma.ko for the pair's kernel.
    static std::filesystem::path module();

    /// Serves the transports and mounts one of them; unmounted and stopped by TearDown(), which
    /// fails the test when that does not work.
    /// The adapter that was asked for is lent, unless the parameters name another.
    void serve(const std::vector<Transport> &transports, unsigned threads = 8,
               const std::string &module_parameters = {}, unsigned max_payload = 1U << 20);
    /// `options` are of the mount, beside those that choose transport and version.
    void mount(Transport transport, const std::string &version, const std::string &options = {});
    void unmount();
    void stop();

    /// The adapter that is lent to all tests, "" if there is none: what rests on the own limits of
    /// the lab's device does not hold then.
    static const std::string &lent_device();

    /// Mounts, writes a MiB of random data that arrives on the server as it was sent, expects that
    /// it took the transport's path, and unmounts.
    void expect_path(Transport transport, const std::string &version);

    /// Lets fio do a verification job on the mount; its file is found below tests/.
    void verify(const std::string &job_file);

    /// Runs a command that has to succeed, and returns what it wrote.
    static std::string on(Host &host, const std::string &command,
                          std::chrono::seconds limit = std::chrono::seconds(30));

    /// scripts/guest/NAME with these arguments, as a command for them.
    static std::string script(const std::string &name, const std::vector<std::string> &arguments);

    /// Starts a command that goes on by itself. The host keeps its output and its exit status
    /// under this name; the next of the same name takes its place.
    static void start_on(Host &host, const std::string &name, const std::string &command);
    static bool ended_on(Host &host, const std::string &name);
    /// The last lines that it has written until now.
    static std::string output_on(Host &host, const std::string &name);
    /// Waits until it has ended, for at most `limit`; it has to have succeeded.
    static void finish_on(Host &host, const std::string &name, std::chrono::seconds limit);

    std::optional<NfsServer> nfs_;
    std::optional<Mount> mount_;
};

} // namespace lab
