// SPDX-License-Identifier: Apache-2.0
// Why all tests of a row may have been skipped: what the binary's schema confirms, and what people
// decided about the reason that a test gives.
#pragma once

#include <set>
#include <string>

#include "absl/status/statusor.h"
#include "lib/qemu/qmp_schema.h"
#include "lib/qmp/json.h"

namespace tandem {

// A skip, as its line of results.jsonl tells it. A value.
struct SkippedTest {
  std::string reason;
  std::string accelerator;  // "tcg", "kvm"; "" when it was not chosen yet
};

// A decision about rows. It holds for skips that say so, not for the rows as such: where the test's
// reason is another one, or the accelerator, nobody decided anything. A value.
struct SkipExcuse {
  std::set<std::string> rows;
  std::string reason;            // a part of the skip's reason
  std::string accelerator = {};  // that of the skip; "": any
  bool on_other_qemu = false;    // only on a QEMU that is not the default one
  std::string why = {};

  // From {"rows":[…],"reason":…,"accelerator":…,"on_other_qemu":true,"why":…}; rows, reason and why
  // are needed.
  static absl::StatusOr<SkipExcuse> Parse(const Json& object);
  bool Covers(const std::string& row, const SkippedTest& skipped) const;
};

// Whether the reason is that the binary lacks something, and its schema lacks it indeed: a
// capability, a status, a mode, a transport, a value of a parameter, an argument or a command.
bool LacksBySchema(const std::string& reason, const QmpSchema& schema);

}  // namespace tandem
