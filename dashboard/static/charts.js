/**
 * The two pictures of the overview: throughput as bars, and what was done of all that there is.
 *
 * Owns how they are drawn, and the table that says the same. What the figures mean is in flow.js.
 * Must not know where they come from.
 */

import { draw, make, setAttribute, setText } from "./dom.js";
import { count } from "./format.js";
import { bucketOf, courseOf, ENDS, heightOf, roundUp, sumOf, tickWords, timeTicks } from "./flow.js";

const HEIGHT = 150;
const MARGIN = Object.freeze({ top: 8, right: 8, bottom: 20, left: 34 });

/**
 * A picture that keeps the width of its place: `{node, show(data)}`. `paint(svg, data, box)` draws
 * it; `words(data)` says in one sentence what it shows.
 */
function createChart(paint, words) {
  const svg = draw("svg", { class: "chart", role: "img", height: HEIGHT, "aria-label": "Not loaded yet" });
  const node = make("div", { class: "chart-place" }, svg);
  let data = null;
  let width = 0;

  const repaint = () => {
    if (!data || !width) {
      return;
    }
    const box = {
      left: MARGIN.left,
      top: MARGIN.top,
      width: Math.max(10, width - MARGIN.left - MARGIN.right),
      height: HEIGHT - MARGIN.top - MARGIN.bottom,
    };
    setAttribute(svg, "viewBox", `0 0 ${width} ${HEIGHT}`);
    setAttribute(svg, "aria-label", words(data));
    svg.replaceChildren(...paint(data, box));
  };
  new ResizeObserver(([{ contentRect }]) => {
    if (Math.abs(contentRect.width - width) >= 1) {
      width = contentRect.width;
      repaint();
    }
  }).observe(node);

  return {
    node,
    show(next) {
      if (next !== data) {
        data = next;
        repaint();
      }
    },
  };
}

/** Bars of all ends, stacked, one for each bucket. */
export function createThroughput() {
  const chart = createChart(paintBars, ({ buckets }) => {
    const busiest = Math.max(...buckets.map(heightOf));
    return `${legendWords(buckets)}; at most ${count(busiest, "end")} in one bucket`;
  });
  const legend = make("ul", { class: "legend" });
  const table = make("details", { class: "figures" }, make("summary", {}, "As a table"), make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Throughput as a table" }));
  const node = make("div", {}, chart.node, legend, table);
  let shown = null;

  const fillTable = () => {
    if (shown && table.open) {
      table.lastElementChild.replaceChildren(tableOf(shown.buckets));
    }
  };
  table.addEventListener("toggle", fillTable);

  return {
    node,
    show(data) {
      if (data === shown) {
        return;
      }
      shown = data;
      chart.show(data);
      legend.replaceChildren(...ENDS.map((end) => legendOf(end, sumOf(data.buckets, end.name))));
      fillTable();
    },
  };
}

function legendOf({ words, status, sign }, sum) {
  return make("li", { class: status }, make("span", { class: "sign", "aria-hidden": "true" }, sign), ` ${sum.toLocaleString("en")} ${words}`);
}

function legendWords(buckets) {
  return ENDS.map(({ name, words }) => `${sumOf(buckets, name)} ${words}`).join(", ");
}

function tableOf(buckets) {
  const rows = buckets.filter((bucket) => heightOf(bucket) || bucketOf(bucket, "added"));
  const cells = (tag, values) => values.map((value) => make(tag, tag === "th" ? { scope: "col" } : { class: "number" }, String(value)));
  return make(
    "table",
    {},
    make("thead", {}, make("tr", {}, ...cells("th", ["from", "added", ...ENDS.map(({ name }) => name)]))),
    make("tbody", {}, ...rows.map((bucket) => make("tr", {}, ...cells("td", [new Date(bucket.start).toLocaleString(), bucketOf(bucket, "added"), ...ENDS.map(({ name }) => bucketOf(bucket, name))])))),
  );
}

function paintBars({ buckets, bucketSeconds }, box) {
  const top = roundUp(Math.max(1, ...buckets.map(heightOf)));
  const from = Date.parse(buckets[0].start);
  const to = Date.parse(buckets.at(-1).start) + 1000 * bucketSeconds;
  const step = box.width / buckets.length;
  const bars = buckets.flatMap((bucket, place) => {
    if (!heightOf(bucket)) {
      return [];
    }
    const x = box.left + place * step;
    let y = box.top + box.height;
    const parts = ENDS.map(({ name, status }) => {
      const height = (bucketOf(bucket, name) / top) * box.height;
      y -= height;
      return height > 0 && draw("rect", { class: `bar ${status}`, x: x + step * 0.1, y, width: Math.max(1, step * 0.8), height });
    });
    const words = ENDS.filter(({ name }) => bucketOf(bucket, name)).map(({ name, words: said }) => `${bucketOf(bucket, name)} ${said}`);
    const title = draw("title", {}, `${new Date(bucket.start).toLocaleTimeString()}: ${words.join(", ")}`);
    return [draw("g", {}, title, ...parts.filter(Boolean))];
  });
  return [...axes({ from, to, top }, box), ...bars];
}

/** What was done of all that there was, and when all of it may be. */
export function createBurnUp() {
  return createChart(paintCourse, (data) => {
    const points = courseOf(data);
    const { total, done } = points.at(-1);
    return `${done} of ${total} tasks are done; at the beginning it was ${points[0].done} of ${points[0].total}`;
  });
}

function paintCourse(data, box) {
  const points = courseOf(data);
  const from = points[0].at;
  const to = Math.max(from + 1, points.at(-1).at);
  const top = roundUp(Math.max(1, ...points.map(({ total }) => total)));
  const x = (at) => box.left + ((at - from) / (to - from)) * box.width;
  const y = (value) => box.top + box.height - (value / top) * box.height;
  const line = (name) => points.map((point) => `${x(point.at).toFixed(1)} ${y(point[name]).toFixed(1)}`).join("L");
  const ground = `${(box.left + box.width).toFixed(1)} ${y(0).toFixed(1)}L${box.left} ${y(0).toFixed(1)}Z`;
  return [
    ...axes({ from, to, top }, box),
    draw("path", { class: "area done", d: `M${line("done")}L${ground}` }),
    draw("path", { class: "line total", d: `M${line("total")}` }),
    draw("path", { class: "line done", d: `M${line("done")}` }),
  ];
}

function axes({ from, to, top }, box) {
  const bottom = box.top + box.height;
  const ticks = timeTicks(from, to, box.width);
  const step = ticks.length > 1 ? ticks[1] - ticks[0] : to - from;
  const levels = [0, top / 2, top].filter(Number.isInteger);
  return [
    ...levels.flatMap((value) => {
      const y = bottom - (value / top) * box.height;
      return [
        draw("line", { class: "grid", x1: box.left, x2: box.left + box.width, y1: y, y2: y }),
        draw("text", { class: "axis", x: box.left - 6, y: y + 4, "text-anchor": "end" }, value.toLocaleString("en")),
      ];
    }),
    ...ticks.map((at) => draw("text", { class: "axis", x: box.left + ((at - from) / (to - from)) * box.width, y: bottom + 15, "text-anchor": "middle" }, tickWords(at, step))),
  ];
}

/** A line without axes; `show(values, words)`. */
export function createSparkline(pathOf) {
  const path = draw("path", { class: "line" });
  const title = draw("title");
  const svg = draw("svg", { class: "sparkline", role: "img", width: 72, height: 18, viewBox: "-1 -1 74 20", "aria-label": "Not loaded yet" }, title, path);
  return {
    node: svg,
    show(values, words) {
      setAttribute(path, "d", pathOf(values, 72, 18));
      setAttribute(svg, "aria-label", words);
      setText(title, words);
    },
  };
}
