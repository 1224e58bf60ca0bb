// SPDX-License-Identifier: Apache-2.0
// The list of tests. A row opens in place; what it shows is made when it is opened.

const rows = new Map(); // by test

function nameOf(test) {
  const path =
    test.pair && test.id.startsWith(`${test.pair}/`)
      ? test.id.slice(test.pair.length + 1)
      : test.id;
  const family = `${test.family}.`;
  return path.startsWith(family)
    ? el(
        'span',
        { class: 'name mono' },
        el('span', { class: 'fam' }, family),
        path.slice(family.length),
      )
    : el('span', { class: 'name mono' }, path);
}

function whyOf(test) {
  if (test.status === 'PASSED') return '';
  if (test.shown.known_defect)
    return `${test.shown.known_defect}: ${firstLineOf(test.shown.reason)}`;
  return firstLineOf(test.shown.reason);
}

function makeRow(test) {
  const why = whyOf(test);
  const button = el(
    'button',
    { class: 'row', type: 'button', 'aria-expanded': 'false', click: () => toggleRow(test) },
    statusBadge(test.status),
    nameOf(test),
    el(
      'span',
      { class: 'pair' },
      test.pair.replace(':', ' → '),
      test.attempts.length > 1 ? ` ${test.attempts.length} attempts` : '',
    ),
    el('span', { class: 'num' }, test.seconds ? formatSeconds(test.seconds) : ''),
    why ? el('span', { class: 'why' }, why) : null,
  );
  const row = { button, item: el('div', { role: 'listitem' }, button), details: null };
  rows.set(test, row);
  return row;
}

function toggleRow(test, open) {
  const row = rows.get(test);
  const opens = open === undefined ? row.button.getAttribute('aria-expanded') !== 'true' : open;
  row.button.setAttribute('aria-expanded', opens);
  if (opens && !row.details) {
    row.details = detailsOf(test);
    row.item.append(row.details);
  }
  if (row.details) row.details.hidden = !opens;
}

// From elsewhere on the page: shows the test, whatever the filter hides.
function openTest(test) {
  if (!matchesFilter(test)) clearFilter();
  toggleRow(test, true);
  const { button } = rows.get(test);
  button.scrollIntoView({ block: 'start' });
  button.focus({ preventScroll: true });
}

const shownRows = () => [...byId('rows').querySelectorAll('.row')];

function drawTests() {
  const list = el('div', {
    class: 'card rows',
    id: 'rows',
    role: 'list',
    'aria-labelledby': 'tests-title',
  });
  const count = el('small', { id: 'count', 'aria-live': 'polite' });
  tests.forEach(makeRow);
  byId('tests').append(
    el('h2', { id: 'tests-title' }, 'Tests', count),
    filterBar(),
    list,
    el(
      'p',
      { class: 'dim' },
      el('kbd', {}, '/'),
      ' search  ',
      el('kbd', {}, '↓'),
      ' ',
      el('kbd', {}, '↑'),
      ' next and previous test  ',
      el('kbd', {}, 'Enter'),
      ' open  ',
      el('kbd', {}, 'Esc'),
      ' close, then show all',
    ),
  );
  filterListeners.push(() => {
    const shown = tests.filter(matchesFilter).sort(SORTS[filter.sort].compare);
    count.textContent =
      shown.length === tests.length
        ? plural(tests.length, 'test')
        : `${shown.length.toLocaleString('en')} of ${plural(tests.length, 'test')}`;
    list.replaceChildren(
      ...(shown.length
        ? shown.map((test) => rows.get(test).item)
        : [
            el(
              'div',
              { class: 'empty' },
              tests.length ? 'No test is like that.' : 'The run has no test.',
            ),
          ]),
    );
  });
}
