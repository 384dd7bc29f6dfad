// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "host/host.h"

#include <string>

namespace lab {

/// Further addresses of a server on the data network, for as long as this lives: a client with
/// NFSv3 takes each for a server of its own, with connections of its own.
class Addresses {
  public:
    /// `host` must outlive this. The test fails when it does not work.
    Addresses(Host &host, unsigned count);
    Addresses(const Addresses &) = delete;
    Addresses &operator=(const Addresses &) = delete;
    ~Addresses();

    /// The address of this number, from 0.
    [[nodiscard]] std::string at(unsigned number) const;

  private:
    Host *host_;
    unsigned count_;
};

} // namespace lab
