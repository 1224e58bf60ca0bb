// SPDX-License-Identifier: Apache-2.0
// How long things took over all tests: the share of values up to each time, this run's and the
// earlier run's, and whether that is a regression (report.rule says by which rule).

const SMALLEST_SHOWN = 0.1; // ms; the axis is logarithmic
const MOST_POINTS = 400;

const colour = (name) =>
  getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

const shareUpTo = (sorted, value) => {
  let low = 0,
    high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] <= value) low = middle + 1;
    else high = middle;
  }
  return (100 * low) / sorted.length;
};

function plotData(metric) {
  const lists = [metric.values, metric.baseline]
    .filter((list) => list && list.length)
    .map((list) => list.map((value) => Math.max(value, SMALLEST_SHOWN)));
  const all = [...new Set(lists.flat())].sort((a, b) => a - b);
  const step = Math.max(1, Math.ceil(all.length / MOST_POINTS));
  const xs = all.filter((_, index) => index % step === 0 || index === all.length - 1);
  return [
    [xs[0] / 1.15, ...xs, xs[xs.length - 1] * 1.15],
    ...lists.map((list) => [0, ...xs.map((x) => shareUpTo(list, x)), 100]),
  ];
}

// A dashed line at each median, which the table names.
function medianLines(metric) {
  const line = (plot, value, stroke) => {
    const x = plot.valToPos(Math.max(value, SMALLEST_SHOWN), 'x', true),
      { ctx, bbox } = plot;
    ctx.save();
    ctx.strokeStyle = stroke;
    ctx.setLineDash([4, 4]);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    ctx.restore();
  };
  return (plot) => {
    line(plot, metric.summary.median, colour('curve'));
    if (metric.baseline_summary) line(plot, metric.baseline_summary.median, colour('baseline'));
  };
}

const axisText = (ms) =>
  ms >= 1000 ? `${+(ms / 1000).toPrecision(3)} s` : `${+ms.toPrecision(3)} ms`;

// Round numbers on a logarithmic axis, as many as have room beside each other.
const STEPS = [[1, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 9], [1, 2, 3, 4, 6, 8], [1, 2, 5], [1, 3], [1]];
const LABEL_ROOM = 48;

function roundValues(least, most, room) {
  const within = STEPS.map((steps) => {
    const values = [];
    for (let power = 10 ** Math.floor(Math.log10(least)); power <= most; power *= 10) {
      values.push(...steps.map((step) => step * power).filter((v) => v >= least && v <= most));
    }
    return values;
  });
  const closest = (values) =>
    Math.min(...values.slice(1).map((value, i) => Math.log(value / values[i])));
  const fits = (values) =>
    values.length < 2 || (closest(values) / Math.log(most / least)) * room >= LABEL_ROOM;
  return within.find(fits) || [];
}

function plotOptions(metric, width) {
  const text = colour('dim'),
    grid = { stroke: colour('line'), width: 1 },
    ticks = { show: false };
  const font = '11px system-ui, "DejaVu Sans", sans-serif';
  const series = (label, stroke, fillColour) => ({
    label,
    stroke,
    fill: fillColour,
    width: 2,
    paths: uPlot.paths.stepped({ align: 1 }),
    points: { show: false },
    value: (_, share) => (share === null ? '' : `${share.toFixed(0)} %`),
  });
  return {
    width,
    height: 190,
    legend: { show: false },
    cursor: { y: false, drag: { x: true, y: false } },
    scales: {
      x: { time: false, distr: 3, range: (_, least, most) => [least, most] },
      y: { range: [0, 100] },
    },
    axes: [
      {
        stroke: text,
        grid,
        ticks,
        font,
        size: 26,
        splits: (plot, _, least, most) => roundValues(least, most, plot.bbox.width / devicePixelRatio),
        filter: (_, splits) => splits,
        values: (_, values) => values.map(axisText),
      },
      {
        stroke: text,
        grid,
        ticks,
        font,
        size: 44,
        incrs: [25, 50],
        values: (_, values) => values.map((value) => `${value} %`),
      },
    ],
    series: [
      {},
      series('this run', colour('curve'), colour('curve-fill')),
      ...(metric.baseline ? [series('earlier run', colour('baseline'))] : []),
    ],
    hooks: { draw: [medianLines(metric)] },
  };
}

function summaryRow(name, className, summary) {
  const swatch = el('span', { class: 'swatch' });
  swatch.style.setProperty('--c', `var(--${className})`);
  return [
    el('span', {}, swatch, name),
    summary.count.toLocaleString('en'),
    formatMs(summary.median),
    formatMs(summary.p90),
    formatMs(summary.max),
  ];
}

function verdictMark(metric) {
  if (!metric.compared) return null;
  const percent = Math.round((metric.ratio - 1) * 100),
    signed = `${percent > 0 ? '+' : ''}${percent} %`;
  const over = `over ${plural(metric.compared, 'test')}`;
  if (metric.verdict === 'worse')
    return el(
      'span',
      { class: 'mark worse', 'data-verdict': 'worse', title: over },
      `▲ regression ${signed}`,
    );
  if (metric.verdict === 'better')
    return el(
      'span',
      { class: 'mark better', 'data-verdict': 'better', title: over },
      `▼ faster ${signed}`,
    );
  return el('span', { class: 'dim', title: over }, `${signed}, no clear change`);
}

function changesOf(metric) {
  if (!metric.changes || metric.changes.length === 0) return null;
  const rows = metric.changes.map(({ id, before, after }) => {
    const test = tests.find((each) => each.id === id);
    return [
      el('button', { class: 'link mono', type: 'button', click: () => openTest(test) }, id),
      formatMs(before),
      formatMs(after),
    ];
  });
  return el(
    'details',
    {},
    el('summary', {}, `${plural(metric.changes_count, 'test')} at least twice as slow`),
    el('div', { class: 'log' }, tableOf(['test', 'earlier', 'now'], rows)),
  );
}

function metricCard(metric) {
  const holder = el('div', {
    role: 'img',
    'aria-label': `${metric.title}: median ${formatMs(metric.summary.median)}, highest ${formatMs(metric.summary.max)}`,
  });
  const rows = [summaryRow('this run', 'curve', metric.summary)];
  if (metric.baseline_summary)
    rows.push(summaryRow('earlier run', 'baseline', metric.baseline_summary));
  const card = el(
    'article',
    { class: 'card plot', 'data-metric': metric.name },
    el('div', { class: 'head' }, el('h3', {}, metric.title), verdictMark(metric)),
    holder,
    tableOf(['', 'values', 'median', '90 %', 'max'], rows),
    changesOf(metric),
  );
  const data = plotData(metric);
  const draw = () => {
    holder.replaceChildren();
    if (holder.clientWidth > 0) new uPlot(plotOptions(metric, holder.clientWidth), data, holder);
  };
  return { card, draw };
}

function drawMeasurements() {
  const metrics = report.metrics.filter((metric) => metric.values.length > 0);
  if (metrics.length === 0) return;
  const section = byId('measurements'),
    cards = metrics.map(metricCard);
  const { baseline } = report;
  const against = baseline
    ? `against the earlier run “${baseline.folder}”${baseline.started ? `, ${formatTime(baseline.started)}` : ''}`
    : 'share of the values up to each time';
  section.hidden = false;
  section.append(
    el('h2', { id: 'measurements-title' }, 'Measurements', el('small', {}, against)),
    el(
      'div',
      { class: 'plots' },
      cards.map(({ card }) => card),
    ),
    baseline ? el('p', { class: 'dim' }, report.rule) : '',
  );
  const draw = () => cards.forEach((each) => each.draw());
  whenSeen(section, draw);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw);
  onNewWidth(section, draw);
}
