# SPDX-License-Identifier: Apache-2.0
# Read by ctest: a sample of the suites in tandem_suites with every address told by `channels` in
# place of `uri`, as channels.<Suite>.<Test> in tandem_tests. All suites so are
# TANDEM_ADDRESS=channels ./dev test.

set(artifacts "$ENV{TANDEM_ARTIFACTS}")
if(artifacts STREQUAL "")
  set(artifacts "${tandem_suites}/artifacts")
endif()
set(tandem_family channels)
set(tandem_tests "")

# One or two of each family that has an address, on both sides.
foreach(test IN ITEMS
    precopy:Precopy/PrecopyTest.LiveGuestMovesOverUnixSocket/Pc
    precopy:Precopy/PrecopyTest.StoppedGuestMovesOverTcp/Q35
    precopy:Precopy/PrecopyTest.DestinationAcknowledgesTheSwitchover/Pc
    multifd:Multifd/MultifdCompressionTest.LiveGuestMoves/Zstd
    multifd:Multifd/MultifdCancelTest.GuestMovesToAFreshDestination/Precopy
    postcopy:Postcopy/PostcopyTest.GuestRunsBeforeItsMemoryIsThere/Preempt
    postcopy:Postcopy/PostcopyTest.RecoversOnAnotherSocket/OneChannel
    postcopy:Postcopy/PostcopyTest.RecoversAfterPeerThatHangsUp/Preempt
    file:File/FileTest.GuestMoves/StreamStopped
    file:File/FileTest.GuestMoves/MappedRamLive
    file:File/FileTest.GuestMoves/MappedRamMultifdStopped
    file:FileOffsetTest.BytesBeforeTheOffsetStay
    file:FileOffsetTest.BytesBeforeTheOffsetStayInAnFdSet
    tls:Tls/TlsTest.SharedKeyOpensTheWay/Tcp
    tls:Tls/TlsTest.SharedKeyOpensTheWay/MultifdTcp
    tls:Tls/TlsHostTest.HostOfTheAddressIsAccepted/Tcp
    tls:TlsUnixTest.CertificateNeedsAHostname
    cpr:CprTest.GuestOutlivesARestart
    cpr:Cpr/CprTransferTest.GuestRunsOnInItsRam/Deferred
    cancel:Cancel/CancelTest.LeavesTheSourceRunning/Active
    cancel:RepeatedMigrationTest.GuestMovesFiveTimes
    mismatch:Mismatch/MismatchTest.GuestLivesOnAtTheSource/RamSizeWithReturnPath
    snapshot:SnapshotTest.BackgroundSnapshotIsOneMoment
    colo:Colo/ColoFailoverTest.SurvivorTakesOver/PcMultifdSecondaryDuringCheckpoint)
  string(REGEX MATCH "^([a-z_]+):(.+)$" all ${test})
  set(name channels.${CMAKE_MATCH_2})
  add_test(${name} "${tandem_suites}/${CMAKE_MATCH_1}_test" --gtest_filter=${CMAKE_MATCH_2})
  # Apart from the results of the same tests by `uri`.
  set_tests_properties(${name} PROPERTIES
    ENVIRONMENT "TANDEM_ADDRESS=channels;TANDEM_ARTIFACTS=${artifacts}/channels")
  list(APPEND tandem_tests ${name})
endforeach()
