/**
 * A strip of time on which a stretch is chosen.
 *
 * Owns the strip, dragging on it, and two sliders that do the same with the keyboard. Must not
 * know what the stretch is for.
 */

import { draw, make, setAttribute } from "./dom.js";
import { momentOf } from "./format.js";

const HEIGHT = 34;
const STEPS = 1_000;
/** A drag over fewer pixels is a slip of the hand. */
const LEAST = 4;

/** The strip: `{node, show({begin, end, from, to, buckets, length})}`; `chosen(from, to)` in milliseconds. */
export function createBrush(chosen) {
  const bars = draw("g");
  const window_ = draw("rect", { class: "window", y: 0, height: HEIGHT });
  const svg = draw("svg", { class: "brush", height: HEIGHT, preserveAspectRatio: "none", "aria-hidden": "true" }, bars, window_);
  const low = make("input", { type: "range", min: 0, max: STEPS, "aria-label": "From" });
  const high = make("input", { type: "range", min: 0, max: STEPS, "aria-label": "To" });
  const node = make("div", { class: "brush-place" }, svg, make("div", { class: "sliders" }, low, high));
  let shown = null;
  let width = 1;
  let held = null;

  const timeAt = (x) => shown.begin + (Math.min(width, Math.max(0, x)) / width) * (shown.end - shown.begin);
  const xOf = (at) => ((at - shown.begin) / Math.max(1, shown.end - shown.begin)) * width;
  const choose = (from, to) => chosen(from, to >= shown.end - (shown.end - shown.begin) / STEPS ? null : to);

  function paint() {
    if (!shown) {
      return;
    }
    setAttribute(svg, "viewBox", `0 0 ${width} ${HEIGHT}`);
    const most = Math.max(1, ...shown.buckets.map(({ value }) => value));
    bars.replaceChildren(
      ...shown.buckets
        .filter(({ value }) => value)
        .map(({ at, value }) => {
          const height = (value / most) * (HEIGHT - 4);
          return draw("rect", { x: xOf(at), y: HEIGHT - height, width: Math.max(1, xOf(at + shown.length) - xOf(at) - 1), height });
        }),
    );
    paintWindow(held ? [Math.min(held.from, held.to), Math.max(held.from, held.to)] : [xOf(shown.from), xOf(shown.to)]);
  }

  function paintWindow([left, right]) {
    setAttribute(window_, "x", left.toFixed(1));
    setAttribute(window_, "width", Math.max(2, right - left).toFixed(1));
  }

  svg.addEventListener("pointerdown", (event) => {
    held = { from: event.offsetX, to: event.offsetX };
    svg.setPointerCapture(event.pointerId);
  });
  svg.addEventListener("pointermove", (event) => {
    if (held) {
      held.to = event.offsetX;
      paint();
    }
  });
  svg.addEventListener("pointerup", () => {
    const [from, to] = [Math.min(held?.from, held?.to), Math.max(held?.from, held?.to)];
    held = null;
    if (to - from >= LEAST) {
      choose(timeAt(from), timeAt(to));
    }
    paint();
  });
  svg.addEventListener("pointercancel", () => {
    held = null;
    paint();
  });
  const slid = () => {
    const [from, to] = [Number(low.value), Number(high.value)].sort((a, b) => a - b);
    const at = (step) => shown.begin + (step / STEPS) * (shown.end - shown.begin);
    if (to > from) {
      choose(at(from), at(to));
    }
  };
  low.addEventListener("change", slid);
  high.addEventListener("change", slid);
  new ResizeObserver(([{ contentRect }]) => {
    width = Math.max(1, contentRect.width);
    paint();
  }).observe(svg);

  return {
    node,
    show(next) {
      shown = next;
      paint();
      const step = (at) => Math.round(((at - next.begin) / Math.max(1, next.end - next.begin)) * STEPS);
      for (const [input, at] of [[low, next.from], [high, next.to]]) {
        if (document.activeElement !== input) {
          input.value = step(at);
        }
        setAttribute(input, "aria-valuetext", momentOf(new Date(at)));
      }
    },
  };
}
