// SPDX-License-Identifier: Apache-2.0
#include "lib/report/exercised.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tandem {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

class ExercisedTest : public ::testing::Test {
 protected:
  void Exchange(const std::string& origin, const std::string& command, const std::string& answer) {
    std::string id = std::to_string(++id_);
    recording_.Append(origin, EntryKind::kQmpSent, "{" + command + ",\"id\":" + id + "}");
    recording_.Append(origin, EntryKind::kQmpReply, "{" + answer + ",\"id\":" + id + "}");
  }

  Recording recording_;
  int id_ = 0;
};

// Capabilities that were switched on, parameters, statuses and transports in both spellings.
TEST_F(ExercisedTest, SeesWhatWasUsed) {
  const std::string ok = "\"return\":{}";
  Exchange("source",
           R"("execute":"migrate-set-capabilities","arguments":{"capabilities":[)"
           R"({"capability":"events","state":true},{"capability":"xbzrle","state":false}]})",
           ok);
  Exchange(
      "source",
      R"("execute":"migrate-set-parameters","arguments":{"max-bandwidth":1,"mode":"cpr-exec"})",
      ok);
  Exchange("source", R"("execute":"migrate","arguments":{"uri":"exec:cat >f"})", ok);
  Exchange("destination",
           R"("exec-oob":"migrate-incoming","arguments":{"channels":[{"channel-type":"main",)"
           R"("addr":{"transport":"socket","type":"inet","host":"::1","port":"0"}}]})",
           ok);
  Exchange("source", R"("execute":"query-migrate")", R"("return":{"status":"device"})");
  recording_.Append("source", EntryKind::kQmpEvent,
                    R"({"event":"MIGRATION","data":{"status":"active"}})");
  EXPECT_THAT(ExercisedIn(recording_),
              ElementsAre(Pair("capabilities", ElementsAre("events")),
                          Pair("modes", ElementsAre("cpr-exec")),
                          Pair("parameters", ElementsAre("max-bandwidth", "mode")),
                          Pair("statuses", ElementsAre("active", "device")),
                          Pair("transports", ElementsAre("exec", "tcp"))));
}

// What was set and no migration of that machine began with is not tested. What is set while one
// runs counts, what was switched off before does not.
TEST_F(ExercisedTest, OnlyMigrationsUseWhatIsSet) {
  const std::string ok = "\"return\":{}";
  auto set = [&](const std::string& origin, const std::string& parameters) {
    Exchange(origin, R"("execute":"migrate-set-parameters","arguments":{)" + parameters + "}", ok);
  };
  auto change = [&](const std::string& state) {
    Exchange("source",
             R"("execute":"migrate-set-capabilities","arguments":{"capabilities":[)"
             R"({"capability":"xbzrle","state":)" +
                 state + "}]}",
             ok);
  };
  set("source", R"("max-bandwidth":1,"mode":"cpr-exec")");
  set("destination", R"("downtime-limit":1)");
  change("true");
  EXPECT_THAT(ExercisedIn(recording_), IsEmpty());
  change("false");
  set("source", R"("mode":"cpr-reboot")");
  Exchange("source", R"("execute":"migrate","arguments":{"uri":"unix:a"})", ok);
  set("source", R"("announce-step":1)");
  recording_.Append("source", EntryKind::kQmpEvent,
                    R"({"event":"MIGRATION","data":{"status":"completed"}})");
  set("source", R"("throttle-trigger-threshold":1)");
  EXPECT_THAT(ExercisedIn(recording_),
              ElementsAre(Pair("modes", ElementsAre("cpr-reboot")),
                          Pair("parameters", ElementsAre("announce-step", "max-bandwidth", "mode")),
                          Pair("statuses", ElementsAre("completed")),
                          Pair("transports", ElementsAre("unix"))));
  // A destination that was told its address on the command line tells of the migration by itself.
  recording_.Append("destination", EntryKind::kQmpEvent,
                    R"({"event":"MIGRATION","data":{"status":"active"}})");
  EXPECT_THAT(ExercisedIn(recording_)["parameters"], Contains("downtime-limit"));
}

// What QEMU refused, or never answered, was not used.
TEST_F(ExercisedTest, RefusedIsNotUsed) {
  Exchange("source", R"("execute":"migrate-set-parameters","arguments":{"max-bandwidth":-1})",
           R"("error":{"class":"GenericError","desc":"no"})");
  recording_.Append("source", EntryKind::kQmpSent,
                    R"({"execute":"migrate","arguments":{"uri":"tcp:a:1"},"id":99})");
  recording_.Append("source", EntryKind::kQmpReply, "no JSON");
  EXPECT_THAT(ExercisedIn(recording_), IsEmpty());
}

}  // namespace
}  // namespace tandem
