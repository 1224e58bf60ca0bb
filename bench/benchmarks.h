// SPDX-License-Identifier: Apache-2.0
// The benchmarks, one function for each file of them.
#pragma once

namespace tandem {

void RegisterOracleBenchmarks();
void RegisterQmpBenchmarks();
void RegisterStartBenchmarks();

}  // namespace tandem
