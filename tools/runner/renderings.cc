// SPDX-License-Identifier: Apache-2.0
#include "tools/runner/renderings.h"

#include "lib/report/text.h"
#include "tools/runner/html_report.h"
#include "tools/runner/junit.h"
#include "tools/runner/matrix_table.h"

namespace tandem {

absl::Status WriteRenderings(const RunRecord& run, const RunRecord* baseline) {
  absl::Status status = WriteJunit(run);
  status.Update(WriteHtmlReport(run, {.baseline = baseline}));
  MatrixTable matrix = MakeMatrixTable(run.records, MatrixNames(run));
  if (!matrix.names.empty()) {
    status.Update(ReplaceTextFile(run.folder + "/matrix.md", RenderMatrix(matrix)));
  }
  return status;
}

}  // namespace tandem
