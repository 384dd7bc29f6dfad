// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "util/fd.h"
#include "util/result.h"

#include <filesystem>

namespace lab {

/// A temporary directory, removed with its content by the destructor. A directory whose lab was
/// killed before that is removed by the next one that makes its own: each holds a lock on it for
/// as long as it lives.
class TempDir {
  public:
    /// Under $TMPDIR or /tmp, with a short path: UNIX sockets allow 107 bytes.
    static Result<TempDir> make();

    TempDir(TempDir &&other) noexcept = default;
    TempDir &operator=(TempDir &&other) noexcept = default;
    TempDir(const TempDir &) = delete;
    TempDir &operator=(const TempDir &) = delete;
    ~TempDir();

    [[nodiscard]] const std::filesystem::path &path() const { return path_; }

  private:
    TempDir(std::filesystem::path path, Fd lock) : path_(std::move(path)), lock_(std::move(lock)) {}

    std::filesystem::path path_;
    Fd lock_;
};

} // namespace lab
