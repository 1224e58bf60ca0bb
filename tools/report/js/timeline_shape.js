// SPDX-License-Identifier: Apache-2.0
// Colours, signs and words of a timeline, and its data in forms that are easy to draw.

const GUEST_COLOURS = { running: 'run', stopped: 'stop', paused: 'stop', suspended: 'other' };
const guestColour = (state) => `var(--${GUEST_COLOURS[state] || 'wait'})`;

const MIGRATION_COLOURS = {
  setup: 'other',
  'wait-unplug': 'other',
  active: 'active',
  'pre-switchover': 'active',
  device: 'active',
  'postcopy-active': 'postcopy',
  'postcopy-device': 'postcopy',
  'postcopy-paused': 'timed',
  'postcopy-recover': 'postcopy',
  'postcopy-recover-setup': 'postcopy',
  colo: 'colo',
  completed: 'passed',
  failing: 'failed',
  failed: 'failed',
  cancelling: 'timed',
  cancelled: 'timed',
};
const migrationColour = (status) => `var(--${MIGRATION_COLOURS[status] || 'other'})`;

// Worst first: what a mark that stands for several shows.
const MARKS = [
  { kind: 'fault', text: 'fault injected', colour: 'failed', shape: 'M0 -6 L6 0 L0 6 L-6 0 Z' },
  { kind: 'error', text: 'refused by QEMU', colour: 'failed', shape: 'M-4 -4 L4 4 M4 -4 L-4 4' },
  {
    kind: 'guest',
    text: "guest's self-check",
    colour: 'crashed',
    shape: 'M-4 -4 L4 4 M4 -4 L-4 4',
  },
  { kind: 'stderr', text: 'standard error', colour: 'timed', shape: 'M0 -5 L5 4 L-5 4 Z' },
  { kind: 'process', text: 'process ended', colour: 'text', shape: 'M-4 -4 H4 V4 H-4 Z' },
  { kind: 'event', text: 'event', colour: 'colo', shape: 'M0 -4 A4 4 0 1 0 0 4 A4 4 0 1 0 0 -4' },
  { kind: 'note', text: 'note of the test', colour: 'dim', shape: 'M-4 -3 H4 M-4 0 H4 M-4 3 H1' },
  { kind: 'command', text: 'command', colour: 'active', shape: 'M-3 -4 L4 0 L-3 4 Z' },
];
const markOf = (kind) => MARKS.find((mark) => mark.kind === kind) || MARKS[6];

// [[ms, value], …] as [{from, to, value}, …].
const segmentsOf = (changes, end) =>
  (changes || []).map(([from, value], index, all) => ({
    from,
    value,
    to: index + 1 < all.length ? all[index + 1][0] : Math.max(end, from),
  }));

const segmentAt = (changes, ms, end) =>
  segmentsOf(changes, end).find(({ from, to }) => from <= ms && ms < to) || {
    from: -Infinity,
    to: end,
    value: '',
  };

const laneEnd = (lane, timeline) => (lane.end_ms === undefined ? timeline.end_ms : lane.end_ms);

const noteMark = ([ms, origin, text]) => [
  ms,
  text.startsWith('fault: ') ? 'fault' : 'note',
  origin === 'test' ? text : `${origin}: ${text}`,
];

// What was so at a time: the last change before it.
function valueAt(changes, ms) {
  let found;
  for (const [from, value] of changes || []) if (from <= ms) found = value;
  return found;
}

// Marks nearer than `pixels` to each other stand as one.
function gatherMarks(marks, toX, pixels) {
  const gathered = [];
  for (const [ms, kind, text] of marks || []) {
    const x = toX(ms),
      last = gathered[gathered.length - 1];
    if (last && x - last.x < pixels) {
      last.marks.push({ ms, kind, text });
      if (MARKS.indexOf(markOf(kind)) < MARKS.indexOf(last.mark)) last.mark = markOf(kind);
    } else {
      gathered.push({ x, mark: markOf(kind), marks: [{ ms, kind, text }] });
    }
  }
  return gathered;
}

// Everything that happened, in order, as rows of a table.
function logOf(timeline) {
  const entries = (timeline.notes || [])
    .map(noteMark)
    .map(([ms, kind, text]) => [ms, 'test', kind, text]);
  for (const lane of timeline.lanes) {
    const add = (list, kind) =>
      (list || []).forEach(([ms, value]) => entries.push([ms, lane.role, kind, String(value)]));
    add(lane.guest, 'guest');
    add(lane.migration, 'migration');
    add(lane.passes, 'pass');
    (lane.marks || []).forEach(([ms, kind, text]) => entries.push([ms, lane.role, kind, text]));
  }
  if (timeline.failure)
    entries.push([
      timeline.failure.ms,
      'test',
      'failure',
      messageOf(timeline.failure.text).split('\n')[0],
    ]);
  return entries.sort((a, b) => a[0] - b[0]);
}

function describeTimeline(timeline) {
  const machines = timeline.lanes.map((lane) => lane.role).join(' and ');
  const failed = timeline.failure ? `; it failed at ${formatMs(timeline.failure.ms)}` : '';
  return `Timeline of ${machines || 'no machine'} over ${formatMs(timeline.end_ms)}${failed}. Plus and minus zoom, arrows move, 0 shows all.`;
}
