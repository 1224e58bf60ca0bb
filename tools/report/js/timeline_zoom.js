// SPDX-License-Identifier: Apache-2.0
// Zooming and pointing in a timeline: by buttons, keys, the wheel with Ctrl, and dragging.

// A tenth of a millisecond is what the times are rounded to.
const SHORTEST_RANGE = 2;

function zoomTools(timeline, picture, tip, holder, endWord) {
  const whole = { from: 0, to: Math.max(timeline.end_ms, 1) * 1.01 };
  let range = { ...whole },
    view = null,
    drag = null;

  function draw() {
    if (holder.clientWidth === 0) return;
    view = makeView(timeline, range, holder.clientWidth, endWord);
    drawTimeline(picture, view);
  }
  function show(from, to) {
    const span = Math.min(whole.to - whole.from, Math.max(SHORTEST_RANGE, to - from));
    const start = Math.min(Math.max(whole.from, from), whole.to - span);
    range = { from: start, to: start + span };
    draw();
  }
  const zoom = (factor, at = (range.from + range.to) / 2) =>
    show(at - (at - range.from) * factor, at + (range.to - at) * factor);
  const move = (share) =>
    show(range.from + (range.to - range.from) * share, range.to + (range.to - range.from) * share);
  const all = () => show(whole.from, whole.to);
  const xOf = (event) => event.clientX - picture.getBoundingClientRect().left;

  const keys = {
    '+': () => zoom(0.6),
    '=': () => zoom(0.6),
    '-': () => zoom(1 / 0.6),
    0: all,
    ArrowLeft: () => move(-0.2),
    ArrowRight: () => move(0.2),
  };
  picture.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || !Object.hasOwn(keys, event.key)) return;
    event.preventDefault();
    keys[event.key]();
  });
  picture.addEventListener(
    'wheel',
    (event) => {
      if (!event.ctrlKey || !view) return;
      event.preventDefault();
      zoom(event.deltaY < 0 ? 0.75 : 1 / 0.75, view.ms(xOf(event)));
    },
    { passive: false },
  );
  picture.addEventListener('dblclick', all);
  picture.addEventListener('pointerdown', (event) => {
    if (event.button === 0 && xOf(event) > GUTTER) drag = { x: xOf(event), box: null };
  });
  window.addEventListener('pointerup', (event) => {
    if (!drag || !view) return;
    const [from, to] = [view.ms(drag.x), view.ms(xOf(event))].sort((a, b) => a - b),
      far = Math.abs(xOf(event) - drag.x) > 6;
    drag = null;
    if (far) show(from, to);
  });
  picture.addEventListener('pointermove', (event) => {
    if (view) point(event);
  });
  picture.addEventListener('pointerleave', () => {
    tip.hidden = true;
  });

  function point(event) {
    const x = xOf(event),
      y = event.clientY - picture.getBoundingClientRect().top;
    tip.hidden = x < GUTTER;
    if (tip.hidden) return;
    if (drag) drawSelection(x);
    tip.replaceChildren(
      ...tipLines(view, x, y).map(([head, text]) =>
        el('div', {}, el('span', {}, head), el('span', {}, text)),
      ),
    );
    const right = x > view.width * 0.6;
    tip.style.left = right ? 'auto' : `${x + 14}px`;
    tip.style.right = right ? `${view.width - x + 14}px` : 'auto';
    tip.style.top = `${Math.min(y + 12, view.height - 30)}px`;
  }
  function drawSelection(x) {
    if (!drag.box)
      picture.append(
        (drag.box = svg('rect', {
          y: TOP,
          height: view.height - TOP - AXIS,
          fill: 'var(--focus)',
          opacity: 0.18,
        })),
      );
    drag.box.setAttribute('x', Math.min(x, drag.x));
    drag.box.setAttribute('width', Math.abs(x - drag.x));
  }

  whenSeen(holder, draw);
  onNewWidth(holder, draw);
  const button = (text, label, click) =>
    el(
      'button',
      { class: 'plain', type: 'button', 'aria-label': label, title: label, click },
      text,
    );
  return el(
    'span',
    { class: 'tools' },
    button('−', 'Zoom out', () => zoom(1 / 0.6)),
    button('+', 'Zoom in', () => zoom(0.6)),
    button('All', 'Show the whole time', all),
  );
}
