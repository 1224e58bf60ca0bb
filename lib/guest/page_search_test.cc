// SPDX-License-Identifier: Apache-2.0
#include "lib/guest/page_search.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "lib/guest/page_pattern.h"

namespace tandem {
namespace {

std::string PageOf(TandemGuestBand band, uint64_t page, uint64_t generation) {
  PageWords words;
  BuildPage(band, page, generation, words);
  return std::string(reinterpret_cast<const char*>(words.data()), sizeof words);
}

std::string Noise(size_t size) {
  std::mt19937 random(1);
  std::string text(size, '\0');
  for (char& byte : text) byte = static_cast<char>(random());
  return text;
}

// Whatever stands around a page, at any offset, also when it is cut.
TEST(PageSearchTest, FindsBodiesAtAnyOffset) {
  std::string page = PageOf(TANDEM_GUEST_BAND_ORDINARY, 4711, 3);
  EXPECT_EQ(CountPageBodies(page), 2u);
  EXPECT_EQ(CountPageBodies(page + page), 4u);
  for (size_t i = 0; i < 9; ++i) EXPECT_EQ(CountPageBodies(Noise(100 + i) + page + Noise(50)), 2u);
  EXPECT_EQ(CountPageBodies(page.substr(0, 1000)), 1u);
  EXPECT_EQ(CountPageBodies(PageOf(TANDEM_GUEST_BAND_CONSTANT, 0, 1)), 2u);
}

// Nor in what is too short to tell.
TEST(PageSearchTest, FindsNothingElsewhere) {
  EXPECT_EQ(CountPageBodies(""), 0u);
  EXPECT_EQ(CountPageBodies(std::string(15, 'x')), 0u);
  EXPECT_EQ(CountPageBodies(std::string(100'000, '\0')), 0u);
  EXPECT_EQ(CountPageBodies(Noise(1'000'000)), 0u);
  EXPECT_EQ(CountPageBodies(PageOf(TANDEM_GUEST_BAND_INCOMPRESSIBLE, 5, 2)), 0u);
  EXPECT_EQ(CountPageBodies(PageOf(TANDEM_GUEST_BAND_ORDINARY, 5, 2).substr(16, 31 * 8)), 0u);
}

}  // namespace
}  // namespace tandem
