// SPDX-License-Identifier: Apache-2.0
#include "lib/report/exercised.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tandem {
namespace {

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
