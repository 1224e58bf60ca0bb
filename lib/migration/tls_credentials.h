// SPDX-License-Identifier: Apache-2.0
// Keys and certificates for TLS, made when a test asks for them, and the object that hands them to
// QEMU. Certificates come from GnuTLS's certtool, which takes some milliseconds with elliptic
// curves.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "lib/base/deadline.h"
#include "lib/base/recording.h"
#include "lib/process/scratch_directory.h"
#include "lib/qmp/json.h"

namespace tandem {

// A certificate authority, by its name: those who trust "main" trust what "main" has signed.
using TlsAuthority = std::string;
// The one that is meant where a test says nothing else.
inline constexpr char kMainAuthority[] = "main";

// What stands in a certificate. A value.
struct TlsCertificate {
  std::string common_name = "tandem";
  std::vector<std::string> hosts = {"127.0.0.1"};  // names or IPv4 numbers; may be empty
  bool expired = false;
  TlsAuthority issuer = kMainAuthority;
};

// Which end of a TLS session; for a migration the destination is the server.
enum class TlsEndpoint { kServer, kClient };

// What one side of an x509 session has and asks for: QEMU's tls-creds-x509. A value.
struct TlsX509 {
  std::optional<TlsCertificate> certificate = TlsCertificate();  // nullopt: none, clients only
  TlsAuthority trusted = kMainAuthority;
  bool verify_peer = true;  // a server: asks for a certificate of the client
  bool check_own = true;    // QEMU's sanity-check, which refuses own certificates that are no good
};

// The distinguished name of a certificate of that common name, as QEMU's authz objects see it.
std::string TlsDistinguishedName(const std::string& common_name);

// Makes the files in a scratch directory, which must outlive it, as must the recording; each
// authority once. Not thread-safe; call from the main thread.
class TlsCredentials {
 public:
  TlsCredentials(const ScratchDirectory& scratch, Recording& recording)
      : scratch_(scratch), recording_(recording) {}

  // The arguments of object-add for a tls-creds-psk that knows one key: two sides with the same
  // `key`, any word, understand each other. Errors: those of writing files.
  absl::StatusOr<Json> PskObject(const std::string& id, TlsEndpoint endpoint,
                                 const std::string& key);

  // The arguments of object-add for a tls-creds-x509. FailedPrecondition where certtool is missing;
  // Internal with its last words where it fails; those of writing files.
  absl::StatusOr<Json> X509Object(const std::string& id, TlsEndpoint endpoint, const TlsX509& x509,
                                  const Deadline& deadline);

 private:
  std::string File(const std::string& name) const { return folder_ + "/" + name; }
  absl::StatusOr<std::string> MakeFolder();
  absl::Status MakeAuthority(const TlsAuthority& name, const Deadline& deadline);
  absl::Status MakeCertificate(TlsEndpoint endpoint, const TlsCertificate& certificate,
                               const std::string& folder, const Deadline& deadline);
  absl::Status MakeKey(const std::string& path, const Deadline& deadline);
  absl::Status Certtool(std::vector<std::string> arguments, const Deadline& deadline);

  const ScratchDirectory& scratch_;
  Recording& recording_;
  std::string folder_;  // of the authorities
  std::set<TlsAuthority> authorities_;
  int folders_made_ = 0;
};

}  // namespace tandem
