// SPDX-License-Identifier: Apache-2.0
// Elements are made by code, never from markup: what a test says stays text.

const byId = (id) => document.getElementById(id);

// A property that is no attribute, or the attribute itself; a function listens to the event.
function setProperty(node, name, value) {
  if (value === undefined || value === null || value === false) return;
  if (typeof value === 'function') node.addEventListener(name, value);
  else node.setAttribute(name, value === true ? '' : value);
}

function fill(node, properties, children) {
  for (const [name, value] of Object.entries(properties || {})) setProperty(node, name, value);
  node.append(
    ...children
      .flat(Infinity)
      .filter((child) => child !== null && child !== undefined && child !== ''),
  );
  return node;
}

const el = (tag, properties, ...children) =>
  fill(document.createElement(tag), properties, children);

const svg = (tag, properties, ...children) =>
  fill(document.createElementNS('http://www.w3.org/2000/svg', tag), properties, children);

const pairsList = (pairs, className = 'pairs') =>
  el(
    'dl',
    { class: className },
    pairs
      .filter(([, value]) => value !== undefined && value !== '')
      .map(([name, value]) =>
        className === 'facts'
          ? el('div', {}, el('dt', {}, name), el('dd', {}, value))
          : [el('dt', {}, name), el('dd', {}, value)],
      ),
  );

function tableOf(head, rows, className = '') {
  return el(
    'table',
    { class: className },
    el(
      'thead',
      {},
      el(
        'tr',
        {},
        head.map((text) => el('th', { scope: 'col' }, text)),
      ),
    ),
    el(
      'tbody',
      {},
      rows.map((cells) =>
        el(
          'tr',
          {},
          cells.map((cell) => el('td', {}, cell)),
        ),
      ),
    ),
  );
}

// Copies in a page from disk, too, where the clipboard's interface may be closed.
async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = el('textarea', { class: 'visually-hidden' });
    area.value = text;
    document.body.append(area);
    area.select();
    const copied = document.execCommand('copy');
    area.remove();
    return copied;
  }
}

function copyButton(text, what) {
  const button = el(
    'button',
    { class: 'plain', type: 'button', 'aria-label': `Copy ${what}`, click: copy },
    'Copy',
  );
  async function copy() {
    button.textContent = (await copyText(text)) ? 'Copied' : 'Select it and copy';
    setTimeout(() => {
      button.textContent = 'Copy';
    }, 2000);
  }
  return button;
}
