// SPDX-License-Identifier: Apache-2.0
// Numbers as people read them.

function formatMs(ms) {
  if (ms >= 10000) return `${(ms / 1000).toFixed(1)} s`;
  if (ms >= 1000) return `${(ms / 1000).toFixed(2)} s`;
  if (ms >= 10) return `${ms.toFixed(0)} ms`;
  return `${ms.toFixed(ms >= 1 ? 1 : 2)} ms`;
}

const formatSeconds = (seconds) =>
  seconds >= 120
    ? `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`
    : formatMs(seconds * 1000);

function formatBytes(bytes) {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  for (; bytes >= 1024 && unit < units.length - 1; ++unit) bytes /= 1024;
  return `${bytes >= 100 || unit === 0 ? bytes.toFixed(0) : bytes.toFixed(1)} ${units[unit]}`;
}

function formatNumber(value) {
  return Number.isInteger(value)
    ? value.toLocaleString('en')
    : String(Number(value.toPrecision(4)));
}

// By the unit that its name ends in.
function formatMeasurement(name, value) {
  if (Array.isArray(value)) {
    const shown = value.slice(0, 40).map((each) => formatMeasurement(name, each));
    return shown.join(', ') + (value.length > 40 ? `, … (${value.length})` : '');
  }
  if (typeof value !== 'number') return String(value);
  if (name.endsWith('_ms')) return formatMs(value);
  if (name.endsWith('_bytes')) return formatBytes(value);
  return formatNumber(value);
}

const plural = (count, word) => `${count.toLocaleString('en')} ${word}${count === 1 ? '' : 's'}`;

// "2026-11-21T04:28:08.187Z" as it stands, without what nobody reads.
const formatTime = (text) =>
  text
    .replace('T', ' ')
    .replace(/\.\d+Z$/, ' UTC')
    .replace(/Z$/, ' UTC');

function medianOf(values) {
  const sorted = [...values].sort((a, b) => a - b),
    middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
