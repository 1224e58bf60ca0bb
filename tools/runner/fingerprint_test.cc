// SPDX-License-Identifier: Apache-2.0
#include "tools/runner/fingerprint.h"

#include <gmock/gmock.h>

#include <set>
#include <string>
#include <vector>

namespace tandem {
namespace {

// The same failure as two repeats reported it.
struct SameFailure {
  const char* name;
  std::string once, again;
};

void PrintTo(const SameFailure& failure, std::ostream* out) { *out << failure.name; }

class SameFailureTest : public ::testing::TestWithParam<SameFailure> {};

TEST_P(SameFailureTest, HasOneFingerprint) {
  EXPECT_EQ(NormalizedReason(GetParam().once), NormalizedReason(GetParam().again));
  EXPECT_EQ(Fingerprint(GetParam().once), Fingerprint(GetParam().again));
}

INSTANTIATE_TEST_SUITE_P(
    Fingerprint, SameFailureTest,
    ::testing::Values(
        SameFailure{"EventsThatCameLast",
                    "a_test.cc:29\nWaitForCheckpoints(3)\n  DEADLINE_EXCEEDED: checkpoint 1 of 3: "
                    "timed out after 1.30 s waiting for event STOP of primary; last events:\n"
                    "  primary {\"timestamp\": {\"seconds\": 17}, \"event\": \"RESUME\"}\n"
                    "  secondary {\"event\": \"STOP\"}",
                    "a_test.cc:29\nWaitForCheckpoints(3)\n  DEADLINE_EXCEEDED: checkpoint 3 of 3: "
                    "timed out after 980 ms waiting for event STOP of primary; no QMP event came"},
        SameFailure{"PidAndSourceLine",
                    "../../suites/colo_test.cc:62\ndestination (pid 28423) died with signal 6 "
                    "(SIGABRT); its last line on stderr: qemu-system-x86_64: "
                    "../../softmmu/memory.c:2610: f: Assertion `!subregion->container' failed.",
                    "/home/u/t/suites/colo_test.cc:71\ndestination (pid 9) died with signal 6 "
                    "(SIGABRT); its last line on stderr: qemu-system-x86_64: "
                    "system/memory.c:2666: f: Assertion `!subregion->container' failed."},
        SameFailure{
            "DeathInAnyWait",
            "a_test.cc:1\nStart()\n  UNAVAILABLE: awaiting the QMP greeting of destination: "
            "source (pid 3) died with exit code 1",
            "a_test.cc:1\nStart()\n  UNAVAILABLE: source: qmp_capabilities: source (pid 4) "
            "died with exit code 1"},
        SameFailure{
            "AssertionOfQemuInAnyStep",
            "a_test.cc:1\nFinishPostcopy()\n  UNAVAILABLE: awaiting x: destination (pid 3) "
            "died with signal 6 (SIGABRT); its last line on stderr: qemu: ../../util/yank.c:"
            "107: f: Assertion `e' failed.",
            "b_test.cc:2\nValue of: destination()\nExpected: is completed\n  UNAVAILABLE: "
            "destination (pid 4) died with signal 6 (SIGABRT); its last line on stderr: "
            "qemu: util/yank.c:99: f: Assertion `e' failed."},
        SameFailure{"TemporaryFolder", "cannot connect to unix:/tmp/tandem-aB3xyz/qmp.sock",
                    "cannot connect to unix:/var/lib/t/tandem-Zq90aa/qmp.sock"},
        SameFailure{"TemporaryFile", "cannot open /tmp/xyzzy.1", "cannot open /dev/shm/plugh-2"},
        SameFailure{"Port", "Failed to connect to '127.0.0.1:40123': Connection refused",
                    "Failed to connect to '127.0.0.1:5': Connection refused"},
        SameFailure{"AddressAndCount", "1 page differs, the first at gpa 0x400000 (hash 00ff12ab9)",
                    "3 page differs, the first at gpa 0xFF (hash 9e107d9d372bb682)"},
        SameFailure{"Plural", "1 page ahead by 2 generations", "1028 pages ahead by 1 generation"},
        SameFailure{
            "DamagedPages",
            "Actual: the secondary, oracle: 7 pages stale by 3 generations (0x1-0x7, "
            "contiguous); 1 page damaged\npage 0x1 (gpa 0x2) stale by 3\nand 6 more pages",
            "Actual: the secondary, oracle: 1 page stale by 1 generation (0x9) [at page 0x1]"
            "\npage 0x9 (gpa 0x1) stale by 1: byte 0x0 expected 0x5f found 0x69c"},
        SameFailure{"KnownDefect", "known defect a-b: it is bad (docs)\nthe source died",
                    "known defect a-b: it is bad (docs)\nthe destination hangs"},
        SameFailure{"SerialConsole", "last state: 0 of them came, console ends in \"ABBBBBBBB\"",
                    "last state: 2 of them came, console ends in \"ABBB\""},
        SameFailure{"Uuid", "no machine 8c2b1d34-0f6e-4a52-9c3e-aaaaaaaaaaaa",
                    "no machine 00000000-0f6e-4a52-9c3e-1234567890ab"},
        SameFailure{"MomentAndColour", "\x1b[31mat 2026-11-21T04:28:08.187Z\x1b[0m: it stopped",
                    "at 2027-01-02 03:04:05+01:00: it stopped"},
        SameFailure{"Channel", "multifdsend_1: Broken pipe", "multifdsend_12: Broken pipe"},
        SameFailure{"Size", "64 KiB were left", "1.5 GiB were left"}),
    [](const auto& failure) { return std::string(failure.param.name); });

// What fails in another way has a fingerprint of its own.
TEST(FingerprintTest, TellsFailuresApart) {
  std::vector<std::string> reasons = {
      "the source died with signal 6 (SIGABRT)",
      "the source died with signal 11 (SIGSEGV)",
      "the destination died with signal 6 (SIGABRT)",
      "UNAVAILABLE: awaiting x: source (pid 3) died with exit code 1",
      "UNAVAILABLE: awaiting x: destination (pid 3) died with exit code 1",
      "the source ended with exit code 1",
      "the source ended with exit code 2",
      "a_test.cc:3\nsource()",
      "b_test.cc:3\nsource()",
      "waiting for event STOP of primary",
      "waiting for event RESUME of primary",
      "has run state colo",
      "has run state postmigrate",
      "compressed by zstd4",
      "compressed by zlib4",
      "cannot read data and/or code",
      "Actual: the secondary, oracle: 7 pages stale by 3 generations (0x1-0x7)",
      "Actual: the secondary, oracle: 7 pages zeroed (0x1-0x7)",
      "Colo/ColoTest.X/Plain",
      "Colo/ColoTest.X/Multifd",
      "memory.c:3: Assertion `a' failed.",
      "memory.c:3: Assertion `b' failed.",
      "TIMED_OUT",
  };
  std::set<std::string> fingerprints;
  for (const std::string& reason : reasons) {
    EXPECT_TRUE(fingerprints.insert(Fingerprint(reason)).second)
        << reason << " is " << NormalizedReason(reason);
  }
}

TEST(FingerprintTest, ReadsLikeTheReason) {
  EXPECT_EQ(NormalizedReason("../../suites/colo_test.cc:29\nWaitForCheckpoints(3)\n  "
                             "UNAVAILABLE: checkpoint 1 of 3: secondary (pid 77) died with signal "
                             "6 (SIGABRT) after 1.30 s, exit code 3: qemu-system-x86_64: "
                             "multifd_2: in /usr/share/qemu/bios.bin at 0xdeadBEEF"),
            "colo_test.cc:N\nWaitForCheckpoints(N)\n"
            "secondary (pid N) died with signal "
            "6 (SIGABRT) after N s, exit code 3: qemu-system-x86_64: "
            "multifd_N: in bios.bin at 0xN");
}

// Fingerprints of runs of last year must be found again.
TEST(FingerprintTest, StaysTheSame) {
  EXPECT_EQ(Fingerprint("awaiting STOP took 1.30 s"), "ffe7d554cf");
  EXPECT_EQ(Fingerprint(""), "");
  EXPECT_EQ(Fingerprint(" \n"), "");
}

// A long reason is no burden, and what makes it long does not change it.
TEST(FingerprintTest, TakesWhatStandsInFront) {
  std::string head = "one\ntwo\nthree\nfour\nfive\nsix\n";
  EXPECT_EQ(NormalizedReason(head + std::string(8'000'000, 'x')), NormalizedReason(head + "y"));
  EXPECT_LE(NormalizedReason(std::string(1'000'000, '/')).size(), 1000u);
  EXPECT_EQ(NormalizedReason("bad \xff byte"), "bad \uFFFD byte");
}

}  // namespace
}  // namespace tandem
