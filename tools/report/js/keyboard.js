// SPDX-License-Identifier: Apache-2.0
// The page by keyboard: '/' searches, arrows walk over the tests, Escape closes and shows all.

const isTyping = (node) => node.matches('input, select, textarea');

function walk(step) {
  const list = shownRows(),
    at = list.indexOf(document.activeElement.closest('.row') || rowAround(document.activeElement));
  const next = list[Math.min(list.length - 1, Math.max(0, at < 0 ? 0 : at + step))];
  if (next) next.focus();
}

const rowAround = (node) => {
  const item = node.closest('[role="listitem"]');
  return item && item.querySelector('.row');
};

function escape(active) {
  const row = rowAround(active);
  if (row && row.getAttribute('aria-expanded') === 'true') {
    row.click();
    row.focus();
  } else {
    clearFilter();
  }
}

const KEYS = {
  '/': (event) => {
    event.preventDefault();
    byId('search').focus();
    byId('search').select();
  },
  ArrowDown: (event) => {
    event.preventDefault();
    walk(1);
  },
  ArrowUp: (event) => {
    event.preventDefault();
    walk(-1);
  },
  j: () => walk(1),
  k: () => walk(-1),
  Home: (event) => {
    if (document.activeElement.matches('.row')) {
      event.preventDefault();
      shownRows()[0].focus();
    }
  },
  End: (event) => {
    if (document.activeElement.matches('.row')) {
      event.preventDefault();
      shownRows().at(-1).focus();
    }
  },
  Escape: () => escape(document.activeElement),
};

function onKey(event) {
  const active = document.activeElement;
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (isTyping(active) && !(active.id === 'search' && ['ArrowDown', 'Escape'].includes(event.key)))
    return;
  if (active.matches('pre, .log') && event.key.startsWith('Arrow')) return; // they scroll
  if (Object.hasOwn(KEYS, event.key)) KEYS[event.key](event);
}
