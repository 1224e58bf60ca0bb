// SPDX-License-Identifier: Apache-2.0
// What is to be seen: by status, family, pair of versions and text. Kept in the address behind '#',
// so that a view can be sent to somebody.

const filter = { statuses: new Set(), family: '', pair: '', text: '', sort: 'status' };
const filterListeners = [];

function matchesFilter(test) {
  return (
    (filter.statuses.size === 0 || filter.statuses.has(test.status)) &&
    (!filter.family || test.family === filter.family) &&
    (!filter.pair || test.pair === filter.pair) &&
    filter.text
      .toLowerCase()
      .split(/\s+/)
      .every((word) => test.searched.includes(word))
  );
}

const SORTS = {
  status: {
    text: 'worst first',
    compare: (a, b) => rankOf(a.status) - rankOf(b.status) || a.id.localeCompare(b.id),
  },
  name: { text: 'by name', compare: (a, b) => a.id.localeCompare(b.id) },
  seconds: { text: 'longest first', compare: (a, b) => b.seconds - a.seconds },
};

function changeFilter(change) {
  Object.assign(filter, change);
  writeAddress();
  filterListeners.forEach((listener) => listener());
}

function toggleStatus(name) {
  const statuses = new Set(filter.statuses);
  if (!statuses.delete(name)) statuses.add(name);
  changeFilter({ statuses });
}

const clearFilter = () => changeFilter({ statuses: new Set(), family: '', pair: '', text: '' });

function writeAddress() {
  const words = new URLSearchParams();
  if (filter.statuses.size) words.set('status', [...filter.statuses].join(','));
  for (const name of ['family', 'pair', 'text']) if (filter[name]) words.set(name, filter[name]);
  if (filter.sort !== 'status') words.set('sort', filter.sort);
  const text = words.toString();
  history.replaceState(null, '', text ? `#${text}` : location.pathname + location.search);
}

function readAddress() {
  const words = new URLSearchParams(location.hash.slice(1));
  filter.statuses = new Set(
    (words.get('status') || '')
      .split(',')
      .filter((name) => STATUSES.some((each) => each.name === name)),
  );
  for (const name of ['family', 'pair', 'text']) filter[name] = words.get(name) || '';
  if (SORTS[words.get('sort')]) filter.sort = words.get('sort');
}

function selectOf(label, name, choices) {
  const select = el(
    'select',
    {
      'aria-label': label,
      'data-filter': name,
      change: () => changeFilter({ [name]: select.value }),
    },
    choices.map(([value, text]) => el('option', { value }, text)),
  );
  filterListeners.push(() => {
    select.value = filter[name];
  });
  return select;
}

function filterBar() {
  const search = el('input', {
    type: 'search',
    id: 'search',
    placeholder: 'Search names, reasons, scenarios  ( / )',
    'aria-label': 'Search the tests',
    input: () => changeFilter({ text: search.value }),
  });
  filterListeners.push(() => {
    if (search.value !== filter.text) search.value = filter.text;
  });
  const count = (key) =>
    [
      ...tests.reduce((map, test) => map.set(test[key], (map.get(test[key]) || 0) + 1), new Map()),
    ].sort();
  const families = count('family'),
    pairs = count('pair').filter(([pair]) => pair);
  return el(
    'div',
    { class: 'filters', role: 'search' },
    search,
    selectOf('Family', 'family', [
      ['', 'all families'],
      ...families.map(([name, number]) => [name, `${name} (${number})`]),
    ]),
    pairs.length
      ? selectOf('Versions', 'pair', [
          ['', 'all versions'],
          ...pairs.map(([name, number]) => [name, `${name.replace(':', ' → ')} (${number})`]),
        ])
      : null,
    selectOf(
      'Order',
      'sort',
      Object.entries(SORTS).map(([name, sort]) => [name, sort.text]),
    ),
    el('button', { class: 'plain', type: 'button', id: 'clear', click: clearFilter }, 'Show all'),
  );
}
