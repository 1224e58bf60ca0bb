// SPDX-License-Identifier: Apache-2.0
#include "lib/qemu/machine_type.h"

#include <gtest/gtest.h>

namespace tandem {
namespace {

BinaryFacts Facts(std::string version, std::vector<std::string> types) {
  BinaryFacts facts;
  facts.version = std::move(version);
  facts.machine_types = std::move(types);
  return facts;
}

// A binary with itself uses the alias, which is what most users run.
TEST(MachineTypeTest, SameBinaryUsesTheAlias) {
  BinaryFacts facts = Facts("11.1.3", {"pc", "pc-i440fx-11.1", "q35"});
  EXPECT_EQ(CommonMachineType(MachineFamily::kPc, facts, facts).value(), "pc");
}

// Versions are compared as numbers: 10.0 is newer than 7.2.
TEST(MachineTypeTest, TwoVersionsUseTheNewestThatBothKnow) {
  BinaryFacts old = Facts("10.0.13", {"q35", "pc-q35-7.2", "pc-q35-10.0", "pc-q35-4.0.1"});
  BinaryFacts fresh = Facts("11.1.3", {"q35", "pc-q35-7.2", "pc-q35-10.0", "pc-q35-11.1"});
  EXPECT_EQ(CommonMachineType(MachineFamily::kQ35, old, fresh).value(), "pc-q35-10.0");
  EXPECT_FALSE(CommonMachineType(MachineFamily::kPc, old, fresh).ok());
}

TEST(MachineTypeTest, TellsFamilies) {
  EXPECT_EQ(FamilyOf("pc-q35-10.0"), MachineFamily::kQ35);
  EXPECT_EQ(FamilyOf("pc-i440fx-7.2"), MachineFamily::kPc);
  EXPECT_EQ(FamilyOf("microvm"), MachineFamily::kOther);
}

}  // namespace
}  // namespace tandem
