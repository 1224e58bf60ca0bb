// SPDX-License-Identifier: Apache-2.0
// The run as the page sees it: tests, each with its attempts, worst first.

const STATUSES = [
  { name: 'FAILED', text: 'failed', sign: '✕', bad: true },
  { name: 'TIMED_OUT', text: 'timed out', sign: '◷', bad: true },
  { name: 'CRASHED', text: 'crashed', sign: '☠', bad: true },
  { name: 'NOT_RUN', text: 'not run', sign: '○', bad: true },
  { name: 'FLAKY', text: 'flaky', sign: '≈', bad: true },
  { name: 'KNOWN_DEFECT', text: 'known defect', sign: '◆', bad: false },
  { name: 'SKIPPED', text: 'skipped', sign: '–', bad: false },
  { name: 'PASSED', text: 'passed', sign: '✓', bad: false },
];
const statusOf = (name) => STATUSES.find((status) => status.name === name) || STATUSES[3];
const rankOf = (name) => STATUSES.indexOf(statusOf(name));

function statusBadge(name) {
  const status = statusOf(name);
  return el('span', { class: `status s-${status.name}`, 'data-sign': status.sign }, status.text);
}

// A test that passed in one attempt and failed in another is flaky.
function statusOfAttempts(attempts) {
  const names = attempts.map((attempt) => attempt.status);
  const worst = names.reduce((a, b) => (rankOf(a) <= rankOf(b) ? a : b));
  return statusOf(worst).bad && names.includes('PASSED') ? 'FLAKY' : worst;
}

function makeTest(id, attempts) {
  const shown = attempts.find((each) => statusOf(each.status).bad) || attempts[attempts.length - 1];
  return {
    id,
    attempts,
    shown,
    family: shown.family || '(none)',
    pair: shown.pair || '',
    status: statusOfAttempts(attempts),
    seconds: medianOf(attempts.map((each) => each.seconds || 0)),
    searched: [
      id,
      ...attempts.map((each) =>
        [each.reason, each.known_defect, each.machine_type, ...(each.scenarios || [])].join(' '),
      ),
    ]
      .join(' ')
      .toLowerCase(),
  };
}

function testsOf(records) {
  const byTest = new Map();
  records.forEach((record, index) => {
    record.index = index;
    if (!byTest.has(record.id)) byTest.set(record.id, []);
    byTest.get(record.id).push(record);
  });
  return [...byTest].map(([id, attempts]) => makeTest(id, attempts));
}

// "a_test.cc:17" and a line feed stand before what the failure says.
function messageOf(reason) {
  const lines = (reason || '').split('\n');
  return /^\S+:\d+$/.test(lines[0]) && lines.length > 1 ? lines.slice(1).join('\n') : reason || '';
}
// The line that tells most: a status with its message, or what a matcher found; else the first.
function firstLineOf(reason) {
  const lines = messageOf(reason)
    .split('\n')
    .filter((line) => line.trim());
  return (
    lines.find((line) => /^\s*(Actual:|[A-Z]+(_[A-Z]+)+: )/.test(line)) ||
    lines[0] ||
    ''
  ).trim();
}

// Attempts that went wrong the same way, the largest group first.
function groupsOf(tests) {
  const groups = new Map();
  for (const test of tests) {
    for (const attempt of test.attempts) {
      if (!statusOf(attempt.status).bad) continue;
      const key = `${attempt.status} ${attempt.fingerprint || firstLineOf(attempt.reason)}`;
      if (!groups.has(key)) {
        groups.set(key, {
          status: attempt.status,
          fingerprint: attempt.fingerprint,
          reason: messageOf(attempt.reason),
          tests: new Map(),
          count: 0,
        });
      }
      const group = groups.get(key);
      group.count += 1;
      group.tests.set(test, (group.tests.get(test) || 0) + 1);
    }
  }
  return [...groups.values()].sort(
    (a, b) => b.count - a.count || rankOf(a.status) - rankOf(b.status),
  );
}

const report = JSON.parse(byId('data').textContent);
const tests = testsOf(report.records);

// The JSON of a timeline, or the text of a script, that belongs to a record; null without one.
function attachment(kind, record) {
  const node = byId(`${kind}-${record.index}`);
  return node ? JSON.parse(node.textContent) : null;
}
