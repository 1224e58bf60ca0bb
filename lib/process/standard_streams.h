// SPDX-License-Identifier: Apache-2.0
// What a program does first, so that its standard streams are what it takes them for.
#pragma once

namespace tandem {

// Opens /dev/null in place of each standard stream that was closed: what is opened later must not
// get its number, or what is printed would go into a machine's socket, or into a file of results.
void OpenClosedStreams();

}  // namespace tandem
