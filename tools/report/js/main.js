// SPDX-License-Identifier: Apache-2.0
// Draws the page, and again when the filter changes.

drawSummary();
drawGroups();
drawMatrix();
drawMeasurements();
drawTests();
byId('footer').append(
  `Made by Tandem ${report.version || ''} at ${formatTime(report.generated)}. Charts by uPlot ${uPlotVersion}, MIT licence.`,
);
document.addEventListener('keydown', onKey);
window.addEventListener('hashchange', () => {
  readAddress();
  filterListeners.forEach((listener) => listener());
});
readAddress();
filterListeners.forEach((listener) => listener());
