// SPDX-License-Identifier: Apache-2.0
#ifndef TANDEM_GUEST_X86_64_ARCH_CONFIG_H_
#define TANDEM_GUEST_X86_64_ARCH_CONFIG_H_

#include "tandem/guest_abi.h"

#define TANDEM_ARCH_RAM_BASE TANDEM_GUEST_RAM_BASE_X86_64

#endif  // TANDEM_GUEST_X86_64_ARCH_CONFIG_H_
