// SPDX-License-Identifier: Apache-2.0
// Every migration parameter that the binary has, by QMP and by the human monitor: what it is set to
// takes effect, or is refused by name. M7 of docs/scenarios.md.
//
// The list, the types and the values of enumerations come from query-qmp-schema, the bounds of
// numbers from what QEMU says when one is out of them.
#include <algorithm>
#include <cctype>
#include <iterator>
#include <regex>
#include <set>
#include <sstream>

#include "fixtures/migration_fixture.h"
#include "fixtures/monitor_terminal.h"

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

class ParametersTest : public MigrationFixture {
 protected:
  const QmpSchema& schema() const { return config().source_facts->schema; }
  std::vector<std::string> Names() const { return schema().Arguments("migrate-set-parameters"); }
  std::string KindOf(const std::string& name) const {
    return schema().ArgumentKind("migrate-set-parameters", name);
  }
  std::vector<std::string> NamesOfKind(const std::string& kind) const {
    std::vector<std::string> names = Names();
    std::erase_if(names, [&](const std::string& name) { return KindOf(name) != kind; });
    return names;
  }

  Json Current(const std::string& name) {
    absl::StatusOr<Json> all = source().qmp().Execute("query-migrate-parameters", StepDeadline());
    if (!all.ok()) Complain(name, "query-migrate-parameters: " + Message(all.status()));
    return all.ok() ? (*all)[name] : Json();
  }
  absl::Status Set(const std::string& name, const Json& value) {
    return source()
        .qmp()
        .Execute("migrate-set-parameters", Json::Object({{name, value}}), StepDeadline())
        .status();
  }

  // Whether an error text has the parameter's name, in either spelling.
  static bool Names(std::string text, const std::string& name) {
    std::replace(text.begin(), text.end(), '_', '-');
    return text.find("'" + name + "'") != std::string::npos ||
           text.find("'" + name + "[") != std::string::npos ||
           text.find(" " + name + " ") != std::string::npos;
  }

  // Sets the parameter, looks at what became of it, and puts it back. True when it took effect.
  bool TakesEffect(const std::string& name, const Json& value) {
    Json before = Current(name);
    absl::Status set = Set(name, value);
    Json after = Current(name);
    if (set.ok()) {
      bool cleared = value.is_null() && KindOf(name) == "alternate" && after.Text().empty();
      if (after.Dump() != value.Dump() && !SameNumber(after, value) && !cleared) {
        Complain(name, value.Dump() + " is taken and becomes " + after.Dump());
      }
      if (!before.is_null() && !Set(name, before).ok()) Complain(name, "cannot be put back");
      return true;
    }
    std::optional<QmpError> refusal = QmpErrorOf(set);
    if (!refusal || !Names(refusal->description, name)) Complain(name, Message(set));
    if (after.Dump() != before.Dump()) Complain(name, value.Dump() + " is refused, but set");
    return false;
  }

  // Whatever is wrong is kept until all parameters have been tried.
  void Complain(const std::string& name, const std::string& what) {
    complaints_.push_back(name + ": " + what);
  }
  const std::vector<std::string>& complaints() const { return complaints_; }

 private:
  // -1 is the largest uint64_t to QEMU.
  static bool SameNumber(const Json& one, const Json& other) {
    return one.Integer().has_value() && one.Integer() == other.Integer();
  }

  std::vector<std::string> complaints_;
};

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
  EXPECT_GE(found, 5);
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

class HumanParametersTest : public ParametersTest {
 protected:
  std::string Monitor(const std::string& line) {
    absl::StatusOr<std::string> answer = source().machine().HumanMonitor(line, StepDeadline());
    if (!answer.ok()) Complain(line, Message(answer.status()));
    return answer.value_or("");
  }

  // What `info migrate_parameters` shows, by name; "128 bytes/second" with its unit.
  std::map<std::string, std::string> Shown() {
    std::map<std::string, std::string> shown;
    std::istringstream lines(Monitor("info migrate_parameters"));
    for (std::string line; std::getline(lines, line);) {
      if (!line.empty() && line.back() == '\r') line.pop_back();
      size_t colon = line.find(": ");
      if (colon != std::string::npos) shown[line.substr(0, colon)] = line.substr(colon + 2);
    }
    return shown;
  }

  // How the human monitor spells a value of QMP's.
  static std::string Spelled(const Json& value) {
    if (value.Boolean()) return *value.Boolean() ? "on" : "off";
    if (value.Integer()) return std::to_string(static_cast<uint64_t>(*value.Integer()));
    return value.Text();
  }

  // Whether what is shown is the value: without its unit and quotation marks.
  static bool Shows(std::string shown, const Json& value) {
    std::erase(shown, '\'');
    std::string spelled = Spelled(value);
    return shown == spelled || (value.Integer() && shown.starts_with(spelled + " "));
  }

  // Sizes have a unit, which the monitor would else choose itself.
  static std::string WithUnit(const std::string& shown, const std::string& value) {
    return shown.find(" byte") == std::string::npos ? value : value + "B";
  }
};

// M7: the human monitor shows what QMP says, at first and after changes.
TANDEM_COVERS(HumanParametersTest, InfoAgreesWithQmp, "M7");
TEST_F(HumanParametersTest, InfoAgreesWithQmp) {
  TANDEM_ASSERT_OK(StartSource());
  std::vector<Json> hidden;
  std::map<std::string, std::string> shown = Shown();
  for (const std::string& name : Names()) {
    if (!shown.contains(name)) hidden.emplace_back(name);
  }
  Measure("not_in_info_migrate_parameters", Json::Array(hidden));
  EXPECT_GE(shown.size(), 15u);
  for (int64_t number : {1, 99}) {
    for (const std::string& name : NamesOfKind("int")) Set(name, Json(number)).IgnoreError();
    for (const std::string& name : NamesOfKind("boolean")) Set(name, number > 1).IgnoreError();
    shown = Shown();
    for (const auto& [name, text] : shown) {
      if (name == "cpr-exec-command" || Shows(text, Current(name))) continue;
      Complain(name, "shown as " + text + ", is " + Current(name).Dump());
    }
  }
  TANDEM_ASSERT_THAT(complaints(), IsEmpty());
}

// M7: what the human monitor sets is what QMP says then; nonsense is an error and changes nothing.
TANDEM_COVERS(HumanParametersTest, SettingsTakeEffectOrAreRefused, "M7");
TEST_F(HumanParametersTest, SettingsTakeEffectOrAreRefused) {
  TANDEM_ASSERT_OK(StartSource());
  std::map<std::string, std::string> shown = Shown();
  for (const std::string& name : NamesOfKind("int")) {
    for (const char* value :
         {"1", "99", "65536", "0", "-1", "99999999999999999999", "nonsense", ""}) {
      Json before = Current(name);
      std::string answer =
          Monitor("migrate_set_parameter " + name + " " + WithUnit(shown[name], value));
      Json after = Current(name);
      bool changed = after.Dump() != before.Dump();
      if (!answer.empty() && changed) Complain(name, std::string(value) + " is an error, but set");
      if (answer.empty() && Spelled(after) != value && std::string(value) != "-1") {
        Complain(name, std::string(value) + " is taken and becomes " + after.Dump());
      }
    }
  }
  TANDEM_ASSERT_THAT(complaints(), IsEmpty());
  EXPECT_THAT(source(), MakesProgress());
}

class CompletionTest : public ParametersTest {
 protected:
  void SetUp() override {
    ParametersTest::SetUp();
    if (HasFatalFailure() || IsSkipped()) return;
    setup().source.arguments = {
        "-chardev", "socket,id=human,server=on,wait=off,path=" + EscapeOption(SocketPath()), "-mon",
        "chardev=human,mode=readline"};
  }
  std::string SocketPath() const { return scratch().File("human"); }

  absl::Status Attach() { return terminal_.Connect(SocketPath(), StepDeadline()); }
  absl::StatusOr<std::string> Type(const std::string& keys, const std::string& end) {
    return terminal_.Type(keys, end);
  }

 private:
  MonitorTerminal terminal_;
};

// M7: the tabulator completes the name of each parameter that the human monitor shows; two of them
// list all. Enter with an unfinished line is an error, and the monitor lives on.
TANDEM_COVERS(CompletionTest, CompletesEveryName, "M7");
TEST_F(CompletionTest, CompletesEveryName) {
  TANDEM_ASSERT_OK(StartSource());
  TANDEM_ASSERT_OK(Attach());
  const std::string command = "migrate_set_parameter ";
  // A last key that nothing completes, to know where the list ends.
  TANDEM_ASSERT_OK_AND_ASSIGN(std::string listed, Type(command + "\t\t%", "%"));
  std::istringstream words(listed);
  std::set<std::string> offered{std::istream_iterator<std::string>(words), {}};
  for (const std::string& name : Names()) {
    if (!offered.contains(name)) Complain(name, "is not offered");
  }
  Measure("offered", static_cast<int64_t>(offered.size()));
  TANDEM_ASSERT_OK(Type("\n", "(qemu) "));
  for (const std::string& name : Names()) {
    std::string most = name.substr(0, name.size() - 1);
    absl::StatusOr<std::string> completed = Type(command + most + "\t%", "%");
    TANDEM_ASSERT_OK(completed);
    if (completed->find(name) == std::string::npos) Complain(name, "is not completed");
    TANDEM_ASSERT_OK(Type("\n", "(qemu) "));
  }
  TANDEM_ASSERT_THAT(complaints(), IsEmpty());
  EXPECT_THAT(source(), MakesProgress());
}

}  // namespace
}  // namespace tandem
