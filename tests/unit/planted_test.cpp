// SPDX-License-Identifier: GPL-2.0-only
// The defects that the lab's own kernels have to find can still be planted.
#include "planted_defects.h"

#include "util/temp.h"

#include <gtest/gtest.h>

namespace lab {
namespace {

TEST(Planted, FindTheirPlaces) {
    const PlantedDefects defects;
    const auto temp = TempDir::make();
    ASSERT_TRUE(temp) << temp.error().what;
    unsigned number = 0;
    for (const auto *defect :
         {&defects.leaked_object, &defects.locks_in_two_orders, &defects.used_after_free,
          &defects.leaked_page, &defects.racy_counter}) {
        const auto planted = plant(*defect, temp->path() / std::to_string(number++));
        EXPECT_TRUE(planted) << planted.error().what;
    }
}

TEST(Planted, APlaceThatIsGoneIsAnError) {
    const auto temp = TempDir::make();
    ASSERT_TRUE(temp) << temp.error().what;
    EXPECT_FALSE(plant({{"read.c", "no such text", "\n"}}, temp->path() / "kmod"));
}

} // namespace
} // namespace lab
