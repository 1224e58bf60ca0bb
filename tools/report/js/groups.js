// SPDX-License-Identifier: Apache-2.0
// The failures, grouped by reason: what went wrong the same way stands together.

const TESTS_IN_GROUP = 12;

function testLink(test, count) {
  return el(
    'li',
    {},
    el('button', { class: 'link mono', type: 'button', click: () => openTest(test) }, test.id),
    test.attempts.length > 1
      ? el('span', { class: 'dim' }, ` ${count} of ${test.attempts.length} attempts`)
      : null,
  );
}

function testList(group) {
  const entries = [...group.tests];
  const list = el(
    'ul',
    {},
    entries.slice(0, TESTS_IN_GROUP).map(([test, count]) => testLink(test, count)),
  );
  if (entries.length > TESTS_IN_GROUP) {
    const more = el(
      'button',
      {
        class: 'link',
        type: 'button',
        click: () =>
          more.parentNode.replaceWith(
            ...entries.slice(TESTS_IN_GROUP).map(([test, count]) => testLink(test, count)),
          ),
      },
      `and ${entries.length - TESTS_IN_GROUP} more`,
    );
    list.append(el('li', {}, more));
  }
  return list;
}

function groupCard(group) {
  const times =
    group.count > group.tests.size
      ? `${plural(group.count, 'time')} in ${plural(group.tests.size, 'test')}`
      : plural(group.tests.size, 'test');
  return el(
    'article',
    { class: `card group s-${group.status}` },
    el(
      'div',
      { class: 'group-head' },
      statusBadge(group.status),
      el('b', {}, times),
      group.fingerprint
        ? el('code', { title: 'fingerprint of the reason' }, group.fingerprint)
        : null,
    ),
    el('pre', { tabindex: '0', 'aria-label': 'Reason' }, group.reason || 'no reason was given'),
    testList(group),
  );
}

function drawGroups() {
  const section = byId('failures'),
    list = el('div', {}),
    note = el('small', {});
  const all = groupsOf(tests);
  if (all.length === 0) return;
  section.hidden = false;
  section.append(el('h2', { id: 'failures-title' }, 'Failures by reason', note), list);
  filterListeners.push(() => {
    const groups = groupsOf(tests.filter(matchesFilter));
    note.textContent =
      groups.length === all.length
        ? plural(all.length, 'reason')
        : `${groups.length} of ${plural(all.length, 'reason')}`;
    list.replaceChildren(...groups.map(groupCard));
  });
}
