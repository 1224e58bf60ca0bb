// SPDX-License-Identifier: Apache-2.0
#include "tools/coverage/skip_excuse.h"

#include <gtest/gtest.h>

namespace tandem {
namespace {

// A command "migrate-set-parameters" with one value of each enumeration, "migrate" without
// channels.
QmpSchema SmallSchema() {
  return QmpSchema(Json::Parse(R"([
    {"name":"migrate-set-parameters","meta-type":"command","arg-type":"1"},
    {"name":"1","meta-type":"object","members":[{"name":"mode","type":"2"},
      {"name":"multifd-compression","type":"3"}]},
    {"name":"2","meta-type":"enum","values":["normal"]},
    {"name":"3","meta-type":"enum","values":["zlib"]},
    {"name":"migrate-set-capabilities","meta-type":"command","arg-type":"4"},
    {"name":"4","meta-type":"object","members":[{"name":"capabilities","type":"5"}]},
    {"name":"5","meta-type":"array","element-type":"6"},
    {"name":"6","meta-type":"object","members":[{"name":"capability","type":"7"}]},
    {"name":"7","meta-type":"enum","values":["xbzrle"]},
    {"name":"query-migrate","meta-type":"command","ret-type":"8"},
    {"name":"8","meta-type":"object","members":[{"name":"status","type":"9"}]},
    {"name":"9","meta-type":"enum","values":["active"]},
    {"name":"migrate","meta-type":"command","arg-type":"10"},
    {"name":"10","meta-type":"object","members":[{"name":"uri","type":"str"}]}])")
                       .value());
}

bool Lacks(const std::string& reason) { return LacksBySchema(reason, SmallSchema()); }

// The words of the fixtures, each with what the schema lacks and what it has.
TEST(SkipExcuseTest, SchemaConfirmsALack) {
  EXPECT_TRUE(Lacks("QEMU 7.2.22 has no migration capability mapped-ram"));
  EXPECT_FALSE(Lacks("QEMU 7.2.22 has no migration capability xbzrle"));
  EXPECT_TRUE(Lacks("QEMU 7.2.22 has no migration parameter direct-io"));
  EXPECT_FALSE(Lacks("QEMU 7.2.22 has no migration parameter mode"));
  EXPECT_TRUE(Lacks("QEMU 7.2.22 has no migration mode cpr-exec"));
  EXPECT_FALSE(Lacks("QEMU 7.2.22 has no migration mode normal"));
  EXPECT_TRUE(Lacks("QEMU 7.2.22 has no migration status colo, by which a source tells"));
  EXPECT_FALSE(Lacks("QEMU 7.2.22 has no migration status active"));
  EXPECT_TRUE(Lacks("QEMU 7.2.22 has no migration to file: (its schema knows no such transport)"));
  EXPECT_FALSE(Lacks("QEMU 7.2.22 has no migration to exec: (its schema knows no such transport)"));
  EXPECT_TRUE(Lacks("QEMU 7.2.22 has no multifd-compression qpl (by its schema)"));
  EXPECT_FALSE(Lacks("QEMU 7.2.22 has no multifd-compression zlib (by its schema)"));
  EXPECT_TRUE(Lacks("QEMU 7.2.22: the command migrate has no argument channels"));
  EXPECT_FALSE(Lacks("QEMU 7.2.22: the command migrate has no argument uri"));
  EXPECT_TRUE(Lacks("QEMU 7.2.22 has no command cancel-vcpu-dirty-limit"));
  EXPECT_FALSE(Lacks("QEMU 7.2.22 has no command migrate"));
  EXPECT_FALSE(Lacks("no RDMA link of this machine has an IPv4 address"));
}

}  // namespace
}  // namespace tandem
