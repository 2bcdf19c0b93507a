/**
 * The lanes of the timeline as a picture.
 *
 * Owns how a lane and a bar look, and how the keyboard goes from bar to bar. Must not know how
 * attempts are read.
 */

import { draw, make, setAttribute } from "./dom.js";
import { age, cut, momentOf, signOf } from "./format.js";
import { tickWords, timeTicks } from "./flow.js";
import { barBeside, barsOf, spanOf } from "./lanes.js";
import { OUTCOMES } from "./task_facts.js";

const ROW = 34;
const BAR = 24;
const AXIS = 22;
const LABEL = 150;
const HALF_TICK = 30;
const NARROW = 560;
const TEXT_FROM = 46;
const LABEL_LENGTH = 19;

export class TimelinePicture {
  #open;
  #width = 0;
  #lanes = [];
  #stretch = null;
  #current = "";
  /** Bars by lane, as they are drawn. */
  #rows = [];
  #here = [0, 0];

  /** `open(id)` is called with the task of a bar. */
  constructor(open) {
    this.#open = open;
    this.svg = draw("svg", { class: "timeline", role: "group", "aria-label": "Attempts by worker and time", data: { part: "lanes" } });
    this.node = make("div", { class: "panel lanes" }, this.svg);
    new ResizeObserver(([{ contentRect }]) => {
      if (Math.abs(contentRect.width - this.#width) >= 1) {
        this.#width = contentRect.width;
        this.#paint();
      }
    }).observe(this.node);
    this.svg.addEventListener("click", ({ target }) => this.#opened(target));
    this.svg.addEventListener("keydown", (event) => this.#key(event));
  }

  /** Show lanes within `{from, to, now}`; `current` is the task whose details are open. */
  show(lanes, stretch, current) {
    this.#lanes = lanes;
    this.#stretch = stretch;
    this.#current = current;
    this.#paint();
  }

  #paint() {
    if (!this.#stretch || !this.#width) {
      return;
    }
    const narrow = this.#width < NARROW;
    const left = narrow ? 0 : LABEL;
    const row = narrow ? ROW + 16 : ROW;
    const width = Math.max(20, this.#width - left);
    const height = AXIS + this.#lanes.length * row;
    setAttribute(this.svg, "viewBox", `0 0 ${this.#width} ${height}`);
    setAttribute(this.svg, "height", height);
    const focused = this.svg.contains(document.activeElement);
    this.#rows = this.#lanes.map((lane) => barsOf(lane, { ...this.#stretch, width }));
    this.#here = this.#nearHere();
    const lanes = this.#lanes.map((lane, place) => this.#lane(lane, place, { left, row, width, narrow }));
    this.svg.replaceChildren(...this.#axis(left, width, height), ...lanes);
    if (focused) {
      this.#focus();
    }
  }

  #nearHere() {
    const [lane, place] = this.#here;
    const at = Math.min(lane, Math.max(0, this.#rows.length - 1));
    return [at, Math.min(place, Math.max(0, (this.#rows[at]?.length ?? 1) - 1))];
  }

  #axis(left, width, height) {
    const { from, to } = this.#stretch;
    const ticks = timeTicks(from, to, width);
    const step = ticks.length > 1 ? ticks[1] - ticks[0] : to - from;
    return ticks.flatMap((at) => {
      const x = left + ((at - from) / (to - from)) * width;
      const atEnd = x + HALF_TICK > left + width; // half of its words would be cut off
      return [
        draw("line", { class: "grid", x1: x, x2: x, y1: AXIS - 4, y2: height }),
        draw("text", { class: "axis", x: atEnd ? left + width : x, y: 13, "text-anchor": atEnd ? "end" : "middle" }, tickWords(at, step)),
      ];
    });
  }

  #lane(lane, place, { left, row, width, narrow }) {
    const y = AXIS + place * row;
    const busy = `${Math.round(100 * lane.busy)} % at work`;
    const label = draw(
      "text",
      { class: "label", x: 0, y: narrow ? y + 13 : y + 18 },
      draw("title", {}, `${lane.workerId}: ${busy}`),
      cut(lane.workerId, LABEL_LENGTH),
    );
    const top = narrow ? y + 18 : y + (row - BAR) / 2;
    const bars = this.#rows[place].map((bar, at) => this.#bar(bar, left, top, place, at));
    const line = draw("line", { class: "lane-line", x1: left, x2: left + width, y1: top + BAR / 2, y2: top + BAR / 2 });
    return draw("g", { data: { worker: lane.workerId } }, label, line, ...bars);
  }

  #bar({ x, width, attempts }, left, top, lane, place) {
    const [attempt] = attempts;
    const { sign, status } = OUTCOMES[attempt.outcome] ?? { sign: signOf("working"), status: "working" };
    const words = attempts.length > 1 ? `${attempts.length} attempts, ${attempt.outcome ?? "working"}` : wordsOf(attempt, this.#stretch.now);
    const here = this.#here[0] === lane && this.#here[1] === place;
    const text = attempts.length > 1 ? String(attempts.length) : `${attempt.taskId} ${attempt.title ?? ""}`;
    return draw(
      "svg",
      {
        class: `attempt ${status}`,
        x: left + x,
        y: top,
        width,
        height: BAR,
        role: "button",
        tabindex: here ? 0 : -1,
        "aria-label": words,
        "aria-current": attempts.some(({ taskId }) => taskId === this.#current) ? "true" : null,
        data: { id: attempt.taskId, at: `${lane} ${place}`, outcome: attempt.outcome ?? "working" },
      },
      draw("title", {}, words),
      draw("rect", { class: "box", x: 0.75, y: 0.75, width: Math.max(0.5, width - 1.5), height: BAR - 1.5, rx: Math.min(5, width / 3) }),
      width > 16 && draw("text", { class: "sign", x: 6, y: 16 }, sign),
      width > TEXT_FROM && draw("text", { class: "words", x: 22, y: 16 }, text),
    );
  }

  #opened(target) {
    const id = target.closest?.("[data-id]")?.dataset.id;
    if (id) {
      this.#open(id);
    }
  }

  #key(event) {
    const at = event.target.closest?.("[data-at]")?.dataset.at;
    if (at === undefined) {
      return;
    }
    if (event.key.startsWith("Arrow")) {
      const [lane, place] = at.split(" ").map(Number);
      this.#here = barBeside(this.#rows, lane, place, event.key);
      this.#focus();
    } else if (event.key === "Enter" || event.key === " ") {
      this.#opened(event.target);
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }

  #focus() {
    for (const other of this.svg.querySelectorAll('[data-at][tabindex="0"]')) {
      setAttribute(other, "tabindex", -1);
    }
    const found = this.svg.querySelector(`[data-at="${this.#here.join(" ")}"]`);
    if (found) {
      setAttribute(found, "tabindex", 0);
      found.focus({ preventScroll: true });
      found.scrollIntoView({ block: "nearest" });
    }
  }
}

function wordsOf(attempt, now) {
  const { begin, end } = spanOf(attempt, now);
  const ended = attempt.outcome ?? "goes on";
  const cause = attempt.cause ? ` (${attempt.cause})` : "";
  const title = attempt.title && attempt.title !== attempt.taskId ? `: ${attempt.title}` : "";
  return `${attempt.taskId}${title}, attempt ${attempt.attempt} by ${attempt.workerId}, ${ended}${cause}, ${momentOf(new Date(begin))}, ${age(end - begin)}`;
}
