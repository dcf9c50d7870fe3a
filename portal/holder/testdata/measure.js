// Measures the page that is shown: targets, gaps, overflow, contrast. It returns
// the faults as sentences.
(minimum, gap, scrolls) => {
  const faults = [], width = innerWidth, height = innerHeight;
  const shown = (e) => e.getClientRects().length > 0 && getComputedStyle(e).visibility !== "hidden" && !e.closest("[inert]");
  const name = (e) => e.tagName.toLowerCase() + "." + [...e.classList].join(".") + " " + (e.innerText || "").trim().slice(0, 20).replace(/\s+/g, " ");
  const root = document.documentElement;
  if (root.scrollWidth > width + 1 || (!scrolls && root.scrollHeight > height + 1)) faults.push(`page overflows: ${root.scrollWidth}x${root.scrollHeight}`);
  const targets = [...document.querySelectorAll("button, a")].filter(shown);
  const boxes = targets.map((e) => e.getBoundingClientRect());
  targets.forEach((e, i) => {
    const b = boxes[i];
    if (b.width < minimum || b.height < minimum) faults.push(`small ${Math.round(b.width)}x${Math.round(b.height)}: ${name(e)}`);
    if (b.left < 0 || b.right > width || b.top < 0 || (!scrolls && b.bottom > height)) faults.push(`outside: ${name(e)}`);
    for (let j = i + 1; j < targets.length; j++) {
      if (e.contains(targets[j]) || targets[j].contains(e)) continue;
      const c = boxes[j];
      const dx = Math.max(b.left, c.left) - Math.min(b.right, c.right), dy = Math.max(b.top, c.top) - Math.min(b.bottom, c.bottom);
      if (Math.max(dx, dy) < gap - 0.5) faults.push(`${Math.round(Math.max(dx, dy))} px apart: ${name(e)} / ${name(targets[j])}`);
    }
  });
  const light = (c) => { const f = c.map((v) => { v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; }); return 0.2126 * f[0] + 0.7152 * f[1] + 0.0722 * f[2]; };
  const colour = (s) => { const m = s.match(/[\d.]+/g).map(Number); return m.length > 3 && m[3] < 0.5 ? null : m.slice(0, 3); };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let words = 0;
  while (walker.nextNode()) {
    const e = walker.currentNode.parentElement, text = walker.currentNode.textContent.trim();
    if (!text || e.closest("svg, script, audio") || !shown(e)) continue;
    words++;
    let ground = null;
    for (let x = e; x && !ground; x = x.parentElement) ground = colour(getComputedStyle(x).backgroundColor);
    const a = light(colour(getComputedStyle(e).color)), b = light(ground || [255, 255, 255]);
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < 7) faults.push(`contrast ${contrast.toFixed(1)}: ${text.slice(0, 20)}`);
    const range = document.createRange();
    range.selectNodeContents(walker.currentNode);
    // The box of a letter is taller than the letter, in Arabic twice as tall.
    const first = range.getClientRects()[0], slack = Math.max(0, (first.height - 1.2 * parseFloat(getComputedStyle(e).fontSize)) / 2);
    const inked = () => { const b = range.getBoundingClientRect(); return { left: b.left, right: b.right, top: b.top + slack, bottom: b.bottom - slack }; };
    for (let x = e; x && x !== document.body; x = x.parentElement) {
      const style = getComputedStyle(x);
      if (style.overflowX === "visible" && style.overflowY === "visible") continue;
      const inner = inked(), outer = x.getBoundingClientRect();
      if (inner.right > outer.right + 1.5 || inner.left < outer.left - 1.5 || inner.bottom > outer.bottom + 3 || inner.top < outer.top - 3) { faults.push(`cut: ${text.slice(0, 30)} in ${name(x)}`); break; }
    }
    const box = inked();
    if (box.right > width + 1 || box.left < -1 || (!scrolls && (box.bottom > height + 1 || box.top < -1))) faults.push(`text outside: ${text.slice(0, 30)}`);
    const holder = e.closest("button, a, .flat, .tile");
    if (holder) {
      const h = holder.getBoundingClientRect();
      if (box.right > h.right + 1.5 || box.left < h.left - 1.5 || box.bottom > h.bottom + 3 || box.top < h.top - 3) faults.push(`spills: ${text.slice(0, 30)} from ${name(holder)}`);
    }
  }
  for (const e of document.querySelectorAll("main *")) {
    if (!shown(e) || e.closest("svg") || e.children.length === 0) continue;
    const style = getComputedStyle(e);
    if (style.display !== "inline" && style.overflowX === "visible" && (e.scrollWidth > e.clientWidth + 2 || e.scrollHeight > e.clientHeight + 14) && e.clientWidth && !e.closest(".strip")) faults.push(`too full: ${name(e)} ${e.scrollWidth}x${e.scrollHeight} in ${e.clientWidth}x${e.clientHeight}`);
  }
  for (const e of document.querySelectorAll("main > *, .bar")) for (const p of e.querySelectorAll(".flat, .tile, .raised, .turn")) {
    const b = p.getBoundingClientRect();
    if (shown(p) && (b.right > width + 1 || b.left < -1 || (!scrolls && b.bottom > height + 1))) faults.push(`box outside: ${name(p)}`);
  }
  if (targets.length === 0) faults.push("nothing to touch: the page was not shown");
  if (words === 0) faults.push("no words");
  return [...new Set(faults)];
}
