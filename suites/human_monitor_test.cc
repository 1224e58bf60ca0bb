// SPDX-License-Identifier: Apache-2.0
// Migration by the human monitor: what is set there is what QMP says then, what it shows agrees
// with QMP, and the tabulator completes the names. M7 of docs/scenarios.md.
//
// The names, the types and the values of enumerations come from query-qmp-schema.
#include <iterator>
#include <map>
#include <set>
#include <sstream>

#include "fixtures/monitor_terminal.h"
#include "fixtures/parameters_fixture.h"

namespace tandem {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsSubsetOf;

constexpr std::string_view kOnlyByQmp = "block-bitmap-mapping";
// What QEMU up to 11.1 does not show to humans unless it is set; it shows all others.
constexpr const char* kNeverShown[] = {"multifd-zlib-level", "multifd-zstd-level",
                                       "multifd-qatzip-level", "block-bitmap-mapping",
                                       "cpr-exec-command"};

class HumanMonitorFixture : public ParametersFixture {
 protected:
  // The answer to a command; empty when all is well, or only a warning comes.
  std::string Monitor(const std::string& line) {
    absl::StatusOr<std::string> answer = source().machine().HumanMonitor(line, StepDeadline());
    if (!answer.ok()) Complain(line, Message(answer.status()));
    if (answer.ok() && answer->starts_with("warning: ")) return "";
    return answer.value_or("");
  }

  // What a command shows, by name: "128 bytes/second" with its unit.
  std::map<std::string, std::string> Shown(const std::string& command) {
    std::map<std::string, std::string> shown;
    std::istringstream lines(Monitor(command));
    for (std::string line; std::getline(lines, line);) {
      if (!line.empty() && line.back() == '\r') line.pop_back();
      size_t colon = line.find(": ");
      if (colon != std::string::npos) shown[line.substr(0, colon)] = line.substr(colon + 2);
    }
    return shown;
  }

  std::vector<std::string> Capabilities() const {
    return schema().ArgumentEnum("migrate-set-capabilities", {"capabilities", "capability"});
  }
};

class HumanParametersTest : public HumanMonitorFixture {
 protected:
  std::map<std::string, std::string> Shown() {
    return HumanMonitorFixture::Shown("info migrate_parameters");
  }

  // How the human monitor spells a value of QMP's.
  static std::string Spelled(const Json& value) {
    if (value.Boolean()) return *value.Boolean() ? "on" : "off";
    if (value.Integer()) return std::to_string(static_cast<uint64_t>(*value.Integer()));
    std::string words = value.Text();
    for (const Json& word : value.elements()) words += (words.empty() ? "" : " ") + word.Text();
    return words;
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

  // What to try for a parameter that is no number. Only a text may be nonsense.
  std::vector<std::string> WordsFor(const std::string& name) const {
    std::string kind = KindOf(name);
    std::vector<std::string> words = {"nonsense"};
    if (kind == "boolean") words = {"on", "off", "nonsense"};
    if (kind == "array") words = {"/bin/true tandem"};
    if (kind != "enum") return words;
    std::vector<std::string> values = ValuesOf(name);
    words.insert(words.end(), values.begin(), values.end());
    return words;
  }

  // Sets a parameter to a word; it takes effect, and is shown, or is refused by name.
  void TryWord(const std::string& name, const std::string& word) {
    Json before = Current(name);
    std::string answer = Monitor("migrate_set_parameter " + name + " " + word);
    Json after = Current(name);
    if (!answer.empty()) {
      if (answer.find(name) == std::string::npos) Complain(name, word + " is refused: " + answer);
      if (after.Dump() != before.Dump()) Complain(name, word + " is an error, but set");
      return;
    }
    if (Spelled(after) != word) Complain(name, word + " is taken and becomes " + after.Dump());
    if (std::string shown = Shown()[name]; !Shows(shown, after)) {
      Complain(name, word + " is shown as " + shown);
    }
  }
};

// M7: the human monitor shows what QMP says, at first and after changes.
TANDEM_COVERS(HumanParametersTest, InfoAgreesWithQmp, "M7");
TEST_F(HumanParametersTest, InfoAgreesWithQmp) {
  TANDEM_ASSERT_OK(StartSource());
  std::vector<std::string> hidden;
  std::map<std::string, std::string> shown = Shown();
  for (const std::string& name : Names()) {
    if (!shown.contains(name)) hidden.emplace_back(name);
  }
  Measure("not_in_info_migrate_parameters", Json::Array({hidden.begin(), hidden.end()}));
  EXPECT_GE(shown.size(), 15u);
  EXPECT_THAT(hidden, IsSubsetOf(kNeverShown));
  for (int64_t number : {1, 99}) {
    for (const std::string& name : NamesOfKind("int")) Set(name, Json(number)).IgnoreError();
    for (const std::string& name : NamesOfKind("boolean")) Set(name, number > 1).IgnoreError();
    shown = Shown();
    for (const auto& [name, text] : shown) {
      if (Shows(text, Current(name))) continue;
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

// M7: the same of truth values, enumerations, texts and lists; and every value of an enumeration is
// taken.
TANDEM_COVERS(HumanParametersTest, WordsTakeEffectOrAreRefused, "M7");
TEST_F(HumanParametersTest, WordsTakeEffectOrAreRefused) {
  TANDEM_ASSERT_OK(StartSource());
  int tried = 0;
  for (const std::string& name : Names()) {
    if (KindOf(name) == "int" || name == kOnlyByQmp) continue;
    for (const std::string& word : WordsFor(name)) TryWord(name, word);
    ++tried;
  }
  EXPECT_GE(tried, 5);
  TANDEM_ASSERT_THAT(complaints(), IsEmpty());
  EXPECT_THAT(source(), MakesProgress());
}

// M7: a command without its words, a name that no parameter has, and one that only QMP can set are
// errors that say so, and change nothing.
TANDEM_COVERS(HumanParametersTest, MistakesAreNamed, "M7");
TEST_F(HumanParametersTest, MistakesAreNamed) {
  TANDEM_ASSERT_OK(StartSource());
  TANDEM_ASSERT_OK_AND_ASSIGN(Json before,
                              source().qmp().Execute("query-migrate-parameters", StepDeadline()));
  EXPECT_THAT(Monitor("migrate_set_parameter"), HasSubstr("string expected"));
  EXPECT_THAT(Monitor("migrate_set_parameter max-bandwidth"), HasSubstr("string expected"));
  EXPECT_THAT(Monitor("migrate_set_parameter nonsense on"), HasSubstr("nonsense"));
  EXPECT_THAT(Monitor(fmt::format("migrate_set_parameter {} []", kOnlyByQmp)),
              HasSubstr("only be set through QMP"));
  TANDEM_ASSERT_OK_AND_ASSIGN(Json after,
                              source().qmp().Execute("query-migrate-parameters", StepDeadline()));
  EXPECT_EQ(after.Dump(), before.Dump());
  TANDEM_ASSERT_THAT(complaints(), IsEmpty());
}

class HumanCapabilitiesTest : public HumanMonitorFixture {
 protected:
  // What QMP says of a capability: "on", "off", or nothing.
  std::string StateOf(const std::string& name) {
    absl::StatusOr<Json> all = source().qmp().Execute("query-migrate-capabilities", StepDeadline());
    if (!all.ok()) Complain(name, "query-migrate-capabilities: " + Message(all.status()));
    for (const Json& each : all.value_or(Json()).elements()) {
      if (each["capability"].Text() != name) continue;
      return each["state"].Boolean().value_or(false) ? "on" : "off";
    }
    return "";
  }

  // Whether it took effect; complains when neither that nor a refusal.
  bool Takes(const std::string& name, const std::string& state) {
    std::string before = StateOf(name);
    std::string answer = Monitor("migrate_set_capability " + name + " " + state);
    std::string after = StateOf(name);
    std::string shown = Shown("info migrate_capabilities")[name];
    if (shown != after) Complain(name, "shown as \"" + shown + "\", is \"" + after + "\"");
    std::string expected = answer.empty() ? state : before;
    if (after != expected) {
      Complain(name, fmt::format("set {} (\"{}\"), is {}", state, answer, after));
    }
    return answer.empty();
  }
};

// M7: each capability is set, or refused for what it lacks; nonsense changes nothing.
TANDEM_COVERS(HumanCapabilitiesTest, SettingsTakeEffectOrAreRefused, "M7");
TEST_F(HumanCapabilitiesTest, SettingsTakeEffectOrAreRefused) {
  TANDEM_ASSERT_OK(StartSource());
  int taken = 0;
  for (const std::string& name : Capabilities()) {
    if (Takes(name, "nonsense")) Complain(name, "takes nonsense");
    taken += Takes(name, "on") ? 1 : 0;
    if (!Takes(name, "off")) Complain(name, "cannot be switched off");
  }
  Measure("capabilities_taken", taken);
  EXPECT_GE(taken, 10);
  EXPECT_THAT(Monitor("migrate_set_capability nonsense on"), HasSubstr("nonsense"));
  TANDEM_ASSERT_THAT(complaints(), IsEmpty());
  EXPECT_THAT(source(), MakesProgress());
}

class CompletionTest : public HumanMonitorFixture {
 protected:
  void SetUp() override {
    HumanMonitorFixture::SetUp();
    if (HasFatalFailure() || IsSkipped()) return;
    setup().source.arguments = {
        "-chardev", "socket,id=human,server=on,wait=off,path=" + EscapeOption(SocketPath()), "-mon",
        "chardev=human,mode=readline"};
  }
  std::string SocketPath() const { return scratch().File("human"); }

  absl::Status Attach() { return terminal_.Connect(SocketPath(), StepDeadline()); }

  // The commands that a page of `help` lists and that begin so: "migrate", "migrate_cancel".
  std::vector<std::string> CommandsIn(const std::string& help, const std::string& start) {
    std::vector<std::string> commands;
    std::istringstream lines(Monitor(help));
    for (std::string line; std::getline(lines, line);) {
      if (help != "help") line.erase(0, line.find(' ') + 1);  // "info "
      if (line.starts_with(start)) commands.push_back(line.substr(0, line.find_first_of(" [")));
    }
    return commands;
  }

  // Behind `before`, two tabulators list all names that begin with `start`, and one completes each.
  // The line that stands then is never a command: "%" is its last key, which nothing completes.
  void ExpectCompletes(const std::string& before, const std::string& start,
                       const std::vector<std::string>& names) {
    ASSERT_THAT(names, ::testing::SizeIs(::testing::Ge(3))) << before << start;
    TANDEM_ASSERT_OK_AND_ASSIGN(std::string listed, Type(before + start + "\t\t%", "%"));
    std::istringstream words(listed);
    std::set<std::string> offered{std::istream_iterator<std::string>(words), {}};
    TANDEM_ASSERT_OK(Type("\n", "(qemu) "));
    for (const std::string& name : names) {
      if (!offered.contains(name)) Complain(before + name, "is not offered");
      std::string most = name.substr(0, name.size() - 1);
      TANDEM_ASSERT_OK_AND_ASSIGN(std::string completed, Type(before + most + "\t%", "%"));
      if (completed.find(name) == std::string::npos) Complain(before + name, "is not completed");
      TANDEM_ASSERT_OK(Type("\n", "(qemu) "));
    }
  }

 private:
  absl::StatusOr<std::string> Type(const std::string& keys, const std::string& end) {
    return terminal_.Type(keys, end);
  }

  MonitorTerminal terminal_;
};

// M7: the tabulator completes the name of each parameter and capability of the binary, and of each
// command about migration; two of them list all. Enter with an unfinished line is an error, and the
// monitor lives on.
TANDEM_COVERS(CompletionTest, CompletesEveryName, "M7");
TEST_F(CompletionTest, CompletesEveryName) {
  TANDEM_ASSERT_OK(StartSource());
  TANDEM_ASSERT_OK(Attach());
  ExpectCompletes("migrate_set_parameter ", "", Names());
  ExpectCompletes("migrate_set_capability ", "", Capabilities());
  ExpectCompletes("", "migra", CommandsIn("help", "migra"));
  ExpectCompletes("info ", "migra", CommandsIn("help info", "migra"));
  TANDEM_ASSERT_THAT(complaints(), IsEmpty());
  EXPECT_THAT(source(), MakesProgress());
}

}  // namespace
}  // namespace tandem
