// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "context.h"

#include <map>
#include <string>

namespace conform {

/// A directory on the server for one test, made through NFS version 3 with nothing but inline
/// messages, and removed with all that is in it. Where the server has no version 3 or nobody may
/// write, the test is not applicable.
class Workspace {
  public:
    /// `client` must outlive it.
    explicit Workspace(Context &context, Client &client);
    Workspace(const Workspace &) = delete;
    Workspace &operator=(const Workspace &) = delete;
    ~Workspace();

    /// A file with `content`. Returns its handle.
    Bytes file(const std::string &name, View content = {});
    Bytes symlink(const std::string &name, std::string_view target);

    /// Something that was made in the directory by other means: it is removed, too.
    void adopt(const std::string &name, Bytes handle) { handles_[name] = std::move(handle); }

    /// Empty files with long names, whose listing takes some 200 bytes each.
    void many_files(unsigned count);

    /// What is in a file, fetched inline piece by piece.
    Bytes content(View handle, std::size_t length);

    /// The same in one READ, by way of a Write chunk.
    Bytes whole(View handle, std::size_t length);

    /// Of a file that was made here.
    [[nodiscard]] const Bytes &handle(const std::string &name) const { return handles_.at(name); }

    [[nodiscard]] const Bytes &directory() const { return directory_; }
    [[nodiscard]] const std::string &name() const { return name_; }

  private:
    Client *client_;
    Bytes root_, directory_;
    std::string name_;
    std::map<std::string, Bytes> handles_; ///< by name
};

/// `length` bytes of no pattern.
Bytes random_bytes(Context &context, std::size_t length);

} // namespace conform
