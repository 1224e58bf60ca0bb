// SPDX-License-Identifier: Apache-2.0
// The head of the page: what was run, where, and what came of it.

function countsByStatus() {
  return STATUSES.map((status) => [
    status,
    tests.filter((test) => test.status === status.name).length,
  ]).filter(([, count]) => count > 0);
}

function statusChip(status, count) {
  const chip = el(
    'button',
    {
      class: `chip s-${status.name}`,
      type: 'button',
      'aria-pressed': 'false',
      'data-status': status.name,
      click: () => toggleStatus(status.name),
    },
    el('span', { class: 'status', 'data-sign': status.sign, 'aria-hidden': 'true' }),
    el('b', {}, count.toLocaleString('en')),
    status.text,
  );
  filterListeners.push(() => chip.setAttribute('aria-pressed', filter.statuses.has(status.name)));
  return chip;
}

function verdictText() {
  const bad = tests.filter((test) => statusOf(test.status).bad).length;
  if (bad > 0) return `${bad.toLocaleString('en')} of ${plural(tests.length, 'test')} went wrong`;
  const passed = tests.filter((test) => test.status === 'PASSED').length;
  if (passed === 0)
    return tests.length ? 'No test ran to a verdict: this run proves nothing' : 'No test was run';
  return passed === tests.length
    ? `All ${plural(passed, 'test')} passed`
    : `Of ${plural(tests.length, 'test')} none went wrong, and ${passed.toLocaleString('en')} passed`;
}

function durationOfRun() {
  const { started, finished } = report.run;
  const seconds = (Date.parse(finished) - Date.parse(started)) / 1000;
  return Number.isFinite(seconds) ? formatSeconds(seconds) : '';
}

function runFacts() {
  const { run } = report;
  const versions = Object.entries(run.qemu || {}).map(([name, version]) =>
    version.startsWith(name) ? version : `${name}: ${version}`,
  );
  const host = run.host || {};
  const known = ['system', 'kernel', 'architecture', 'cpus', 'memory'];
  const hostText = [
    ...known
      .filter((name) => host[name])
      .map((name) => (name === 'cpus' ? `${host.cpus} CPUs` : host[name])),
    ...Object.entries(host)
      .filter(([name]) => !known.includes(name))
      .map(([name, value]) => `${name} ${value}`),
  ].join(', ');
  return pairsList(
    [
      ['Started', run.started ? formatTime(run.started) : ''],
      ['Took', durationOfRun()],
      ['QEMU', versions.join(' · ')],
      ['Host', hostText],
      ['Jobs', run.jobs > 1 ? String(run.jobs) : ''],
      ['Seed', run.seed ? String(run.seed) : ''],
      ['Shard', run.shard_count > 1 ? `${run.shard_index} of ${run.shard_count}` : ''],
      ['Command', run.command && run.command.length ? el('code', {}, run.command.join(' ')) : ''],
    ],
    'facts',
  );
}

function noticeText() {
  const { run } = report;
  if (run.interrupted)
    return `The run was interrupted by ${run.interrupted}; what was not finished counts as not run.`;
  if (run.started && !run.finished)
    return 'The run has no end: it still goes on, or it was killed.';
  return '';
}

function drawSummary() {
  const counts = countsByStatus();
  const bar = el(
    'div',
    { class: 'bar', 'aria-hidden': 'true' },
    counts.map(([status, count]) => {
      const part = el('span', { class: `s-${status.name}`, title: `${count} ${status.text}` });
      part.style.flexGrow = count;
      return part;
    }),
  );
  fill(byId('summary'), {}, [
    el('h1', {}, report.title),
    el('p', { class: 'verdict', id: 'verdict' }, verdictText()),
    bar,
    el(
      'div',
      { class: 'chips', role: 'group', 'aria-label': 'Show only tests that …' },
      counts.map(([status, count]) => statusChip(status, count)),
    ),
    noticeText() ? el('p', { class: 'card notice', role: 'note' }, noticeText()) : null,
    runFacts(),
  ]);
}
