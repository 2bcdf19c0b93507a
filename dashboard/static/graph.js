/**
 * The graph of tasks, as a picture and as a list.
 *
 * Owns what of the graph is read and when, and what keys and buttons do. How it looks is in
 * graph_picture.js. Must not know the connection.
 */

import { copyText, saveFile } from "./copying.js";
import { button, element, make, setAttribute, setNote, setText } from "./dom.js";
import { isEmpty, paramsOf } from "./filter.js";
import { count } from "./format.js";
import { layOut } from "./graph_layout.js";
import { criticalPath, lineageOf, nodeBeside, relationsOf, toMermaid, withKnown } from "./graph_model.js";
import { GraphPicture } from "./graph_picture.js";
import { createMenu } from "./menu.js";
import { Pace } from "./pace.js";
import { taskLink } from "./task_facts.js";
import { View } from "./view.js";

const GAP_MS = 1_000;
const NODES_MAX = 2_000;
const DEPTH_MAX = 50;
const READABLE = 0.6;
const PHONE = "(max-width: 40rem)";
/** What may bring tasks in or out, or change who depends on whom. */
const STRUCTURAL = new Set(["task_added", "task_edited", "task_deleted", "tasks_cleaned", "tasks_pruned", "task_reset", "task_done", "task_failed", "task_cancelled"]);

export class GraphView extends View {
  #nodes = null;
  #truncated = false;
  #relations = relationsOf([]);
  #layout = null;
  #shape = "";
  #loaded = "";
  #stale = true;
  #problem = "";
  #here = "";
  #hovered = "";
  #critical = false;
  #fitted = "";
  #changed = true;
  #load = new Pace(() => this.#read(), GAP_MS, (error) => this.#failed(error));

  get keys() {
    return [
      { key: "+", words: "nearer", run: () => this.picture.closer() },
      { key: "-", words: "farther", run: () => this.picture.farther() },
      { key: "0", words: "all of it", run: () => this.picture.fit() },
      ...["ArrowRight", "ArrowLeft", "ArrowDown", "ArrowUp"].map((key) => ({ key, words: ARROWS[key], run: () => this.#step(key) })),
      { key: "p", words: "the longest way", run: () => this.#toggleCritical() },
    ];
  }

  // --- building ---------------------------------------------------------------------------------

  setUp() {
    this.summary = make("p", { class: "summary", role: "status" });
    this.depth = element("span");
    this.critical = button("Longest way", () => this.#toggleCritical(), { "aria-pressed": "false", title: "The longest chain of open tasks" });
    this.asList = button("List", () => this.page.go({ list: this.#isList ? "0" : "1" }, { replace: true }), { "aria-pressed": "false" });
    this.picture = new GraphPicture({
      open: (id) => this.page.go({ task: id }),
      hover: (id) => this.#hover(id),
      key: (event, id) => this.#key(event, id),
    });
    this.list = make("div", { class: "levels", hidden: true });
    this.nothing = make("p", { class: "empty", hidden: true });
    this.problem = make("p", { class: "problem", role: "status", hidden: true });
    const step = (by) => () => this.page.go({ depth: String(Math.min(DEPTH_MAX, Math.max(0, this.#depth + by))) }, { replace: true });
    this.append(
      make("h2", { class: "unseen" }, "Graph"),
      make(
        "div",
        { class: "toolbar" },
        this.summary,
        make("span", { class: "depth", role: "group", "aria-label": "Levels of finished tasks" }, button("−", step(-1), { class: "icon", "aria-label": "Fewer levels of finished tasks" }), this.depth, button("+", step(1), { class: "icon", "aria-label": "More levels of finished tasks" })),
        this.critical,
        make("span", { class: "zooms", role: "group", "aria-label": "Size" }, button("Fit", () => this.picture.fit()), button("−", () => this.picture.farther(), { class: "icon", "aria-label": "Farther" }), button("+", () => this.picture.closer(), { class: "icon", "aria-label": "Nearer" })),
        this.asList,
        this.#exportMenu(),
      ),
      this.problem,
      this.nothing,
      this.picture.svg,
      this.list,
    );
  }

  #exportMenu() {
    const name = () => `${this.page.route.project}-graph`;
    const mermaid = () => toMermaid(this.#nodes ?? []);
    const menu = createMenu(
      "export",
      make("summary", {}, "Export"),
      button("As SVG", () => saveFile(`${name()}.svg`, [this.picture.toSvg()], "image/svg+xml"), { class: "quiet" }),
      button("As Mermaid", () => saveFile(`${name()}.mmd`, [mermaid()], "text/plain"), { class: "quiet" }),
      button("Copy Mermaid", () => copyText(this.page, mermaid(), "The graph as Mermaid"), { class: "quiet" }),
    );
    menu.addEventListener("click", ({ target }) => {
      menu.open &&= !target.closest(".menu-body button");
    });
    return menu;
  }

  // --- asking -----------------------------------------------------------------------------------

  get #depth() {
    const { depth } = this.page.route;
    return /^\d{1,2}$/.test(depth ?? "") ? Math.min(DEPTH_MAX, Number(depth)) : 1;
  }

  get #isList() {
    const { list } = this.page.route;
    return list ? list === "1" : matchMedia(PHONE).matches;
  }

  opened() {
    const wanted = `${this.page.route.q}\n${this.#depth}`;
    if (wanted !== this.#loaded || this.#stale) {
      this.#loaded = wanted;
      this.#load.soon();
    }
    this.#changed = true;
    if (this.page.route.task && this.#relations.byId.has(this.page.route.task)) {
      this.#here = this.page.route.task;
      this.picture.reveal(this.#here);
    }
  }

  reloaded() {
    this.#stale = true;
    if (!this.hidden) {
      this.opened();
    }
  }

  took(events) {
    if (this.hidden || this.#nodes === null) {
      this.#stale = true;
      return;
    }
    let structural = false;
    const changed = new Map();
    for (const event of events) {
      structural ||= STRUCTURAL.has(event.type) || !isEmpty(this.page.filter);
      const node = changed.get(event.taskId) ?? this.#relations.byId.get(event.taskId);
      if (node && event.version > node.version) {
        const { status, version, workerId } = event;
        changed.set(event.taskId, { ...node, status, version, workerId, progress: event.data?.progress ?? (status === node.status ? node.progress : undefined) });
      }
    }
    if (changed.size) {
      this.#nodes = this.#nodes.map((node) => changed.get(node.id) ?? node);
      this.#relations = { ...this.#relations, byId: new Map(this.#nodes.map((node) => [node.id, node])) };
      this.#changed = true;
    }
    if (structural) {
      this.#load.soon();
    }
  }

  async #read() {
    const wanted = this.#loaded;
    this.#stale = false;
    try {
      const params = { ...paramsOf(this.page.filter, this.page.serverNow()), finishedLevels: this.#depth, limit: NODES_MAX };
      const { nodes, truncated } = await this.page.call("get_graph", params);
      if (wanted !== this.#loaded) {
        return;
      }
      this.#take(withKnown(nodes, this.#relations.byId), truncated);
    } catch (error) {
      this.#stale = true;
      throw error;
    }
  }

  #take(nodes, truncated) {
    const kept = this.picture.placeOf(this.#here);
    this.#nodes = nodes;
    this.#truncated = truncated;
    this.#relations = relationsOf(nodes);
    this.#problem = "";
    const shape = JSON.stringify(nodes.map(({ id, dependencies }) => [id, dependencies]));
    if (shape !== this.#shape) {
      this.#shape = shape;
      this.#layout = layOut(nodes);
      this.kept = kept;
    }
    this.#changed = true;
    this.page.learn({ ids: nodes.slice(0, 200).map(({ id }) => id) });
    this.page.plan();
  }

  #failed(error) {
    this.#problem = `The graph could not be read: ${error.message}`;
    this.page.plan();
  }

  // --- doing ------------------------------------------------------------------------------------

  #hover(id) {
    if (this.#hovered !== id) {
      this.#hovered = id;
      this.#highlight();
    }
  }

  #highlight() {
    const about = this.#hovered || (this.#relations.byId.has(this.page.route.task) ? this.page.route.task : "");
    if (this.#critical && !this.#hovered) {
      this.picture.light(new Set(criticalPath(this.#relations)), "critical");
    } else {
      this.picture.light(about ? lineageOf(this.#relations, about) : new Set());
    }
  }

  #toggleCritical() {
    this.#critical = !this.#critical;
    setAttribute(this.critical, "aria-pressed", String(this.#critical));
    this.#highlight();
    this.#changed = true;
    this.page.plan();
  }

  #key(event, id) {
    if (event.key in ARROWS && id) {
      this.#here = id;
      this.#step(event.key);
    } else if ((event.key === "Enter" || event.key === " ") && id) {
      this.page.go({ task: id });
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }

  #step(key) {
    if (this.#layout?.places.size && !this.#isList) {
      this.#here = nodeBeside(this.#relations, this.#layout.places, this.#here, key);
      this.picture.focus(this.#here);
    }
  }

  // --- drawing ----------------------------------------------------------------------------------

  draw(model) {
    if (!this.#changed && this.#drawnLive === model.live) {
      return;
    }
    this.#changed = false;
    this.#drawnLive = model.live;
    const list = this.#isList;
    const nodes = this.#nodes ?? [];
    setText(this.depth, `${this.#depth} finished`);
    setText(this.summary, this.#summaryOf(nodes));
    setAttribute(this.asList, "aria-pressed", String(list));
    setNote(this.problem, this.#problem);
    setNote(this.nothing, this.#nothingOf(model));
    this.picture.svg.toggleAttribute("hidden", list || !nodes.length);
    this.list.hidden = !list || !nodes.length;
    if (!this.#layout) {
      return;
    }
    if (list) {
      this.#drawList();
    } else if (nodes.length) {
      this.#drawPicture(model);
    }
  }

  #drawnLive = null;
  #drawnLayout = null;

  #drawPicture({ route }) {
    if (this.#drawnLayout === this.#layout) {
      this.picture.update(this.#nodes);
    } else {
      this.#drawnLayout = this.#layout;
      this.picture.show(this.#nodes, this.#layout);
      if (this.#fitted !== this.#loaded) {
        this.#fitted = this.#loaded;
        this.picture.fit(READABLE);
        this.picture.reveal(route.task, { center: true });
      } else {
        this.picture.keep(this.kept);
      }
    }
    this.picture.mark(route.task);
    this.#here = this.#relations.byId.has(this.#here) ? this.#here : this.#layout.places.keys().next().value;
    this.picture.rove(this.#here);
    this.#highlight();
    this.picture.settle();
    this.dataset.drawn = this.#layout.places.size;
  }

  #drawList() {
    const levels = new Map();
    for (const [id, { layer }] of this.#layout.places) {
      levels.set(layer, [...(levels.get(layer) ?? []), id]);
    }
    const ways = this.#critical ? new Set(criticalPath(this.#relations)) : new Set();
    const item = (id) => {
      const { title, status, dependencies } = this.#relations.byId.get(id);
      const waits = dependencies.flatMap((name) => [" ", taskLink(this.page, name, this.#relations.byId.get(name)?.status ?? "")]);
      return make(
        "li",
        { class: ways.has(id) ? "lit" : "", data: { id } },
        taskLink(this.page, id, status),
        " ",
        element("span", "foreign", title),
        waits.length > 0 && make("span", { class: "hint" }, " after", ...waits),
      );
    };
    this.list.replaceChildren(
      ...[...levels].sort(([one], [other]) => one - other).flatMap(([layer, ids]) => [make("h3", {}, `Level ${layer + 1}`), make("ul", {}, ...ids.map(item))]),
    );
  }

  #summaryOf(nodes) {
    const edges = nodes.reduce((sum, { dependencies }) => sum + dependencies.length, 0);
    const way = this.#critical ? `, longest way: ${count(criticalPath(this.#relations).length, "task")}` : "";
    const more = this.#truncated ? `: no more than ${NODES_MAX.toLocaleString("en")} are shown, narrow the filter` : "";
    return nodes.length ? `${count(nodes.length, "task")}, ${count(edges, "edge")}${way}${more}` : "";
  }

  #nothingOf({ live }) {
    if (this.#nodes === null) {
      return live ? "Loading…" : "Not connected; the graph comes as soon as the server is there.";
    }
    if (this.#nodes.length) {
      return "";
    }
    return isEmpty(this.page.filter) ? "Nothing is open. Finished tasks are shown with a filter such as status:done." : "No task passes the filter.";
  }
}

const ARROWS = Object.freeze({
  ArrowRight: "to what depends on it",
  ArrowLeft: "to what it depends on",
  ArrowDown: "the next one below",
  ArrowUp: "the next one above",
});
