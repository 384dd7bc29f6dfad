// SPDX-License-Identifier: GPL-2.0-only
// What is remembered of how QEMU runs guests here. An image without kernels has none to try, so
// that nothing is booted, whatever this machine is able to do.
#include "util/file.h"
#include "util/temp.h"
#include "vm/accelerator.h"

#include "deadline_scale.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace lab {
namespace {

using nlohmann::json;
using testing::HasSubstr;

constexpr auto nothing_to_try = "the image has no kernel to try";

class AcceleratorTest : public testing::Test {
  protected:
    void SetUp() override {
        ASSERT_TRUE(temp_) << temp_.error().what;
        image_.dir = temp_->path() / "image-1234abcd";
        image_.recipe = "1234abcd";
        file_ = temp_->path() / "accelerator.json";
    }

    Accelerator choose() {
        const auto chosen = choose_accelerator(image_);
        EXPECT_TRUE(chosen) << chosen.error().what;
        return chosen.value_or(Accelerator());
    }

    json remembered() const { return json::parse(read_file(file_).value_or(""), nullptr, false); }

    /// As if a trial boot had gone well; what it holds for stays.
    void remember_kvm() {
        (void)choose();
        auto answer = remembered();
        ASSERT_TRUE(answer.is_object());
        answer["name"] = "kvm";
        answer["reason"] = "it worked before";
        ASSERT_TRUE(write_file(file_, answer.dump()));
    }

    KeepScale scale_;
    Result<TempDir> temp_ = TempDir::make();
    Image image_;
    std::filesystem::path file_;
};

TEST_F(AcceleratorTest, IsEmulationUnlessATrialBootSucceeds) {
    const auto chosen = choose();
    EXPECT_EQ(chosen.name, "tcg");
    EXPECT_EQ(chosen.reason, nothing_to_try);
    EXPECT_EQ(remembered().value("name", ""), "tcg");
    EXPECT_EQ(remembered().value("reason", ""), nothing_to_try);
}

TEST_F(AcceleratorTest, IsRememberedInTheCache) {
    remember_kvm();
    const auto chosen = choose();
    EXPECT_EQ(chosen.name, "kvm");
    EXPECT_EQ(chosen.reason, "it worked before");
}

// Whoever wrote it: nothing ends by an exception.
TEST_F(AcceleratorTest, IsFoundOutAnewWhereTheCacheSaysNonsense) {
    for (const json &nonsense : {json{{"name", 7}}, json{{"name", "xen"}}, json{{"fingerprint", 1}},
                                 json{{"name", json::array()}, {"reason", nullptr}}}) {
        remember_kvm();
        auto answer = remembered();
        answer.update(nonsense);
        ASSERT_TRUE(write_file(file_, answer.dump()));
        EXPECT_EQ(choose().reason, nothing_to_try) << nonsense;
    }
    for (const char *text : {"[]", "7", "\"kvm\"", "{"}) {
        ASSERT_TRUE(write_file(file_, text));
        EXPECT_EQ(choose().reason, nothing_to_try) << text;
    }
}

TEST_F(AcceleratorTest, StretchesDeadlinesUnderEmulationOnly) {
    Deadline::set_scale(7);
    (void)choose();
    EXPECT_GT(Deadline::scale(), 1);
    EXPECT_LT(Deadline::scale(), 7);
    remember_kvm();
    (void)choose();
    EXPECT_EQ(Deadline::scale(), 1);
}

TEST_F(AcceleratorTest, IsFoundOutAnewForAnotherImage) {
    remember_kvm();
    image_.recipe = "another";
    EXPECT_EQ(choose().reason, nothing_to_try);
    EXPECT_EQ(choose().reason, nothing_to_try) << "the answer was replaced";
}

TEST_F(AcceleratorTest, IsFoundOutAnewOnAnotherBootOrWithAnotherQemu) {
    remember_kvm();
    auto answer = remembered();
    const auto fingerprint = answer.value("fingerprint", "");
    const auto boot = last_lines(read_file("/proc/sys/kernel/random/boot_id").value_or("?"), 1);
    ASSERT_THAT(fingerprint, HasSubstr(boot));
    answer["fingerprint"] = "x" + fingerprint;
    ASSERT_TRUE(write_file(file_, answer.dump()));
    EXPECT_EQ(choose().reason, nothing_to_try);
    EXPECT_EQ(remembered().value("fingerprint", ""), fingerprint);
}

TEST_F(AcceleratorTest, IsFoundOutAnewWhereTheFileIsDamaged) {
    for (const auto *text : {"", "{", "[]", "3", "{}", "{\"name\": \"kvm\"}"}) {
        ASSERT_TRUE(write_file(file_, text));
        EXPECT_EQ(choose().reason, nothing_to_try) << text;
        EXPECT_TRUE(remembered().is_object()) << text;
    }
}

TEST_F(AcceleratorTest, IsChosenWhereNothingCanBeRemembered) {
    image_.dir = temp_->path() / "gone" / "image-1234abcd";
    testing::internal::CaptureStderr();
    const auto chosen = choose();
    const auto said = testing::internal::GetCapturedStderr();
    EXPECT_EQ(chosen.name, "tcg");
    EXPECT_THAT(said, HasSubstr((temp_->path() / "gone" / "accelerator.json").string()));
    EXPECT_THAT(said, HasSubstr("the next start will try KVM again"));
}

} // namespace
} // namespace lab
