// SPDX-License-Identifier: Apache-2.0
#include "lib/migration/tls_credentials.h"

#include <filesystem>
#include <fstream>

#include "lib/base/status.h"
#include "lib/process/child_process.h"

namespace tandem {
namespace {

constexpr char kPskUser[] = "tandem";

absl::Status WriteFile(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  if (!file) return MakeError(absl::StatusCode::kInternal, "cannot write {}", path);
  return absl::OkStatus();
}

absl::Status CopyFile(const std::string& from, const std::string& to) {
  std::error_code error;
  std::filesystem::copy_file(from, to, error);
  if (error) return ErrnoError(error.value(), fmt::format("cannot copy {} to {}", from, to));
  return absl::OkStatus();
}

const char* NameOf(TlsEndpoint endpoint) {
  return endpoint == TlsEndpoint::kServer ? "server" : "client";
}

Json CredentialsObject(const char* type, const std::string& id, TlsEndpoint endpoint,
                       const std::string& folder) {
  return Json::Object(
      {{"qom-type", type}, {"id", id}, {"endpoint", NameOf(endpoint)}, {"dir", folder}});
}

bool IsIpv4(const std::string& host) {
  return host.find_first_not_of("0123456789.") == std::string::npos;
}

// As certtool reads what a certificate is to say.
std::string AuthorityTemplate(const TlsAuthority& name) {
  return fmt::format("cn = \"Tandem's authority {}\"\nca\ncert_signing_key\nexpiration_days = 2\n",
                     name);
}
std::string CertificateTemplate(TlsEndpoint endpoint, const TlsCertificate& certificate) {
  std::string text =
      fmt::format("cn = \"{}\"\nsigning_key\n{}\n", certificate.common_name,
                  endpoint == TlsEndpoint::kServer ? "tls_www_server" : "tls_www_client");
  for (const std::string& host : certificate.hosts) {
    text += fmt::format("{} = \"{}\"\n", IsIpv4(host) ? "ip_address" : "dns_name", host);
  }
  return text + (certificate.expired ? "activation_date = \"2001-01-01 00:00:00 UTC\"\n"
                                       "expiration_date = \"2002-01-01 00:00:00 UTC\"\n"
                                     : "expiration_days = 2\n");
}

// A key of 256 bits for each word.
std::string HexKey(const std::string& word) {
  uint64_t hash = 0xcbf29ce484222325;
  for (unsigned char byte : word) hash = (hash ^ byte) * 0x100000001b3;
  return fmt::format("{0:016x}{0:016x}{0:016x}{0:016x}", hash);
}

}  // namespace

std::string TlsDistinguishedName(const std::string& common_name) { return "CN=" + common_name; }

absl::StatusOr<std::string> TlsCredentials::MakeFolder() {
  folder_ = scratch_.File("tls");
  std::string made = File(fmt::format("of-object-{}", folders_made_++));
  std::error_code error;
  std::filesystem::create_directories(made, error);
  if (error) return ErrnoError(error.value(), "cannot make " + made);
  return made;
}

absl::StatusOr<Json> TlsCredentials::PskObject(const std::string& id, TlsEndpoint endpoint,
                                               const std::string& key) {
  TANDEM_ASSIGN_OR_RETURN(std::string folder, MakeFolder());
  TANDEM_RETURN_IF_ERROR(
      WriteFile(folder + "/keys.psk", fmt::format("{}:{}\n", kPskUser, HexKey(key))));
  Json object = CredentialsObject("tls-creds-psk", id, endpoint, folder);
  return endpoint == TlsEndpoint::kServer
             ? object
             : object.MergedWith(Json::Object({{"username", kPskUser}}));
}

absl::StatusOr<Json> TlsCredentials::X509Object(const std::string& id, TlsEndpoint endpoint,
                                                const TlsX509& x509, const Deadline& deadline) {
  TANDEM_ASSIGN_OR_RETURN(std::string folder, MakeFolder());
  TANDEM_RETURN_IF_ERROR(MakeAuthority(x509.trusted, deadline));
  TANDEM_RETURN_IF_ERROR(CopyFile(File(x509.trusted + "-cert.pem"), folder + "/ca-cert.pem"));
  if (x509.certificate) {
    TANDEM_RETURN_IF_ERROR(MakeCertificate(endpoint, *x509.certificate, folder, deadline));
  }
  return CredentialsObject("tls-creds-x509", id, endpoint, folder)
      .MergedWith(
          Json::Object({{"verify-peer", x509.verify_peer}, {"sanity-check", x509.check_own}}));
}

absl::Status TlsCredentials::MakeAuthority(const TlsAuthority& name, const Deadline& deadline) {
  if (!authorities_.insert(name).second) return absl::OkStatus();
  std::string description = File(name + "-template");
  TANDEM_RETURN_IF_ERROR(WriteFile(description, AuthorityTemplate(name)));
  TANDEM_RETURN_IF_ERROR(MakeKey(File(name + "-key.pem"), deadline));
  return Certtool({"--generate-self-signed", "--load-privkey", File(name + "-key.pem"),
                   "--template", description, "--outfile", File(name + "-cert.pem")},
                  deadline);
}

absl::Status TlsCredentials::MakeCertificate(TlsEndpoint endpoint,
                                             const TlsCertificate& certificate,
                                             const std::string& folder, const Deadline& deadline) {
  TANDEM_RETURN_IF_ERROR(MakeAuthority(certificate.issuer, deadline));
  std::string stem = folder + "/" + NameOf(endpoint);
  TANDEM_RETURN_IF_ERROR(
      WriteFile(folder + "/template", CertificateTemplate(endpoint, certificate)));
  TANDEM_RETURN_IF_ERROR(MakeKey(stem + "-key.pem", deadline));
  return Certtool(
      {"--generate-certificate", "--load-ca-certificate", File(certificate.issuer + "-cert.pem"),
       "--load-ca-privkey", File(certificate.issuer + "-key.pem"), "--load-privkey",
       stem + "-key.pem", "--template", folder + "/template", "--outfile", stem + "-cert.pem"},
      deadline);
}

absl::Status TlsCredentials::MakeKey(const std::string& path, const Deadline& deadline) {
  return Certtool({"--generate-privkey", "--key-type", "ecdsa", "--outfile", path}, deadline);
}

absl::Status TlsCredentials::Certtool(std::vector<std::string> arguments,
                                      const Deadline& deadline) {
  arguments.insert(arguments.begin(), {"certtool", "--no-text"});
  absl::StatusOr<std::unique_ptr<ChildProcess>> certtool = ChildProcess::Spawn(
      {.name = "certtool", .argv = std::move(arguments), .ends_by_itself = true}, recording_);
  if (absl::IsNotFound(certtool.status())) {
    return MakeError(absl::StatusCode::kFailedPrecondition,
                     "certificates need certtool, from Debian's package gnutls-bin: {}",
                     Message(certtool.status()));
  }
  if (!certtool.ok()) return certtool.status();
  TANDEM_ASSIGN_OR_RETURN(ExitStatus ended, (*certtool)->WaitForExit(deadline));
  if (ended.succeeded()) return absl::OkStatus();
  return MakeError(absl::StatusCode::kInternal, "certtool ended with {}: {}", ended.ToString(),
                   (*certtool)->last_stderr_line());
}

}  // namespace tandem
