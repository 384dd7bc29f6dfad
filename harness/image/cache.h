// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "util/fd.h"
#include "util/result.h"

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

/// The cache is one directory whose entries are directories, each named PREFIX-KEY after what it
/// was made from and holding a file that describes it. Several source trees and several labs share
/// it. Entries are made under another name and renamed when complete.
namespace lab {

/// Hash of files and of all files below directories, names included. It names cache entries; it
/// guards nothing. An error when one cannot be read or there are none.
Result<std::string> hash_files(const std::vector<std::filesystem::path> &paths);

/// Waits for other builders of a kind; nobody else builds while the lock lives. What is made as
/// Unfinished is built under "build". Cause::cancelled when the user did not want to wait.
Result<Fd> lock_cache(const std::filesystem::path &cache, std::string_view kind);

/// Removes a tree that may have file systems mounted in it, without touching those. Also when the
/// user interrupted: that is when it is needed.
Result<void> remove_tree(const std::filesystem::path &dir);

/// Removes what interrupted builds left. Only for who holds the lock "build".
Result<void> remove_unfinished(const std::filesystem::path &cache);

/// An entry in the making: a directory under a name of its own, removed again unless the build
/// gets as far as keeping it.
class Unfinished {
  public:
    /// Makes the directory for what is to become `entry`. Only for who holds the lock "build".
    explicit Unfinished(std::filesystem::path entry);
    Unfinished(const Unfinished &) = delete;
    Unfinished &operator=(const Unfinished &) = delete;
    ~Unfinished();

    [[nodiscard]] const std::filesystem::path &dir() const { return dir_; }

    /// Puts it in place, complete.
    Result<void> keep();

  private:
    std::filesystem::path dir_, entry_;
};

/// Marks the entry that `file` describes as used now, and as in use while what is returned lives.
Result<std::shared_ptr<Fd>> use_entry(const std::filesystem::path &file);

/// Removes the entries of a prefix that nobody uses and that nobody has used for a day, except
/// `keep`, and says so. `file` is the name of the file that describes one. What cannot be removed
/// stays: it stands in nobody's way.
void remove_unused(const std::filesystem::path &cache, std::string_view prefix,
                   std::string_view file, const std::filesystem::path &keep);

} // namespace lab
