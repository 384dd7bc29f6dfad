// SPDX-License-Identifier: GPL-2.0-only
#include "fixture.h"

#include "host/guest_script.h"
#include "image/module.h"
#include "lab/judge.h"
#include "lab/path_proof.h"
#include "lab/results_dir.h"
#include "observe/leaks.h"
#include "util/file.h"
#include "util/interrupt.h"
#include "util/progress.h"
#include "workload/fio.h"
#include "workload/fio_result.h"
#include "workload/job_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <map>
#include <memory>
#include <stdexcept>
#include <string_view>

namespace lab {

namespace fs = std::filesystem;

namespace {

std::string wanted_kernel = "stable";
std::string wanted_device; // none: the lab's own
unsigned wanted_cpus = default_cpus;
unsigned wanted_clients = 1;
unsigned wanted_scratch = 0;
std::unique_ptr<Pair> booted;
fs::path kept_module; // the same for all tests, whatever is built meanwhile
std::string why_not;  // the pair could not be booted: once is enough
std::map<fs::path, std::size_t> already_seen;

Result<std::unique_ptr<Pair>> boot() {
    const auto image = TRY(find_image());
    const auto kernel = TRY(image.kernel(wanted_kernel));
    // What is tested is what the tree has now.
    TRY(build_module(kernel));
    const auto run_dir = new_run_dir("vm-tests-" + wanted_kernel);
    kept_module = TRY(keep_module(kernel, run_dir));
    return Pair::boot(image, {.kernel = kernel,
                              .run_dir = run_dir,
                              .clients = wanted_clients,
                              .cpus = wanted_cpus,
                              .scratch_mib = wanted_scratch});
}

bool read_cpus(std::string_view text) {
    const auto read = std::from_chars(text.data(), text.data() + text.size(), wanted_cpus);
    return read.ec == std::errc() && read.ptr == text.data() + text.size() && wanted_cpus >= 1 &&
           wanted_cpus <= most_cpus;
}

/// Adds what this console shows since the last look. A report that is still being printed is waited
/// for: its last lines may say that it is ours, or that it is not.
void add_new(std::vector<Sighting> &splats, const fs::path &console) {
    auto &seen = already_seen[console];
    auto text = read_file(console).value_or("");
    auto findings = scan_console(text);
    const auto limit = Deadline::in(std::chrono::seconds(10));
    while (findings.size() > seen && !limit.expired()) {
        const auto length = text.size();
        pause_for(std::chrono::seconds(1));
        text = read_file(console).value_or("");
        findings = scan_console(text);
        if (text.size() == length)
            break;
    }
    for (; seen < findings.size(); seen++)
        splats.push_back({console, findings[seen]});
}

/// Fails the test, unless this is tolerated.
void report(const Sighting &splat) {
    std::string text;
    for (const auto &line : splat.finding.lines)
        text += line + "\n";
    if (splat.finding.tolerated.empty())
        ADD_FAILURE() << splat.console.string() << ": " << splat.finding.pattern << "\n" << text;
    else
        say(fmt::format("tolerated, {}:\n{}", splat.finding.tolerated, text));
}

} // namespace

void VmTest::choose_machines(unsigned clients, unsigned scratch_mib) {
    wanted_clients = clients;
    wanted_scratch = scratch_mib;
}

int VmTest::run_all(int argc, char **argv) {
    catch_interrupts();
    testing::InitGoogleTest(&argc, argv);
    constexpr std::string_view kernel = "--kernel=", cpus = "--cpus=", device = "--device=";
    for (int i = 1; i < argc; i++) {
        const std::string_view word = argv[i];
        if (word.starts_with(kernel)) {
            wanted_kernel = word.substr(kernel.size());
        } else if (word.starts_with(device)) {
            wanted_device = word.substr(device.size());
        } else if (!word.starts_with(cpus) || !read_cpus(word.substr(cpus.size()))) {
            fmt::print(stderr,
                       "{}: unknown argument {}; there are --kernel=NAME, --device=NAME and "
                       "--cpus=N, N from 1 to {}\n",
                       argv[0], word, most_cpus);
            return 2;
        }
    }
    const int status = RUN_ALL_TESTS();
    // Not by a destructor of a global: it must not outlive what it uses.
    booted.reset();
    return status;
}

void VmTest::SetUpTestSuite() {
    if (!booted && why_not.empty()) {
        if (auto pair = boot())
            booted = std::move(*pair);
        else
            why_not = pair.error().what;
    }
    // Fails every test of the suite, so that none passes for want of a pair.
    ASSERT_TRUE(booted) << why_not;
    for (auto *host : {&server(), &client()})
        EXPECT_TRUE(worked(forget_leaks(*host)));
}

void VmTest::TearDownTestSuite() {
    if (!booted)
        return;
    for (auto *host : {&server(), &client()}) {
        const auto leaks = find_leaks(*host);
        EXPECT_TRUE(worked(leaks));
        for (const auto &leak : leaks.value_or(std::vector<Leak>())) {
            if (leak.ours)
                ADD_FAILURE() << host->name() << " lost memory in " << leak.where << "\n"
                              << leak.text;
            else
                say(fmt::format("tolerated, never in our module: {} lost memory\n{}", host->name(),
                                leak.text));
        }
    }
    // What the search for leaks has stirred up, and what came late.
    for (const auto &splat : new_splats())
        report(splat);
}

void VmTest::TearDown() {
    if (!booted)
        return;
    // What a dead machine could not do any more is not news.
    const auto living = booted->alive();
    EXPECT_TRUE(worked(living));
    if (living) {
        if (mount_)
            unmount();
        if (nfs_)
            stop();
    }
    for (const auto &splat : new_splats())
        report(splat);
    if (!booted->alive()) {
        why_not = "an earlier test killed the pair";
        booted.reset();
    }
}

std::vector<Sighting> VmTest::new_splats() {
    std::vector<Sighting> splats;
    add_new(splats, booted->server_console());
    for (unsigned i = 0; i < wanted_clients; i++)
        add_new(splats, booted->client_console(i));
    return splats;
}

const std::string &VmTest::lent_device() {
    return wanted_device;
}

bool VmTest::pair_lives() {
    return booted && booted->alive();
}

Pair &VmTest::pair() {
    // GoogleTest makes a failure of it: of this test, and of all that follow.
    if (!booted)
        throw std::runtime_error(why_not);
    return *booted;
}

fs::path VmTest::run_dir() {
    return pair().ssh_config().parent_path();
}

fs::path VmTest::module() {
    return kept_module;
}

void VmTest::serve(const std::vector<Transport> &transports, unsigned threads,
                   const std::string &module_parameters, unsigned max_payload) {
    const bool ours = contains(transports, Transport::svcrdma);
    auto parameters = module_parameters;
    if (!wanted_device.empty() && parameters.find("device=") == std::string::npos)
        parameters += " device=" + wanted_device;
    auto started = NfsServer::start(server(), {.transports = transports,
                                               .module = ours ? module() : fs::path(),
                                               .module_parameters = parameters,
                                               .threads = threads,
                                               .max_payload = max_payload});
    ASSERT_TRUE(worked(started));
    nfs_.emplace(std::move(*started));
}

void VmTest::mount(Transport transport, const std::string &version, const std::string &options) {
    if (!nfs_)
        FAIL() << "nothing is served";
    auto mounted = Mount::make(client(), *nfs_, transport, version, "/mnt/nfs", options);
    ASSERT_TRUE(worked(mounted));
    mount_.emplace(std::move(*mounted));
}

void VmTest::unmount() {
    if (!mount_)
        FAIL() << "nothing is mounted";
    EXPECT_TRUE(worked(mount_->unmount()));
    mount_.reset();
}

void VmTest::stop() {
    if (!nfs_)
        FAIL() << "nothing is served";
    EXPECT_TRUE(worked(nfs_->stop()));
    nfs_.reset();
}

void VmTest::expect_path(Transport transport, const std::string &version) {
    mount(transport, version);
    if (!nfs_ || !mount_)
        return; // mount() has said why
    const auto snapshot = [] {
        return take_snapshot(server(), Deadline::scaled(std::chrono::seconds(20)));
    };
    const auto before = snapshot();
    ASSERT_TRUE(worked(before));
    auto proof = PathProof::begin(*nfs_, client(), *mount_, transport, *before);
    ASSERT_TRUE(worked(proof));
    on(client(), "dd if=/dev/urandom of=/mnt/nfs/file bs=64k count=16 conv=fsync 2>&1");
    on(client(), "echo 3 > /proc/sys/vm/drop_caches");
    EXPECT_EQ(on(client(), "sha256sum < /mnt/nfs/file"), on(server(), "sha256sum < /export/file"));
    const auto after = snapshot();
    ASSERT_TRUE(worked(after));
    EXPECT_TRUE(worked(proof->finish(*after)));
    unmount();
}

void VmTest::verify(const std::string &job_file) {
    using std::chrono::seconds;
    if (!mount_)
        FAIL() << "nothing is mounted";
    const auto job = read_job_file(source_dir() / "tests" / job_file);
    ASSERT_TRUE(worked(job));
    ASSERT_TRUE(job->verifies);
    ASSERT_TRUE(worked(install_job(client(), *job, Deadline::scaled(seconds(20)))));
    const auto output = run_fio({{&client(), mount_->dir()}}, *job, {}, seconds(60),
                                Deadline::scaled(seconds(120)));
    ASSERT_TRUE(worked(output));
    const auto result = parse_fio(output->out, output->err);
    ASSERT_TRUE(worked(result));
    const auto outcome = judge_fio(*job, output->status, *result);
    EXPECT_EQ(outcome.verdict, Verdict::pass) << outcome.why << "\n" << output->err;
}

std::string VmTest::on(Host &host, const std::string &command, std::chrono::seconds limit) {
    auto output = host.check(command, Deadline::scaled(limit));
    EXPECT_TRUE(worked(output));
    return output.value_or("");
}

std::string VmTest::script(const std::string &name, const std::vector<std::string> &arguments) {
    auto command = guest_script(name, arguments);
    EXPECT_TRUE(worked(command));
    return command.value_or("false");
}

void VmTest::start_on(Host &host, const std::string &name, const std::string &command) {
    on(host, fmt::format("cd /run; rm -f {0}.status; ((cd /; {1}) >{0}.out 2>&1; "
                         "echo $? >{0}.status) </dev/null >/dev/null 2>&1 &",
                         name, command));
}

bool VmTest::ended_on(Host &host, const std::string &name) {
    return on(host, fmt::format("cat /run/{}.status 2>/dev/null || :", name)).ends_with('\n');
}

std::string VmTest::output_on(Host &host, const std::string &name) {
    return on(host, fmt::format("tail -n 5 /run/{}.out", name));
}

void VmTest::finish_on(Host &host, const std::string &name, std::chrono::seconds limit) {
    on(host, fmt::format("while [ ! -s /run/{}.status ]; do sleep 0.2; done", name), limit);
    EXPECT_EQ(on(host, fmt::format("cat /run/{}.status", name)), "0\n") << output_on(host, name);
}

} // namespace lab
