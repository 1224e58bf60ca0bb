// SPDX-License-Identifier: Apache-2.0
// Versions against versions: rows are sources, columns destinations.

function namesInOrder(pairs, index) {
  return [...new Set(pairs.map((pair) => pair.split(':')[index]))].sort((a, b) =>
    a.localeCompare(b, 'en', { numeric: true }),
  );
}

function matrixCell(pair) {
  const here = tests.filter((test) => test.pair === pair);
  if (here.length === 0) return el('td', { class: 'dim' }, '·');
  const parts = STATUSES.map((status) => [
    status,
    here.filter((test) => test.status === status.name).length,
  ]).filter(([, count]) => count > 0);
  const said = parts.map(([status, count]) => `${count} ${status.text}`).join(', ');
  const cell = el(
    'button',
    {
      class: 'cell',
      type: 'button',
      'data-pair': pair,
      'aria-pressed': 'false',
      title: said,
      'aria-label': `From ${pair.replace(':', ' to ')}: ${said}`,
      click: () => changeFilter({ pair: filter.pair === pair ? '' : pair }),
    },
    parts.map(([status, count]) =>
      el('span', { class: `status s-${status.name}`, 'data-sign': status.sign }, String(count)),
    ),
  );
  filterListeners.push(() => cell.setAttribute('aria-pressed', filter.pair === pair));
  return el('td', {}, cell);
}

function drawMatrix() {
  const pairs = [...new Set(tests.map((test) => test.pair).filter(Boolean))];
  if (pairs.length === 0) return;
  const sources = namesInOrder(pairs, 0),
    destinations = namesInOrder(pairs, 1);
  const section = byId('matrix');
  section.hidden = false;
  section.append(
    el(
      'h2',
      { id: 'matrix-title' },
      'Versions',
      el('small', {}, 'from the source in the row to the destination in the column'),
    ),
    el(
      'div',
      { class: 'card scroll' },
      el(
        'table',
        { class: 'grid' },
        el(
          'thead',
          {},
          el(
            'tr',
            {},
            el('th', { scope: 'col' }, 'source \\ destination'),
            destinations.map((name) => el('th', { scope: 'col' }, name)),
          ),
        ),
        el(
          'tbody',
          {},
          sources.map((source) =>
            el(
              'tr',
              {},
              el('th', { scope: 'row' }, source),
              destinations.map((destination) => matrixCell(`${source}:${destination}`)),
            ),
          ),
        ),
      ),
    ),
  );
}
