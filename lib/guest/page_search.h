// SPDX-License-Identifier: Apache-2.0
// Finds the guest's memory in bytes that came from elsewhere: a stream, a file.
#pragma once

#include <cstddef>
#include <string_view>

namespace tandem {

// How many stretches of the guest's page bodies lie in `bytes`, at any offset. Most pages of the
// test region have two, between the stamps at their beginning, middle and end; those of the zero
// and the incompressible band have none. Chance finds none: each is at least 32 words long.
size_t CountPageBodies(std::string_view bytes);

}  // namespace tandem
