// SPDX-License-Identifier: Apache-2.0
// Pictures are drawn when they are about to be seen, and again when their place gets another width.

function whenSeen(node, draw) {
  const observer = new IntersectionObserver(
    (entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      observer.disconnect();
      draw();
    },
    { rootMargin: '300px' },
  );
  observer.observe(node);
}

function onNewWidth(node, draw) {
  let width = 0,
    waiting = 0;
  new ResizeObserver(() => {
    const before = width;
    width = node.clientWidth;
    if (before === 0 || width === before) return;
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(draw);
  }).observe(node);
}
