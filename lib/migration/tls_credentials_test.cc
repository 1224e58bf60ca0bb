// SPDX-License-Identifier: Apache-2.0
#include "lib/migration/tls_credentials.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "lib/base/status.h"
#include "lib/process/child_process.h"

namespace tandem {
namespace {

using ::testing::HasSubstr;

class TlsCredentialsTest : public ::testing::Test {
 protected:
  Deadline SomeTime() const { return Deadline::After(absl::Seconds(30)); }
  static std::string Read(const std::string& path) {
    std::stringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  }
  // The folder of one more object.
  std::string Make(TlsEndpoint endpoint, const TlsX509& x509) {
    absl::StatusOr<Json> made = credentials_.X509Object("tls0", endpoint, x509, SomeTime());
    if (absl::IsFailedPrecondition(made.status())) missing_ = Message(made.status());
    return made.ok() ? (*made)["dir"].Text() : made.status().ToString();
  }
  // What certtool, asked to verify a certificate by what the other side trusts, answers.
  std::string Verify(const std::string& certificate, const std::string& authority) {
    uint64_t before = recording_.last_sequence();
    auto certtool = ChildProcess::Spawn({.name = "verify",
                                         .argv = {"certtool", "--verify", "--load-ca-certificate",
                                                  authority, "--infile", certificate},
                                         .ends_by_itself = true},
                                        recording_);
    EXPECT_TRUE((*certtool)->WaitForExit(SomeTime()).ok());
    std::string said;
    for (const RecordingEntry& entry : recording_.EntriesAfter(before)) {
      if (entry.origin == "verify") said += entry.text + "\n";
    }
    return said;
  }

  Recording recording_;
  std::unique_ptr<ScratchDirectory> scratch_ = ScratchDirectory::Create().value();
  TlsCredentials credentials_{*scratch_, recording_};
  std::string missing_;
};

// The same word gives the same key, another word another.
TEST_F(TlsCredentialsTest, PskObjectsShareAKeyByItsWord) {
  Json server = credentials_.PskObject("tls0", TlsEndpoint::kServer, "right").value();
  Json client = credentials_.PskObject("tls0", TlsEndpoint::kClient, "right").value();
  Json other = credentials_.PskObject("tls0", TlsEndpoint::kClient, "other").value();
  EXPECT_THAT(server.Dump(), HasSubstr(R"("endpoint":"server")"));
  EXPECT_THAT(client.Dump(), HasSubstr(R"("username":"tandem")"));
  std::string key = Read(server["dir"].Text() + "/keys.psk");
  EXPECT_EQ(key.size(), 64 + std::string("tandem:\n").size());
  EXPECT_EQ(Read(client["dir"].Text() + "/keys.psk"), key);
  EXPECT_NE(Read(other["dir"].Text() + "/keys.psk"), key);
}

// One authority for all objects that name it, and another that does not vouch for them.
TEST_F(TlsCredentialsTest, AuthoritiesVouchForTheirOwn) {
  std::string server = Make(TlsEndpoint::kServer, TlsX509());
  if (!missing_.empty()) GTEST_SKIP() << missing_;
  std::string client = Make(TlsEndpoint::kClient, {.trusted = "other"});
  EXPECT_THAT(Verify(client + "/client-cert.pem", server + "/ca-cert.pem"),
              HasSubstr("certificate is trusted"));
  EXPECT_THAT(Verify(server + "/server-cert.pem", client + "/ca-cert.pem"),
              HasSubstr("NOT trusted"));
}

// What a test asks for stands in the certificate.
TEST_F(TlsCredentialsTest, CertificatesAreAsAskedFor) {
  std::string server = Make(TlsEndpoint::kServer, {.certificate = TlsCertificate{.expired = true}});
  if (!missing_.empty()) GTEST_SKIP() << missing_;
  EXPECT_THAT(Verify(server + "/server-cert.pem", server + "/ca-cert.pem"), HasSubstr("expired"));
  std::string client = Make(TlsEndpoint::kClient, {.certificate = std::nullopt});
  EXPECT_FALSE(std::filesystem::exists(client + "/client-cert.pem"));
  EXPECT_TRUE(std::filesystem::exists(client + "/ca-cert.pem"));
}

// QEMU gets what a side asks for.
TEST_F(TlsCredentialsTest, ObjectsSayWhatIsChecked) {
  absl::StatusOr<Json> object = credentials_.X509Object(
      "x", TlsEndpoint::kServer, {.verify_peer = false, .check_own = false}, SomeTime());
  if (absl::IsFailedPrecondition(object.status())) GTEST_SKIP() << Message(object.status());
  EXPECT_THAT(object->Dump(), HasSubstr(R"("endpoint":"server")"));
  EXPECT_THAT(object->Dump(), HasSubstr(R"("verify-peer":false)"));
  EXPECT_THAT(object->Dump(), HasSubstr(R"("sanity-check":false)"));
}

}  // namespace
}  // namespace tandem
