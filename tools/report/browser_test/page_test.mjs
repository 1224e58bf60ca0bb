// SPDX-License-Identifier: Apache-2.0
// report.html in a real browser: node page_test.mjs TANDEM OUTPUT-FOLDER
// Exit code 77 when there is no Chromium. Leaves screenshots in the folder.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { Browser, findChromium } from './browser.mjs';
import { EVIL, writeRun } from './generated_run.mjs';

const [tandem, output] = process.argv.slice(2);
const chromium = findChromium();
if (!chromium) {
  console.log('skipped: there is no Chromium (./dev setup page installs one)');
  process.exit(77);
}

const COUNT = 1000;
const folder = resolve(output);
let browser, records, statuses;

function makeReport(run, ...more) {
  const made = spawnSync(tandem, ['report', join(folder, run), ...more], { encoding: 'utf8' });
  assert.equal(made.status, 0, made.stderr);
  return made.stdout;
}

const url = (run) => pathToFileURL(join(folder, run, 'report.html')).href;
const text = (selector) =>
  browser.evaluate(`document.querySelector(${JSON.stringify(selector)})?.textContent ?? null`);
const count = (selector) =>
  browser.evaluate(`document.querySelectorAll(${JSON.stringify(selector)}).length`);
const focused = () =>
  browser.evaluate(
    'document.activeElement.className + "|" + document.activeElement.textContent.slice(0, 200)',
  );

async function click(selector) {
  await browser.evaluate(`document.querySelector(${JSON.stringify(selector)}).click()`);
  await browser.settle();
}

async function open(run, hash = '') {
  await browser.goTo('about:blank');
  await browser.goTo(url(run) + hash);
  await browser.settle();
}

const scrollTo = (selector) =>
  browser.evaluate(
    `document.querySelector(${JSON.stringify(selector)}).scrollIntoView({block: 'start'})`,
  );

before(async () => {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  records = writeRun(join(folder, 'run'), { count: COUNT, factor: 1.5 });
  writeRun(join(folder, 'earlier'), { count: COUNT });
  writeRun(join(folder, 'matrix'), {
    count: 90,
    pairs: ['7.2:7.2', '7.2:11.1', '11.1:7.2', '11.1:11.1', '10.0:11.1'],
  });
  statuses = records.map((record) => record.status);
  browser = await Browser.open(chromium);
});
after(() => browser?.close());

test('a regression against the earlier run is told', () => {
  assert.match(makeReport('run', '--baseline', join(folder, 'earlier')), /^regression: Downtime/m);
  assert.match(makeReport('matrix'), /report\.html\n$/);
});

test('the page of 1,000 tests is small and opens fast', async () => {
  const bytes = statSync(join(folder, 'run', 'report.html')).size,
    times = [];
  for (let i = 0; i < 3 && !(times[times.length - 1] < 2000); ++i) {
    // a busy machine gets three tries
    await open('run');
    times.push(
      await browser.evaluate('performance.getEntriesByType("navigation")[0].loadEventEnd'),
    );
  }
  console.log(
    `# ${(bytes / 1e6).toFixed(2)} MB, opened in ${times.map((ms) => ms.toFixed(0)).join(', ')} ms`,
  );
  assert.ok(bytes < 10e6);
  assert.ok(Math.min(...times) < 2000);
  assert.equal(await count('#rows .row'), COUNT);
});

test('failures come first, and are grouped by reason', async () => {
  const first = await browser.evaluate(
    '[...document.querySelectorAll("#rows .row .status")].map((node) => node.textContent)',
  );
  const failed = statuses.filter((status) => status === 'FAILED').length - 1; // one is flaky
  assert.deepEqual(new Set(first.slice(0, failed)), new Set(['failed']));
  assert.equal(first[failed], 'timed out');
  assert.equal(first.at(-1), 'passed');
  const groups = await browser.evaluate(
    '[...document.querySelectorAll(".group b")].map((node) => parseInt(node.textContent))',
  );
  assert.deepEqual(
    groups,
    [...groups].sort((a, b) => b - a),
  );
  assert.equal(
    groups.reduce((sum, each) => sum + each),
    statuses.filter((status) => !['PASSED', 'SKIPPED', 'KNOWN_DEFECT'].includes(status)).length,
  );
});

test('what tests say stays text', async () => {
  await browser.evaluate(
    'document.querySelectorAll("#rows .row").forEach((row, index) => { if (index < 40) row.click(); })',
  );
  await browser.settle();
  assert.equal(await browser.evaluate('window.harmed ?? 0'), 0);
  assert.equal(await count('img'), 0);
  assert.ok(
    await browser.evaluate(
      `[...document.querySelectorAll('.details pre')].some((node) => node.textContent.includes(${JSON.stringify(EVIL)}))`,
    ),
  );
});

test('filters by status, family and text work, together and from the address', async () => {
  await open('run');
  await click('.chip[data-status="SKIPPED"]');
  assert.equal(await count('#rows .row'), statuses.filter((status) => status === 'SKIPPED').length);
  assert.equal(
    await browser.evaluate('document.querySelector(".chip[data-status=SKIPPED]").ariaPressed'),
    'true',
  );
  await browser.evaluate(
    '(() => { const s = document.querySelector("[data-filter=family]"); s.value = "multifd"; s.dispatchEvent(new Event("change")); })()',
  );
  assert.equal(
    await count('#rows .row'),
    records.filter((record) => record.status === 'SKIPPED' && record.family === 'multifd').length,
  );
  assert.match(await text('#count'), / of 1,000 tests/);
  await open('run', '#status=FAILED&text=pages+stale');
  const expected = new Set(
    records
      .filter(
        (record) =>
          record.status === 'FAILED' &&
          record.reason.includes('stale') &&
          !record.id.endsWith('Variant29'),
      )
      .map((record) => record.id),
  );
  assert.equal(await count('#rows .row'), expected.size);
  await click('#clear');
  assert.equal(await count('#rows .row'), COUNT);
  await open('run', '#text=nothing-is-like-this');
  assert.match(await text('#rows'), /No test/);
});

test('the keyboard is enough', async () => {
  await open('run');
  await browser.press('/');
  await browser.type('suite3test colo');
  assert.match(await browser.evaluate('document.activeElement.id'), /search/);
  const found = await count('#rows .row');
  assert.ok(found > 0 && found < COUNT);
  await browser.press('ArrowDown');
  assert.match(await focused(), /^row\|/);
  const first = await focused();
  await browser.press('ArrowDown');
  assert.notEqual(await focused(), first);
  await browser.press('ArrowUp');
  assert.equal(await focused(), first);
  await browser.press('Enter');
  assert.equal(await count('.details:not([hidden])'), 1);
  assert.equal(await browser.evaluate('document.activeElement.ariaExpanded'), 'true');
  await browser.press('Escape');
  assert.equal(await count('.details:not([hidden])'), 0);
  await browser.press('Escape');
  assert.equal(await count('#rows .row'), COUNT);
  await browser.press('Tab');
  assert.ok(await browser.evaluate('document.activeElement.matches(":focus-visible")'));
});

test('everything that can be used has a name', async () => {
  await open('run');
  await click('#rows .row');
  const nameless =
    await browser.evaluate(`[...document.querySelectorAll('button, a, input, select, [role=img], section:not([hidden]), [tabindex]')]
    .filter((node) => !(node.getAttribute('aria-label') || node.textContent.trim() || document.getElementById(node.getAttribute('aria-labelledby')))).map((node) => node.outerHTML.slice(0, 120))`);
  assert.deepEqual(nameless, []);
});

test('a timeline shows machines, checkpoints, faults and the failing moment, and zooms', async () => {
  await open('run', '#status=FAILED&family=colo');
  await click('#rows .row');
  assert.equal(await count('.timeline path'), 0); // not drawn before it is seen
  await scrollTo('#rows .row');
  await browser.settle();
  assert.equal(
    await browser.evaluate(
      '[...document.querySelectorAll(".timeline text")].filter((node) => ["primary", "secondary"].includes(node.textContent)).length',
    ),
    2,
  );
  assert.ok((await count('.timeline .checkpoint')) >= 8);
  assert.equal(await count('.timeline .failing-moment'), 1);
  assert.equal(await count('.timeline .remaining'), 1);
  await browser.evaluate('document.querySelector(".timeline svg").focus()');
  for (let i = 0; i < 4; ++i) await browser.press('+');
  assert.ok((await count('.timeline .checkpoint')) < 8);
  await browser.press('0');
  assert.ok((await count('.timeline .checkpoint')) >= 8);
  await browser.evaluate('document.querySelector(".details details summary").click()');
  await browser.settle();
  assert.match(await text('.log'), /kill secondary/);
});

test('measurements are drawn, regressions marked', async () => {
  await open('run');
  await scrollTo('#measurements');
  await browser.settle();
  assert.equal(await count('.plot'), 5);
  assert.equal(await count('.plot canvas'), 5);
  assert.ok((await count('.mark.worse')) >= 4);
  assert.match(await text('[data-metric="takeover"]'), /regression/);
});

test('an opened test shows its facts and what it measured', async () => {
  await open('run', '#status=PASSED&family=colo');
  await click('#rows .row');
  const shown = await text('.details');
  assert.match(shown, /Machinepc, tcg/);
  assert.match(shown, /takeover_ms\d+ ms/);
  assert.doesNotMatch(shown, /object HTML|undefined|NaN/);
});

test('files are linked, and reproduce.sh can be copied', async () => {
  await open('run', '#status=FAILED');
  await click('#rows .row');
  const links = await browser.evaluate(
    '[...document.querySelectorAll(".files a")].map((node) => node.href)',
  );
  assert.ok(links.some((link) => link.endsWith('/reproduce.sh')));
  for (const link of links) statSync(new URL(link));
  await browser.evaluate(
    '(() => { window.copied = ""; navigator.clipboard.writeText = async (text) => { window.copied = text; }; })()',
  );
  await click('[aria-label="Copy reproduce.sh"]');
  assert.match(await browser.evaluate('window.copied'), /^#!\/bin\/bash\n/);
});

test('the matrix is a table, and a cell is a filter', async () => {
  await open('matrix');
  assert.deepEqual(
    await browser.evaluate(
      '[...document.querySelectorAll("#matrix thead th")].map((node) => node.textContent).slice(1)',
    ),
    ['7.2', '11.1'],
  );
  assert.equal(await count('#matrix tbody tr'), 3);
  await click('[data-pair="7.2:11.1"]');
  assert.equal(await count('#rows .row'), 18);
});

test('nothing went wrong in the page, in light and in dark', async () => {
  for (const dark of [false, true]) {
    const scheme = dark ? 'dark' : 'light';
    await browser.setDark(dark);
    await open('run');
    await browser.screenshot(join(folder, `${scheme}-top.png`));
    await scrollTo('#measurements');
    await browser.screenshot(join(folder, `${scheme}-measurements.png`));
    for (const [name, hash] of [
      ['colo', '#status=FAILED&family=colo'],
      ['precopy', '#status=PASSED&family=precopy'],
      ['failed', '#status=FAILED&text=stale'],
    ]) {
      await open('run', hash);
      await click('#rows .row');
      await scrollTo('#rows .row');
      await browser.screenshot(join(folder, `${scheme}-${name}.png`));
    }
    await open('matrix');
    await scrollTo('#matrix');
    await browser.screenshot(join(folder, `${scheme}-matrix.png`));
  }
  assert.deepEqual(browser.troubles, []);
});
