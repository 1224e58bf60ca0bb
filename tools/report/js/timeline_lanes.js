// SPDX-License-Identifier: Apache-2.0
// Draws the lanes of a timeline into an SVG, for one range of time and one width.

const GUTTER = 104,
  RIGHT = 10,
  TOP = 20,
  AXIS = 20,
  GAP = 10;
const HEIGHTS = { marks: 18, guest: 15, migration: 16, remaining: 34, serial: 9 };
const CHARACTER = 6.2; // pixels, nearly

const ROW_NAMES = {
  guest: 'guest',
  migration: 'migration',
  remaining: 'RAM left',
  serial: 'serial',
};

function rowsOf(lane) {
  const has = (name) => lane[name] && lane[name].length > 0;
  return [
    'marks',
    ...['guest', 'migration', 'remaining', 'serial'].filter(
      (name) => has(name) || name === 'guest',
    ),
  ];
}
const heightOfLane = (lane) => rowsOf(lane).reduce((sum, name) => sum + HEIGHTS[name] + 2, GAP);
const hasNotes = (timeline) => (timeline.notes || []).length > 0;
const heightOf = (timeline) =>
  TOP +
  (hasNotes(timeline) ? HEIGHTS.marks + 4 : 0) +
  timeline.lanes.reduce((sum, lane) => sum + heightOfLane(lane), 0) +
  AXIS;

// Distances on a time axis: 1, 2 or 5 of a power of ten.
function axisStep(span, count) {
  const rough = span / count,
    power = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= rough);
}

function drawAxis(view) {
  const step = axisStep(view.to - view.from, Math.max(3, (view.width - GUTTER) / 95)),
    lines = [];
  const bottom = view.height - AXIS,
    digits =
      step >= 1000 ? 0 : Math.max(0, -Math.floor(Math.log10(step / (view.to > 2000 ? 1000 : 1))));
  for (let ms = Math.ceil(view.from / step) * step; ms <= view.to; ms += step) {
    const x = view.x(ms),
      text = view.to > 2000 ? `${(ms / 1000).toFixed(digits)} s` : `${ms.toFixed(digits)} ms`;
    lines.push(
      svg('line', { x1: x, x2: x, y1: TOP - 4, y2: bottom, stroke: 'var(--line)' }),
      svg('text', { x, y: bottom + 14, 'text-anchor': 'middle', class: 'dim' }, text),
    );
  }
  return lines;
}

function drawSegments(view, segments, y, height, colourOf) {
  return segments
    .filter(({ from, to }) => to >= view.from && from <= view.to)
    .map(({ from, to, value }) => {
      const left = Math.max(GUTTER, view.x(from)),
        width = Math.max(1, Math.min(view.width - RIGHT, view.x(to)) - left);
      const fits = width > value.length * CHARACTER + 6;
      return svg(
        'g',
        {},
        svg('rect', { x: left, y, width, height, fill: colourOf(value), rx: 2 }),
        fits
          ? svg(
              'text',
              {
                x: left + 5,
                y: y + height - 4,
                class: colourOf(value) === 'var(--wait)' ? 'on-light' : 'on',
              },
              value,
            )
          : null,
      );
    });
}

function drawMarks(view, marks, y) {
  const inside = (marks || []).filter(([ms]) => ms >= view.from && ms <= view.to);
  const gathered = gatherMarks(inside, view.x, 9);
  return gathered.map(({ x, mark, marks: all }, index) => {
    const isLine = mark.shape.includes('M-4');
    const stroke = `var(--${mark.colour})`;
    const next = index + 1 < gathered.length ? gathered[index + 1].x : view.width;
    const fault = all.find((each) => each.kind === 'fault');
    const label = fault
      ? fault.text.replace(/^fault: /, '').split(' {')[0]
      : all.length > 1
        ? `×${all.length}`
        : '';
    const fits = label && next - x > label.length * CHARACTER + 14;
    view.hits.push({ x, y: y + 8, marks: all });
    return svg(
      'g',
      {},
      svg('path', {
        d: mark.shape,
        transform: `translate(${x} ${y + 8})`,
        stroke,
        'stroke-width': 1.6,
        fill: isLine ? 'none' : stroke,
      }),
      fits ? svg('text', { x: x + 8, y: y + 12, class: fault ? '' : 'dim' }, label) : null,
    );
  });
}

function drawMigration(view, lane, y, height) {
  const end = laneEnd(lane, view.timeline);
  const pauses = (lane.checkpoints || [])
    .filter(([from, to]) => to >= view.from && from <= view.to)
    .map(([from, to]) => {
      const left = Math.max(GUTTER, view.x(from));
      return svg('rect', {
        x: left,
        y,
        width: Math.max(1.5, view.x(to) - left),
        height,
        fill: 'var(--stop)',
        class: 'checkpoint',
      });
    });
  const passes = (lane.passes || [])
    .filter(([ms]) => ms >= view.from && ms <= view.to)
    .map(([ms, number], index, all) => {
      const x = view.x(ms),
        text = `pass ${number}`;
      const next = Math.min(
        index + 1 < all.length ? view.x(all[index + 1][0]) : view.width,
        view.x(segmentAt(lane.migration, ms, view.timeline.end_ms).to),
      );
      return [
        svg('line', {
          x1: x,
          x2: x,
          y1: y - 1,
          y2: y + height + 1,
          stroke: 'var(--text)',
          'stroke-width': 1.4,
          class: 'pass',
        }),
        next - x > text.length * CHARACTER + 8 && view.room(lane, ms, text)
          ? svg('text', { x: x + 4, y: y + height - 4, class: 'on' }, text)
          : null,
      ];
    });
  return [
    drawSegments(view, segmentsOf(lane.migration, end), y, height, migrationColour),
    pauses,
    passes,
  ];
}

function drawRemaining(view, lane, y, height) {
  const most = Math.max(1, ...lane.remaining.map(([, bytes]) => bytes));
  const points = lane.remaining.map(([ms, bytes]) => [
    view.x(ms),
    y + height - 1 - (bytes / most) * (height - 5),
  ]);
  const path = points
    .map(([x, at], index) => `${index ? 'L' : 'M'}${x.toFixed(1)} ${at.toFixed(1)}`)
    .join(' ');
  const last = points[points.length - 1],
    bottom = y + height;
  return [
    svg('path', {
      d: `${path} L${last[0]} ${bottom} L${points[0][0]} ${bottom} Z`,
      fill: 'var(--curve-fill)',
    }),
    svg('path', {
      d: path,
      fill: 'none',
      stroke: 'var(--curve)',
      'stroke-width': 1.6,
      class: 'remaining',
    }),
    points.map(([x, at]) => svg('circle', { cx: x, cy: at, r: 2.2, fill: 'var(--curve)' })),
  ];
}

const drawSerial = (view, lane, y, height) =>
  svg('path', {
    d: lane.serial
      .filter((ms) => ms >= view.from && ms <= view.to)
      .map((ms) => `M${view.x(ms).toFixed(1)} ${y + 1}v${height - 2}`)
      .join(''),
    stroke: 'var(--dim)',
    'stroke-width': 1,
  });

const ROW_DRAWERS = {
  marks: (view, lane, y) => drawMarks(view, lane.marks, y),
  guest: (view, lane, y, height) =>
    drawSegments(
      view,
      segmentsOf(lane.guest, laneEnd(lane, view.timeline)),
      y,
      height,
      guestColour,
    ),
  migration: drawMigration,
  remaining: drawRemaining,
  serial: drawSerial,
};

function drawLane(view, lane, top) {
  const labels = [],
    drawn = [];
  let y = top;
  for (const name of rowsOf(lane)) {
    labels.push(
      svg(
        'text',
        {
          x: GUTTER - 10,
          y: y + Math.min(HEIGHTS[name], 18) / 2 + 4,
          'text-anchor': 'end',
          class: name === 'marks' ? '' : 'dim',
          'font-weight': name === 'marks' ? 650 : 400,
        },
        name === 'marks' ? lane.role : ROW_NAMES[name],
      ),
    );
    if (name === 'remaining') {
      const most = Math.max(...lane.remaining.map(([, bytes]) => bytes));
      labels.push(
        svg(
          'text',
          { x: GUTTER - 10, y: y + 27, 'text-anchor': 'end', class: 'dim' },
          `≤ ${formatBytes(most)}`,
        ),
      );
    }
    drawn.push(ROW_DRAWERS[name](view, lane, y, HEIGHTS[name]));
    y += HEIGHTS[name] + 2;
  }
  view.bands.push({ lane, top, bottom: y });
  return { labels, drawn };
}
