// SPDX-License-Identifier: GPL-2.0-only
#include "vm/qmp.h"

#include "util/temp.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

namespace lab {

namespace {

/// A QEMU that says what it is told to: the greeting, then one answer per line it receives.
class FakeQemu {
  public:
    FakeQemu(const std::filesystem::path &path, std::vector<std::string> answers)
        : listener_(socket(AF_UNIX, SOCK_STREAM, 0)) {
        sockaddr_un address = {};
        address.sun_family = AF_UNIX;
        EXPECT_LT(path.string().size(), sizeof address.sun_path);
        path.string().copy(address.sun_path, sizeof address.sun_path - 1);
        EXPECT_EQ(bind(listener_.get(), reinterpret_cast<sockaddr *>(&address), sizeof address), 0);
        EXPECT_EQ(listen(listener_.get(), 1), 0);
        thread_ = std::jthread([this, answers = std::move(answers)] {
            const Fd fd(accept(listener_.get(), nullptr, nullptr));
            if (fd.get() < 0)
                return;
            say(fd, R"({"QMP": {"version": {}, "capabilities": []}})");
            for (const auto &answer : answers) {
                if (!hear(fd))
                    return;
                say(fd, answer);
            }
        });
    }

    [[nodiscard]] const std::string &heard() const { return heard_; }

  private:
    static void say(const Fd &fd, const std::string &text) {
        const auto line = text + "\r\n";
        EXPECT_EQ(send(fd.get(), line.data(), line.size(), MSG_NOSIGNAL),
                  static_cast<ssize_t>(line.size()));
    }

    bool hear(const Fd &fd) {
        char c = 0;
        heard_.clear();
        while (read(fd.get(), &c, 1) == 1) {
            if (c == '\n')
                return true;
            heard_ += c;
        }
        return false;
    }

    Fd listener_;
    std::string heard_;
    std::jthread thread_;
};

const auto soon = std::chrono::seconds(10);

} // namespace

class QmpTest : public ::testing::Test {
  protected:
    void SetUp() override {
        auto temp = TempDir::make();
        ASSERT_TRUE(temp);
        temp_.emplace(std::move(*temp));
        socket_ = temp_->path() / "qmp";
    }

    std::optional<TempDir> temp_;
    std::filesystem::path socket_;
};

TEST_F(QmpTest, SkipsEventsAndReturnsTheAnswer) {
    const FakeQemu qemu(socket_, {R"({"return": {}})",
                                  "{\"event\": \"RESUME\"}\r\n{\"return\": {\"running\": true}}"});
    auto qmp = Qmp::connect(socket_, Deadline::in(soon));
    ASSERT_TRUE(qmp) << qmp.error().what;
    const auto answer = qmp->execute("query-status", nlohmann::json::object(), Deadline::in(soon));
    ASSERT_TRUE(answer) << answer.error().what;
    EXPECT_TRUE(answer->at("running").get<bool>());
    EXPECT_EQ(nlohmann::json::parse(qemu.heard()).at("execute"), "query-status");
}

TEST_F(QmpTest, RefusalIsAnError) {
    const FakeQemu qemu(socket_, {R"({"return": {}})",
                                  R"({"error": {"class": "CommandNotFound", "desc": "no such"}})"});
    auto qmp = Qmp::connect(socket_, Deadline::in(soon));
    ASSERT_TRUE(qmp);
    const auto answer = qmp->execute("nonsense", nlohmann::json::object(), Deadline::in(soon));
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().what, "QEMU refused nonsense: no such");
}

TEST_F(QmpTest, QemuGoneIsLost) {
    const FakeQemu gone(socket_, {R"({"return": {}})", R"({"event": "SHUTDOWN"})"});
    auto qmp = Qmp::connect(socket_, Deadline::in(soon));
    ASSERT_TRUE(qmp);
    const auto answer = qmp->execute("quit", nlohmann::json::object(), Deadline::in(soon));
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().cause, Cause::lost);
}

TEST_F(QmpTest, NobodyListens) {
    const auto qmp = Qmp::connect(socket_, Deadline::in(std::chrono::milliseconds(100)));
    ASSERT_FALSE(qmp);
    EXPECT_EQ(qmp.error().cause, Cause::timeout);
}

} // namespace lab
