// SPDX-License-Identifier: Apache-2.0
// What an opened test shows: the reason, its timeline, facts, measurements, files, how to reproduce.

const encodePath = (path) => path.split('/').map(encodeURIComponent).join('/');

function factsOf(record) {
  const versions = Object.entries(record.versions || {}).map(
    ([role, version]) => `${role} ${version}`,
  );
  return el(
    'div',
    {},
    el('h3', {}, 'Facts'),
    pairsList([
      ['Status', statusBadge(record.status)],
      ['Known defect', record.known_defect],
      ['Took', record.seconds ? formatSeconds(record.seconds) : ''],
      ['Started', record.started ? formatTime(record.started) : ''],
      ['QEMU', versions.join(', ')],
      ['Machine', [record.machine_type, record.accelerator].filter(Boolean).join(', ')],
      ['Scenarios', (record.scenarios || []).join(', ')],
      ['Fingerprint', record.fingerprint ? el('code', {}, record.fingerprint) : ''],
      [
        'Phases',
        Object.entries(record.phases || {})
          .map(([name, seconds]) => `${name} ${formatSeconds(seconds)}`)
          .join(', '),
      ],
    ]),
  );
}

function measuredOf(record) {
  const entries = Object.entries(record.measurements || {});
  if (entries.length === 0) return null;
  return el(
    'div',
    {},
    el('h3', {}, 'Measured'),
    pairsList(entries.map(([name, value]) => [name, formatMeasurement(name, value)])),
  );
}

function filesOf(record) {
  if (!record.files || record.files.length === 0) return null;
  return el(
    'div',
    {},
    el('h3', {}, 'Files'),
    el(
      'ul',
      { class: 'files' },
      record.files.map(([path, size]) =>
        el(
          'li',
          {},
          el('a', { href: encodePath(path) }, path.split('/').pop()),
          el('span', { class: 'dim' }, ` ${formatBytes(size)}`),
        ),
      ),
    ),
  );
}

function reproductionOf(record) {
  const script = attachment('reproduce', record);
  if (!script) return null;
  return el(
    'details',
    {},
    el('summary', {}, 'reproduce.sh'),
    el(
      'div',
      { class: 'head' },
      el('span', { class: 'dim' }, 'starts the machines anew and replays what was said to them'),
      el('span', { class: 'tools' }, copyButton(script, 'reproduce.sh')),
    ),
    el('pre', { tabindex: '0', 'aria-label': 'reproduce.sh' }, script),
  );
}

function timelineOf(record) {
  const timeline = attachment('timeline', record);
  if (timeline) return timelineFigure(timeline, record);
  return record.timeline_left_out
    ? el(
        'p',
        { class: 'dim' },
        'The timeline was left out, because the report would have become too large. It is among the files.',
      )
    : null;
}

function attemptDetails(record) {
  const reason = record.reason
    ? el(
        'div',
        {},
        el('h3', {}, record.status === 'FAILED' ? 'Failure' : 'Reason'),
        el('pre', { tabindex: '0', 'aria-label': 'Reason' }, record.reason),
      )
    : null;
  return el(
    'div',
    { class: 'details' },
    reason,
    timelineOf(record),
    el('div', { class: 'columns' }, factsOf(record), measuredOf(record)),
    filesOf(record),
    reproductionOf(record),
  );
}

function detailsOf(test) {
  if (test.attempts.length === 1) return attemptDetails(test.shown);
  const shown = el('div', {});
  const choices = test.attempts.map((record) =>
    el(
      'button',
      { class: 'chip', type: 'button', 'aria-pressed': 'false', click: () => show(record) },
      `attempt ${record.attempt || 1}`,
      statusBadge(record.status),
    ),
  );
  function show(record) {
    choices.forEach((choice, index) =>
      choice.setAttribute('aria-pressed', test.attempts[index] === record),
    );
    shown.replaceChildren(attemptDetails(record));
  }
  show(test.shown);
  const bar = el('div', { class: 'chips', role: 'group', 'aria-label': 'Attempts' }, choices);
  bar.style.padding = '10px 14px 0';
  return el('div', {}, bar, shown);
}
