// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <string>

namespace lab {

/// A recorded input below tests/unit/data.
inline std::string test_data(const std::string &name) {
    const auto path = std::filesystem::path(__FILE__).parent_path() / "data" / name;
    std::ifstream file(path, std::ios::binary);
    EXPECT_TRUE(file) << path << " is missing";
    return {std::istreambuf_iterator<char>(file), {}};
}

} // namespace lab
