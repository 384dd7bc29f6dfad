// SPDX-License-Identifier: GPL-2.0-only
#include "workload/job_file.h"

#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lab {
namespace {

using testing::HasSubstr;

class JobFileTest : public testing::Test {
  protected:
    Result<JobFile> read(const std::string &text) {
        const auto path = std::filesystem::path(testing::TempDir()) / "some-job.fio";
        std::ofstream(path) << text;
        return read_job_file(path);
    }
};

TEST_F(JobFileTest, IsNamedAfterItsFile) {
    const auto job = read("; comment\n[global]\nbs=4k\n\n[reads]\nrw=read\n");
    ASSERT_TRUE(job) << job.error().what;
    EXPECT_EQ(job->name, "some-job");
    EXPECT_FALSE(job->verifies);
}

TEST_F(JobFileTest, TellsWhetherItVerifies) {
    EXPECT_TRUE(read("[a]\n verify = crc32c\n")->verifies);
    EXPECT_FALSE(read("[a]\n#verify=crc32c\n")->verifies);
}

TEST_F(JobFileTest, StaysInTheMountUnderTest) {
    EXPECT_THAT(read("[a]\nrw=read\ndirectory=/tmp\n").error().what, HasSubstr("some-job.fio:3:"));
    EXPECT_THAT(read("[a]\nfilename=/dev/vda\n").error().what, HasSubstr("filename"));
}

TEST_F(JobFileTest, NeedsAJob) {
    EXPECT_THAT(read("[global]\nbs=4k\n").error().what, HasSubstr("no [job] section"));
    EXPECT_THAT(read_job_file("/nonexistent/x.fio").error().what,
                HasSubstr("no job file /nonexistent/x.fio"));
    EXPECT_FALSE(read_job_file(testing::TempDir())) << "a directory is no job file";
}

} // namespace
} // namespace lab
