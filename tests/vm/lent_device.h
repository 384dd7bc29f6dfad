// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "module_test.h"

#include <string>
#include <vector>

namespace lab {

/// The numbers behind "NAME=" in a trace, in its order.
std::vector<unsigned> all_of(const std::string &name, const std::string &trace);

/// The largest of them, 0 if there is none.
unsigned most(const std::string &name, const std::string &trace);

/// A test with an adapter that the module lends to the device that is there (kmod/lend.h).
class LentDeviceTest : public ModuleTest {
  protected:
    /// Serves with the adapter and mounts, NFSv3. "" lends none.
    void lend(const std::string &device, const std::string &mount_options = {});

    /// Unmounts: nothing went wrong, and nothing is left.
    void end();

    std::string accepted_; ///< what was agreed on with each connection
};

} // namespace lab
