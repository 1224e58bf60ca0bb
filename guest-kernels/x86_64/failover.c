// SPDX-License-Identifier: Apache-2.0
//
// What a driver does for a failover pair of network devices on q35, as far as a migration needs it.
#include "failover.h"

#include "guest.h"

void TandemArchTendFailover(void) {
  volatile struct TandemGuestFailover* failover = &State()->failover;
  if (!failover->standby) failover->standby = TakeStandby();
  TendAcpi();
  failover->primaries = TendSlots();
}
