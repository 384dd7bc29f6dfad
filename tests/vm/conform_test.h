// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "module_test.h"

#include "util/deadline.h"

#include <chrono>
#include <string>

namespace lab {

/// A test that runs parts of the conformance suite in the client, against our module.
class ConformTest : public ModuleTest {
  protected:
    void SetUp() override;
    void TearDown() override;

    /// For what the suite does in one go.
    static Deadline limit() { return Deadline::scaled(std::chrono::seconds(180)); }

    /// Runs the suite, or a part of it, and expects that nothing fails.
    /// `timeout` is for each answer.
    void conform(const std::string &arguments,
                 std::chrono::milliseconds timeout = std::chrono::seconds(30));

    /// Serves anew, with payloads of so many bytes at the most; nothing larger than the kernel can.
    void limit_payload(unsigned bytes);

    /// Lets nfsd copy what it reads into pages of its own, until the end of the test, as it does
    /// under krb5i and krb5p. Skips the test where it cannot be told to.
    void copy_what_is_read();

    /// Calls so long that few of the thread's pages are left for the reply, or none.
    void crowd_out();

  private:
    bool copies_ = false;
};

} // namespace lab
