// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "util/deadline.h"

namespace lab {

/// Gives the scale of deadlines back, which is one for the whole program, to the tests that follow.
class KeepScale {
  public:
    KeepScale() = default;
    explicit KeepScale(double meanwhile) { Deadline::set_scale(meanwhile); }
    KeepScale(const KeepScale &) = delete;
    KeepScale &operator=(const KeepScale &) = delete;
    ~KeepScale() { Deadline::set_scale(before_); }

  private:
    double before_ = Deadline::scale();
};

} // namespace lab
