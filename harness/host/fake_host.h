// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "host/host.h"

#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace lab {

/// A host for unit tests: does nothing, answers what it was told to, and remembers what was asked
/// of it. Several threads may ask at once; what was asked is looked at when they have ended.
class FakeHost : public Host {
  public:
    explicit FakeHost(std::string name = "fake") : name_(std::move(name)) {}

    /// What becomes of a command that has `part` in it. Of several answers that fit, the last one
    /// given counts; a command that none fits succeeds and prints nothing.
    void answer(std::string part, Result<Output> result);

    std::vector<std::string> commands; ///< that were run, in their order
    std::vector<std::string> files;    ///< remote paths of those that were copied to it

    [[nodiscard]] const std::string &name() const override { return name_; }
    [[nodiscard]] const std::string &data_address() const override { return address_; }
    Result<Output> run(const std::string &command, Deadline deadline) override;
    Result<void> put(const std::filesystem::path &local, const std::string &remote,
                     Deadline deadline) override;
    Result<void> get(const std::string &remote, const std::filesystem::path &local,
                     Deadline deadline) override;

  private:
    std::string name_;
    std::string address_ = "192.0.2.1"; // of those that documentation may use
    std::vector<std::pair<std::string, Result<Output>>> answers_;
    std::mutex asked_; ///< of `commands` and `files`
};

} // namespace lab
