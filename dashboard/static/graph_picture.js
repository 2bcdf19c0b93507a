/**
 * The graph as a picture: nodes with text, edges, and what is highlighted.
 *
 * Owns the elements of the picture, where the person looks (pan and zoom), and the picture as a
 * file. Where nodes stand is in graph_layout.js. Must not know how tasks are read.
 */

import { draw, keyed, setAttribute, setText } from "./dom.js";
import { cut, percent, signOf } from "./format.js";
import { NODE } from "./graph_layout.js";
import { COLOURS, wordsOf } from "./graph_model.js";

const ZOOM = Object.freeze({ least: 0.05, most: 2.5, step: 1.25 });
/** Below, texts are too small to be read and only cost time. */
const FAR = 0.4;
const MARGIN = 24;
const LINE_LENGTH = 26;

export class GraphPicture {
  #view = { x: MARGIN, y: MARGIN, scale: 1 };
  #size = { width: 0, height: 0 };
  #edges = new Map();
  #lit = [];
  #nodes = new Map();
  #places = new Map();
  #frame = 0;
  #marked = null;
  #roving = null;
  /** The size of the window; null while it has to be measured again. */
  #seen = null;

  /** `on` is `{open(id), hover(id or ""), key(event, id)}`. */
  constructor(on) {
    this.edges = draw("g", { class: "edges" });
    this.nodes = draw("g", { class: "nodes" });
    this.plane = draw("g", {}, this.edges, this.nodes);
    this.svg = draw("svg", { class: "graph", role: "group", "aria-label": "Tasks from left to right, as they depend on one another", data: { part: "picture" } }, this.plane);
    this.#listen(on);
    new ResizeObserver(() => {
      this.#seen = null;
      this.#look(this.#view);
    }).observe(this.svg);
  }

  // --- what is shown ----------------------------------------------------------------------------

  /**
   * Show nodes at their places, with their edges. Where one looks is decided next; `settle` shows
   * what is there.
   */
  show(nodes, layout) {
    this.#places = layout.places;
    this.#size = { width: layout.width, height: layout.height };
    this.#drawEdges(layout.routes);
    this.update(nodes);
    for (const [id, { x, y }] of this.#places) {
      this.#nodes.get(id)?.place(x, y);
    }
  }

  /** Show what changed of the nodes; they stay where they are. */
  update(nodes) {
    const items = nodes.filter(({ id }) => this.#places.has(id));
    keyed(this.nodes, items, ({ id }) => id, createNode);
    this.#nodes = this.nodes.keyedParts;
  }

  #drawEdges(routes) {
    const known = routes.map((route) => ({ ...route, key: `${route.from}\n${route.to}`, d: curveOf(route.points) }));
    this.#edges.clear();
    keyed(
      this.edges,
      known,
      ({ key }) => key,
      () => {
        const node = draw("path", { class: "edge" });
        return { node, update: ({ d }) => setAttribute(node, "d", d) };
      },
    );
    for (const { key, from, to } of known) {
      this.#edges.set(key, { from, to, node: this.edges.keyedParts.get(key).node });
    }
  }

  /** Let these stand out and dim the others; an empty set lets all be alike. */
  light(ids, kind = "lineage") {
    this.#lit.forEach((node) => node.classList.remove("lit"));
    this.#lit = [];
    setAttribute(this.svg, "data-lit", ids.size ? kind : null);
    for (const id of ids) {
      const found = this.#nodes.get(id)?.node;
      found && this.#lit.push(found);
    }
    if (ids.size) {
      for (const { from, to, node } of this.#edges.values()) {
        if (ids.has(from) && ids.has(to)) {
          this.#lit.push(node);
        }
      }
    }
    this.#lit.forEach((node) => node.classList.add("lit"));
  }

  /** Mark the task whose details are shown. */
  mark(id) {
    this.#marked = this.#moved(this.#marked, id, "aria-current", "true", null);
  }

  /** Let the tabulator key lead to this node. */
  rove(id) {
    this.#roving = this.#moved(this.#roving, id, "tabindex", 0, -1);
    return this.#roving;
  }

  /** Give an attribute to the node of an id, take it from the one that had it, and return the new one. */
  #moved(before, id, name, value, otherwise) {
    const found = this.#nodes.get(id)?.node ?? null;
    if (before && before !== found) {
      setAttribute(before, name, otherwise);
    }
    if (found) {
      setAttribute(found, name, value);
    }
    return found;
  }

  /** Give a node the focus, and bring it into view. */
  focus(id) {
    this.rove(id)?.focus({ preventScroll: true });
    this.reveal(id);
  }

  // --- where one looks --------------------------------------------------------------------------

  get #window() {
    if (!this.#seen?.width) {
      this.#seen = { width: this.svg.clientWidth, height: this.svg.clientHeight };
    }
    return { width: this.#seen.width || 1, height: this.#seen.height || 1 };
  }

  /** Show all of it, as large as it fits; `least` keeps it from becoming unreadable. */
  fit(least = ZOOM.least) {
    const { width, height } = this.#window;
    const scale = Math.min(1, (width - 2 * MARGIN) / (this.#size.width || 1), (height - 2 * MARGIN) / (this.#size.height || 1));
    const used = Math.max(least, scale);
    const whole = { width: this.#size.width * used, height: this.#size.height * used };
    this.#look({
      scale: used,
      x: Math.max(MARGIN, (width - whole.width) / 2),
      y: Math.max(MARGIN, (height - whole.height) / 2),
    });
  }

  /** Nearer or farther, around the middle or a point of the window. */
  zoom(factor, at = null) {
    const { width, height } = this.#window;
    const [x, y] = at ?? [width / 2, height / 2];
    const scale = Math.min(ZOOM.most, Math.max(ZOOM.least, this.#view.scale * factor));
    const by = scale / this.#view.scale;
    this.#look({ scale, x: x - (x - this.#view.x) * by, y: y - (y - this.#view.y) * by });
  }

  closer() {
    this.zoom(ZOOM.step);
  }

  farther() {
    this.zoom(1 / ZOOM.step);
  }

  /** Bring a node into the window if it is not in it. */
  reveal(id, { center = false } = {}) {
    const place = this.#places.get(id);
    if (!place) {
      return;
    }
    const { width, height } = this.#window;
    const { scale } = this.#view;
    const [x, y] = [this.#view.x + place.x * scale, this.#view.y + place.y * scale];
    const [w, h] = [NODE.width * scale, NODE.height * scale];
    if (center || x < MARGIN || y < MARGIN || x + w > width - MARGIN || y + h > height - MARGIN) {
      this.#look({ scale, x: this.#view.x + (width - w) / 2 - x, y: this.#view.y + (height - h) / 2 - y });
    }
  }

  /** Where a node is in the window, and later: keep it there although it stands elsewhere now. */
  placeOf(id) {
    const place = this.#places.get(id);
    return place && { id, x: place.x, y: place.y };
  }

  keep(before) {
    const place = before && this.#places.get(before.id);
    if (place) {
      const { scale } = this.#view;
      this.#look({ scale, x: this.#view.x - (place.x - before.x) * scale, y: this.#view.y - (place.y - before.y) * scale });
    }
  }

  #look(view) {
    this.#view = view;
    this.#frame ||= requestAnimationFrame(() => this.settle());
  }

  /** Show now what one looks at; otherwise the next frame does. */
  settle() {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    const { x, y, scale } = this.#view;
    setAttribute(this.plane, "transform", `translate(${x.toFixed(1)} ${y.toFixed(1)}) scale(${scale.toFixed(4)})`);
    this.svg.classList.toggle("far", scale < FAR);
    this.#leaveOut();
  }

  /** Nodes outside the window are not laid out or painted: of a large plan, those are most. */
  #leaveOut() {
    const { x, y, scale } = this.#view;
    const { width, height } = this.#window;
    const [left, top] = [-x / scale - 1.5 * NODE.width, -y / scale - NODE.height];
    const [right, bottom] = [(width - x) / scale + NODE.width / 2, (height - y) / scale];
    for (const [id, place] of this.#places) {
      const node = this.#nodes.get(id)?.node;
      const isSeen = place.x >= left && place.x <= right && place.y >= top && place.y <= bottom;
      node?.classList.toggle("out", !isSeen);
    }
  }

  // --- hands ------------------------------------------------------------------------------------

  #listen(on) {
    const idOf = ({ target }) => target.closest?.("[data-id]")?.dataset.id ?? "";
    let held = null;
    this.svg.addEventListener("pointerdown", (event) => {
      if (event.button === 0) {
        held = { x: event.clientX, y: event.clientY, view: this.#view, moved: false };
      }
    });
    this.svg.addEventListener("pointermove", (event) => {
      if (!held) {
        return;
      }
      const [dx, dy] = [event.clientX - held.x, event.clientY - held.y];
      if (held.moved || Math.hypot(dx, dy) > 4) {
        if (!held.moved) {
          held.moved = true;
          this.svg.setPointerCapture(event.pointerId);
        }
        this.#look({ ...held.view, x: held.view.x + dx, y: held.view.y + dy });
      }
    });
    const letGo = () => {
      // The click that follows a drag is none.
      setTimeout(() => {
        held = null;
      });
    };
    this.svg.addEventListener("pointerup", letGo);
    this.svg.addEventListener("pointercancel", letGo);
    this.svg.addEventListener("click", (event) => {
      const id = idOf(event);
      if (id && !held?.moved) {
        on.open(id);
      }
    });
    this.svg.addEventListener(
      "wheel",
      (event) => {
        event.preventDefault();
        const { left, top } = this.svg.getBoundingClientRect();
        this.zoom(Math.exp(-event.deltaY / 400), [event.clientX - left, event.clientY - top]);
      },
      { passive: false },
    );
    this.svg.addEventListener("pointerover", (event) => on.hover(idOf(event)));
    this.svg.addEventListener("pointerleave", () => on.hover(""));
    this.svg.addEventListener("focusin", (event) => on.hover(idOf(event)));
    this.svg.addEventListener("focusout", () => on.hover(""));
    this.svg.addEventListener("keydown", (event) => on.key(event, idOf(event)));
  }

  // --- as a file --------------------------------------------------------------------------------

  /** The whole picture as a text that stands alone. */
  toSvg() {
    const clone = this.svg.cloneNode(true);
    const { width, height } = this.#size;
    for (const node of clone.querySelectorAll("[tabindex], [role]")) {
      node.removeAttribute("tabindex");
      node.removeAttribute("role");
      node.classList.remove("out");
    }
    clone.querySelector("g").setAttribute("transform", `translate(${MARGIN} ${MARGIN})`);
    clone.setAttribute("viewBox", `0 0 ${width + 2 * MARGIN} ${height + 2 * MARGIN}`);
    clone.setAttribute("width", width + 2 * MARGIN);
    clone.setAttribute("height", height + 2 * MARGIN);
    clone.removeAttribute("data-lit");
    clone.setAttribute("class", "graph");
    const text = new XMLSerializer().serializeToString(clone);
    const styles = Object.entries(COLOURS).map(([status, colour]) => `.${status} rect{stroke:${colour}}.${status} .sign{fill:${colour}}`);
    const style = `<style>${STYLE}${styles.join("")}</style>`;
    return text.replace(/^<svg[^>]*>/, (begin) => begin + style);
  }
}

const STYLE =
  "svg{background:#fff;font:12px system-ui,sans-serif}rect{fill:#fff;stroke-width:1.5}" +
  ".edge{fill:none;stroke:#818c99}.id{font-weight:600}.title,.more{fill:#56606c;font-size:11px}";

function createNode({ id }) {
  const sign = draw("text", { class: "sign", x: 10, y: 19 });
  const name = draw("text", { class: "id", x: 27, y: 19 });
  const title = draw("text", { class: "title", x: 10, y: 36 });
  const whole = draw("title");
  const node = draw(
    "g",
    { class: "out", role: "button", tabindex: -1, data: { id } },
    whole,
    draw("rect", { class: "box", width: NODE.width, height: NODE.height, rx: 7 }),
    sign,
    name,
    title,
  );
  const left = seldom(node, "text", { class: "more", x: -5, y: 27, "text-anchor": "end" });
  const right = seldom(node, "text", { class: "more", x: NODE.width + 5, y: 27 });
  const done = seldom(node, "rect", { class: "part", x: 1, y: NODE.height - 4, height: 3, rx: 1.5 });
  const place = (x, y) => setAttribute(node, "transform", `translate(${x.toFixed(1)} ${y.toFixed(1)})`);
  let status = "";
  const update = (task) => {
    if (status !== task.status) {
      status && node.classList.remove(status);
      status = task.status;
      node.classList.add(status);
      setText(sign, signOf(status));
    }
    setAttribute(node, "aria-label", wordsOf(task));
    setText(whole, `${task.id} (${status}): ${task.title}`);
    setText(name, cut(task.id, LINE_LENGTH - 3));
    const share = status === "working" ? percent(task.progress) : "";
    setText(title, cut([share, task.title === task.id ? "" : task.title].filter(Boolean).join(" "), LINE_LENGTH + 2));
    left(task.hiddenDependencies, (text) => setText(text, `+${task.hiddenDependencies}`));
    right(task.hiddenDependents, (text) => setText(text, `+${task.hiddenDependents}`));
    done(status === "working" && task.progress, (bar) => setAttribute(bar, "width", (NODE.width - 2) * task.progress));
  };
  return { node, update, place };
}

/** A part that few nodes have: `show(wanted, update)` makes it, or takes it away. */
function seldom(node, tag, properties) {
  let made = null;
  return (wanted, update) => {
    if (!wanted) {
      made?.remove();
      made = null;
      return;
    }
    if (made === null) {
      made = draw(tag, properties);
      node.append(made);
    }
    update(made);
  };
}

/** A smooth line through points from left to right. */
function curveOf(points) {
  const [[x, y], ...rest] = points.map(([px, py]) => [Math.round(px), Math.round(py)]);
  let [lastX, lastY] = [x, y];
  let d = `M${x} ${y}`;
  for (const [toX, toY] of rest) {
    const middle = Math.round((lastX + toX) / 2);
    d += `C${middle} ${lastY} ${middle} ${toY} ${toX} ${toY}`;
    [lastX, lastY] = [toX, toY];
  }
  return d;
}
