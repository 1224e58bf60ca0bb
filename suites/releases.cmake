# SPDX-License-Identifier: Apache-2.0
# Read by ctest: a sample of the suites in tandem_suites on older QEMU releases and from one release
# to another, as releases.<release>.<Suite>.<Test> in tandem_tests. All suites on such a release are
# TANDEM_QEMU=… ./dev test. A release that was not fetched is a skip.

set(fetched "$ENV{TANDEM_CACHE}")
if(fetched STREQUAL "")
  set(fetched "$ENV{HOME}/.cache/tandem")
endif()
set(artifacts "$ENV{TANDEM_ARTIFACTS}")
if(artifacts STREQUAL "")
  set(artifacts "${tandem_suites}/artifacts")
endif()
set(tandem_family releases)
set(tandem_tests "")

# tandem_on_releases(source destination test…): each test, <program>:<Suite>.<Test>, with the source
# of one release and the destination of the other.
function(tandem_on_releases source destination)
  set(releases ${source})
  if(NOT source STREQUAL destination)
    set(releases ${source}_to_${destination})
  endif()
  foreach(test IN LISTS ARGN)
    string(REGEX MATCH "^([a-z_]+):(.+)$" all ${test})
    set(program "${tandem_suites}/${CMAKE_MATCH_1}_test")
    set(filter ${CMAKE_MATCH_2})
    set(name releases.${releases}.${filter})
    set(missing "")
    foreach(release IN ITEMS ${source} ${destination})
      if(NOT EXISTS "${fetched}/qemu/${release}/bin/qemu-system-x86_64")
        set(missing ${release})
      endif()
    endforeach()
    if(missing)
      add_test(${name} sh -c "echo 'needs ./dev qemu ${missing}'; exit 77")
    else()
      add_test(${name} "${program}" --gtest_filter=${filter})
    endif()
    # Apart from the results of the QEMU that everything else is tested on.
    set_tests_properties(${name} PROPERTIES
      ENVIRONMENT "TANDEM_QEMU_SRC=${fetched}/qemu/${source}/bin/qemu-system-x86_64;\
TANDEM_QEMU_DST=${fetched}/qemu/${destination}/bin/qemu-system-x86_64;\
TANDEM_ARTIFACTS=${artifacts}/releases"
      ENVIRONMENT_MODIFICATION QTEST_QEMU_MACHINE_TYPE=unset:)
    list(APPEND tandem_tests ${name})
  endforeach()
  set(tandem_tests "${tandem_tests}" PARENT_SCOPE)
endfunction()

# One or two of each family that the release has.
set(precopy
    precopy:Precopy/PrecopyTest.LiveGuestMovesOverUnixSocket/Pc
    precopy:Precopy/PrecopyTest.AllRamBlocksArrive/Q35)
set(on_all ${precopy}
    multifd:Multifd/MultifdCompressionTest.LiveGuestMoves/Zstd
    postcopy:Postcopy/PostcopyTest.RecoversOnAnotherSocket/OneChannel
    tls:Tls/TlsTest.SharedKeyOpensTheWay/MultifdTcp
    tls:Tls/TlsHostTest.CertificateOfOtherHostIsRefused/Tcp
    cancel:Cancel/CancelTest.LeavesTheSourceRunning/Active
    negative:Negative/AddressArgumentsTest.NoneIsRefused/Uri
    mismatch:Mismatch/MismatchTest.GuestLivesOnAtTheSource/RamSizeWithReturnPath
    damage:Damage/StructureTest.DamageEndsTheDestination/CutInDevice
    damage:Damage/PayloadTest.OracleNamesTheDamagedPage/Page1234
    transport:Transport/TransportTest.SocketPairIsUsedUp/Uri
    transport:Transport/TransportTest.PipeOfCommands/Uri
    hotplug:Hotplug/HotplugTest.PluggedProcessorAndMemoryComeAlong/Q35
    memory:MemoryTest.SharedMemoryStaysWhereItIs
    internal_snapshot:InternalSnapshot/InternalSnapshotTest.GuestIsTakenBackOrSnapshotRefused/Xbzrle
    switchover:SwitchoverTest.ReturnPathAlone
    guest:GuestTest.OracleSeesAStalePage
    guest:GuestTest.GuestReportsALostVectorRegister
    bitmaps:Bitmaps/BitmapsTest.BitmapsArrive/MappedNames
    snapshot:SnapshotTest.BackgroundSnapshotIsOneMoment
    human_monitor:HumanParametersTest.InfoAgreesWithQmp
    hammer:Hammer/HammerTest.GuestArrivesWhole/StopAndContInActive)
tandem_on_releases(7.2 7.2 ${on_all})
tandem_on_releases(10.0 10.0 ${on_all}
                   postcopy:Postcopy/PostcopyTest.RecoversAfterPeersFellSilent/Preempt
                   pages:Pages/PagesTest.NoPageIsStaleAfterZeros/MultifdZlib
                   suspend:Suspend/SuspendTest.GuestSleepsOnAndWakesOnDestination/Q35
                   file:File/FileTest.GuestMoves/MappedRamMultifdLive
                   cpr:CprTest.GuestOutlivesARestart
                   cpr:Cpr/CprTransferTest.GuestRunsOnInItsRam/Deferred)
foreach(older IN ITEMS 7.2 10.0)
  tandem_on_releases(${older} 11.1 ${precopy})
  tandem_on_releases(11.1 ${older} ${precopy})
endforeach()
