// SPDX-License-Identifier: GPL-2.0-only
#include "util/shell.h"

#include <gtest/gtest.h>

namespace lab {

TEST(ShellQuote, KeepsEveryWordOneWord) {
    EXPECT_EQ(shell_quote("plain-word_1.2/3"), "plain-word_1.2/3");
    EXPECT_EQ(shell_quote(""), "''");
    EXPECT_EQ(shell_quote("a b"), "'a b'");
    EXPECT_EQ(shell_quote("it's"), "'it'\\''s'");
    EXPECT_EQ(shell_quote("$HOME"), "'$HOME'");
}

} // namespace lab
