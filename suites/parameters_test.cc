// SPDX-License-Identifier: Apache-2.0
// Every migration parameter that the binary has, by QMP: what it is set to takes effect, or is
// refused by name. M7 of docs/scenarios.md.
//
// The list, the types and the values of enumerations come from query-qmp-schema, the bounds of
// numbers from what QEMU says when one is out of them.
#include <algorithm>
#include <cctype>
#include <regex>

#include "fixtures/parameters_fixture.h"

namespace tandem {
namespace {

using ::testing::IsEmpty;

// The edges of the types that QEMU's parameters have, and of many ranges.
const Json kNumbers[] = {Json(0),
                         Json(1),
                         Json(2),
                         Json(99),
                         Json(100),
                         Json(101),
                         Json(255),
                         Json(256),
                         Json(65535),
                         Json(int64_t{1} << 31),
                         Json(int64_t{1} << 32),
                         Json(INT64_MAX),
                         Json(UINT64_MAX),
                         Json(-1)};

class ParametersTest : public ParametersFixture {};

// M7: numbers, from the smallest to the largest that QMP can spell.
TANDEM_COVERS(ParametersTest, NumbersTakeEffectOrAreRefused, "M7");
TEST_F(ParametersTest, NumbersTakeEffectOrAreRefused) {
  TANDEM_ASSERT_OK(StartSource());
  ASSERT_THAT(NamesOfKind("int"), ::testing::Not(IsEmpty()));
  for (const std::string& name : NamesOfKind("int")) {
    int taken = 0;
    for (const Json& number : kNumbers) taken += TakesEffect(name, number) ? 1 : 0;
    if (taken == 0 && !TakesEffect(name, Current(name))) Complain(name, "takes no value at all");
  }
  TANDEM_ASSERT_THAT(complaints(), IsEmpty());
  EXPECT_THAT(source(), MakesProgress());
}

// The smallest and the largest value, as a refusal names them.
struct Bounds {
  int64_t low, high;
};

class BoundsTest : public ParametersTest {
 protected:
  // Such as "between 1 and 255", "the range of 0 to (2000 * 1000) ms", "the range of
  // cpu-throttle-initial to 99".
  std::optional<Bounds> BoundsIn(const std::string& refusal) {
    static const std::regex pattern(
        R"((?:between|range of) ([\w-]+) (?:and|to) (?:(\d+)|\((\d+) \* (\d+)\)))");
    std::smatch found;
    if (!std::regex_search(refusal, found, pattern)) return std::nullopt;
    std::string low = found[1];
    std::replace(low.begin(), low.end(), '_', '-');
    bool is_number = std::all_of(low.begin(), low.end(), ::isdigit);
    int64_t high =
        found[2].matched ? std::stoll(found[2]) : std::stoll(found[3]) * std::stoll(found[4]);
    return Bounds{is_number ? std::stoll(low) : Current(low).Integer().value_or(0), high};
  }

  std::optional<Bounds> BoundsOf(const std::string& name) {
    Json before = Current(name);
    std::optional<Bounds> bounds;
    for (const Json& number : kNumbers) {
      absl::Status set = Set(name, number);
      if (auto refusal = QmpErrorOf(set); refusal && !bounds) {
        bounds = BoundsIn(refusal->description);
      }
    }
    TANDEM_EXPECT_OK(Set(name, before));
    return bounds;
  }

  // Whether the human monitor sets the parameter to that, which QMP then says. A size has a unit,
  // which the monitor would else choose itself.
  bool IsSetByHand(const std::string& name, int64_t value, bool is_size) {
    Json before = Current(name);
    absl::StatusOr<std::string> answer = source().machine().HumanMonitor(
        fmt::format("migrate_set_parameter {} {}{}", name, value, is_size ? "B" : ""),
        StepDeadline());
    Json after = Current(name);
    bool taken = answer.ok() && answer->empty();
    if (after.Dump() != (taken ? Json(value) : before).Dump()) {
      Complain(name, fmt::format("{} by hand makes it {}", value, after.Dump()));
    }
    return taken;
  }

  // The human monitor shows the unit of a size.
  std::string ShownByHand() {
    return source().machine().HumanMonitor("info migrate_parameters", StepDeadline()).value_or("");
  }

  void Expect(const std::string& name, int64_t bound, bool taken) {
    if (TakesEffect(name, Json(bound)) == taken) return;
    Complain(name, fmt::format("{} is {}", bound, taken ? "refused" : "taken"));
  }
};

// M7: the bounds that QEMU names in a refusal are taken, and what lies beyond is not.
TANDEM_COVERS(BoundsTest, NamedBoundsAreTrue, "M7");
TEST_F(BoundsTest, NamedBoundsAreTrue) {
  TANDEM_ASSERT_OK(StartSource());
  int found = 0;
  for (const std::string& name : NamesOfKind("int")) {
    std::optional<Bounds> bounds = BoundsOf(name);
    if (!bounds) continue;
    ++found;
    Expect(name, bounds->low, true);
    Expect(name, bounds->high, true);
    Expect(name, bounds->high + 1, false);
    if (bounds->low > 0) Expect(name, bounds->low - 1, false);
  }
  Measure("parameters_with_bounds", found);
  EXPECT_GE(found, 13) << "as many as QEMU 7.2 has";
  TANDEM_ASSERT_THAT(complaints(), IsEmpty());
}

// M7: around the bounds of a number, the human monitor takes what QMP takes, and no more.
TANDEM_COVERS(BoundsTest, HumanMonitorKeepsThem, "M7");
TEST_F(BoundsTest, HumanMonitorKeepsThem) {
  TANDEM_ASSERT_OK(StartSource());
  const std::string shown = ShownByHand();
  for (const std::string& name : NamesOfKind("int")) {
    std::optional<Bounds> bounds = BoundsOf(name);
    if (!bounds) continue;
    bool is_size = std::regex_search(shown, std::regex(name + R"(: \d+ bytes)"));
    for (int64_t bound : {bounds->low, bounds->high, bounds->high + 1}) {
      bool by_qmp = TakesEffect(name, Json(bound));
      if (IsSetByHand(name, bound, is_size) == by_qmp) continue;
      Complain(name, fmt::format("{} is {} by QMP alone", bound, by_qmp ? "taken" : "refused"));
    }
  }
  TANDEM_ASSERT_THAT(complaints(), IsEmpty());
}

// M7: null, and values of other types.
TANDEM_COVERS(ParametersTest, OtherTypesTakeEffectOrAreRefused, "M7");
TEST_F(ParametersTest, OtherTypesTakeEffectOrAreRefused) {
  TANDEM_ASSERT_OK(StartSource());
  const Json values[] = {Json(),          Json(""),         Json("nonsense"),
                         Json(true),      Json(false),      Json(1.5),
                         Json::Array({}), Json::Object({}), Json::Array({Json()})};
  for (const std::string& name : Names()) {
    for (const Json& value : values) TakesEffect(name, value);
  }
  TANDEM_ASSERT_THAT(complaints(), IsEmpty());
  EXPECT_THAT(source(), MakesProgress());
}

// M7: every value of every enumeration.
TANDEM_COVERS(ParametersTest, EnumeratedValuesTakeEffectOrAreRefused, "M7");
TEST_F(ParametersTest, EnumeratedValuesTakeEffectOrAreRefused) {
  TANDEM_ASSERT_OK(StartSource());
  ASSERT_THAT(NamesOfKind("enum"), ::testing::Not(IsEmpty()));
  for (const std::string& name : NamesOfKind("enum")) {
    std::vector<std::string> values = schema().ArgumentEnum("migrate-set-parameters", {name});
    EXPECT_GE(values.size(), 2u) << name;
    for (const std::string& value : values) TakesEffect(name, Json(value));
  }
  TANDEM_ASSERT_THAT(complaints(), IsEmpty());
}

}  // namespace
}  // namespace tandem
