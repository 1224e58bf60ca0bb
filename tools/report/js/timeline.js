// SPDX-License-Identifier: Apache-2.0
// The timeline of a test: a picture with a lane for each machine, to be zoomed, and a table.

let clipCount = 0;

function drawEnding(view) {
  const { timeline } = view,
    bottom = view.height - AXIS,
    parts = [];
  if (timeline.teardown_ms !== undefined && timeline.teardown_ms < view.to) {
    const x = Math.max(GUTTER, view.x(timeline.teardown_ms));
    parts.push(
      svg('rect', {
        x,
        y: TOP,
        width: Math.max(0, view.width - RIGHT - x),
        height: bottom - TOP,
        fill: 'var(--other)',
        opacity: 0.12,
      }),
      view.width - x > 70 && !timeline.failure
        ? svg('text', { x: x + 5, y: TOP - 7, class: 'dim' }, 'teardown')
        : null,
    );
  }
  const { failure } = timeline;
  if (failure && failure.ms >= view.from && failure.ms <= view.to) {
    const x = view.x(failure.ms),
      since =
        failure.awaited_since_ms === undefined
          ? x
          : Math.max(GUTTER, view.x(failure.awaited_since_ms));
    const atEnd = x > view.width - 190;
    parts.push(
      svg('rect', {
        x: since,
        y: TOP,
        width: Math.max(0, x - since),
        height: bottom - TOP,
        fill: 'var(--failed)',
        opacity: 0.1,
      }),
      svg('line', {
        x1: x,
        x2: x,
        y1: TOP - 6,
        y2: bottom,
        stroke: 'var(--failed)',
        'stroke-width': 2,
        class: 'failing-moment',
      }),
      svg(
        'text',
        {
          x: atEnd ? x - 5 : x + 5,
          y: 11,
          'text-anchor': atEnd ? 'end' : 'start',
          style: 'fill: var(--failed); font-weight: 650',
        },
        `${view.endWord} at ${formatMs(failure.ms)}`,
      ),
    );
  }
  return parts;
}

// What the drawing functions share: the range, its scale, and what was drawn where.
function makeView(timeline, range, width, endWord) {
  const span = range.to - range.from;
  const view = {
    timeline,
    ...range,
    width,
    endWord,
    height: heightOf(timeline),
    hits: [],
    bands: [],
  };
  view.x = (ms) => GUTTER + ((ms - range.from) / span) * (width - GUTTER - RIGHT);
  view.ms = (x) => range.from + ((x - GUTTER) / (width - GUTTER - RIGHT)) * span;
  view.room = (lane, ms, text) => {
    // beside the name of the status
    const { from, value } = segmentAt(lane.migration, ms, timeline.end_ms);
    return view.x(ms) - Math.max(GUTTER, view.x(from)) > value.length * CHARACTER + 10;
  };
  return view;
}

function drawTimeline(picture, view) {
  const { timeline } = view,
    labels = [],
    drawn = [],
    clip = `clip-${++clipCount}`;
  let y = TOP;
  if (hasNotes(timeline)) {
    labels.push(
      svg('text', { x: GUTTER - 10, y: y + 12, 'text-anchor': 'end', 'font-weight': 650 }, 'test'),
    );
    drawn.push(drawMarks(view, timeline.notes.map(noteMark), y));
    y += HEIGHTS.marks + 4;
  }
  for (const lane of timeline.lanes) {
    const parts = drawLane(view, lane, y);
    labels.push(parts.labels);
    drawn.push(parts.drawn);
    y += heightOfLane(lane);
  }
  picture.setAttribute('viewBox', `0 0 ${view.width} ${view.height}`);
  picture.setAttribute('height', view.height);
  picture.replaceChildren(
    ...[
      svg(
        'clipPath',
        { id: clip },
        svg('rect', {
          x: GUTTER - 6,
          y: 0,
          width: view.width - GUTTER - RIGHT + 12,
          height: view.height,
        }),
      ),
      drawAxis(view),
      labels.flat(Infinity),
      svg('g', { 'clip-path': `url(#${clip})` }, drawn.flat(Infinity), drawEnding(view)),
    ].flat(Infinity),
  );
}

function tipLines(view, x, y) {
  const ms = view.ms(x),
    near = view.hits.filter((hit) => Math.abs(hit.x - x) < 7 && Math.abs(hit.y - y) < 12);
  if (near.length) {
    const marks = near[0].marks;
    return [
      ...marks.slice(0, 14).map((mark) => [formatMs(mark.ms), mark.text]),
      ...(marks.length > 14 ? [['', `… and ${marks.length - 14} more`]] : []),
    ];
  }
  return [
    [formatMs(ms), ''],
    ...view.bands.map(({ lane }) => {
      const remaining = valueAt(lane.remaining, ms);
      const pause = (lane.checkpoints || []).findIndex(([from, to]) => from <= ms && ms <= to);
      const ended = lane.end_ms !== undefined && ms > lane.end_ms;
      return [
        lane.role,
        ended
          ? 'ended'
          : [
              valueAt(lane.guest, ms) && `guest ${valueAt(lane.guest, ms)}`,
              valueAt(lane.migration, ms) && `migration ${valueAt(lane.migration, ms)}`,
              valueAt(lane.passes, ms) && `pass ${valueAt(lane.passes, ms)}`,
              remaining !== undefined && `${formatBytes(remaining)} left`,
              pause >= 0 &&
                `checkpoint ${pause + 1}, paused ${formatMs(lane.checkpoints[pause][1] - lane.checkpoints[pause][0])}`,
            ]
              .filter(Boolean)
              .join(', '),
      ];
    }),
  ];
}

function timelineLegend(timeline) {
  const states = [
    ...new Set(timeline.lanes.flatMap((lane) => (lane.guest || []).map(([, state]) => state))),
  ];
  const kinds = new Set([
    ...timeline.lanes.flatMap((lane) => (lane.marks || []).map(([, kind]) => kind)),
    ...(timeline.notes || []).map((note) => noteMark(note)[1]),
  ]);
  const swatch = (fillColour, text) => {
    const box = el('i', {});
    box.style.setProperty('--c', fillColour);
    return el('span', {}, box, text);
  };
  return el(
    'p',
    { class: 'legend' },
    states.map((state) => swatch(guestColour(state), `guest ${state}`)),
    timeline.lanes.some((lane) => lane.checkpoints)
      ? swatch('var(--stop)', "checkpoint's pause")
      : null,
    MARKS.filter((mark) => kinds.has(mark.kind)).map((mark) =>
      el(
        'span',
        {},
        svg(
          'svg',
          {
            width: 14,
            height: 12,
            viewBox: '-7 -6 14 12',
            style: 'display: inline; width: 14px; vertical-align: -1px',
            'aria-hidden': 'true',
          },
          svg('path', {
            d: mark.shape,
            stroke: `var(--${mark.colour})`,
            'stroke-width': 1.6,
            fill: mark.shape.includes('M-4') ? 'none' : `var(--${mark.colour})`,
          }),
        ),
        ` ${mark.text}`,
      ),
    ),
  );
}

function timelineLog(timeline) {
  const details = el('details', { toggle: open }, el('summary', {}, 'What happened, as a table'));
  function open() {
    if (details.childElementCount > 1) return;
    const rows = logOf(timeline).map(([ms, ...texts]) =>
      el(
        'tr',
        {},
        el('td', { class: 'num' }, `${ms.toFixed(1)} ms`),
        texts.map((text) => el('td', {}, text)),
      ),
    );
    details.append(
      el(
        'div',
        { class: 'log', tabindex: '0', role: 'region', 'aria-label': 'What happened' },
        el('table', {}, el('tbody', {}, rows)),
      ),
    );
  }
  return details;
}

function timelineFigure(timeline, record) {
  const picture = svg('svg', {
    role: 'img',
    tabindex: '0',
    'aria-label': describeTimeline(timeline),
  });
  const tip = el('div', { class: 'tip', hidden: true });
  const holder = el('div', { class: 'timeline' }, picture, tip);
  const tools = zoomTools(
    timeline,
    picture,
    tip,
    holder,
    record.status === 'FAILED' ? 'failed' : 'ended',
  );
  const failure =
    timeline.failure && timeline.failure.awaited
      ? el(
          'p',
          { class: 'dim' },
          `The last wait, for ${timeline.failure.awaited}, began at ${formatMs(timeline.failure.awaited_since_ms)} and ended at ${formatMs(timeline.failure.ms)}.`,
        )
      : null;
  return el(
    'div',
    {},
    el('div', { class: 'head' }, el('h3', {}, 'Timeline'), tools),
    holder,
    failure,
    timelineLegend(timeline),
    timelineLog(timeline),
  );
}
