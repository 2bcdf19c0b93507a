/**
 * The table of tasks that pass the filter.
 *
 * Owns what is loaded of them and when it is read again, the selection, and what is done with it.
 * What rows are is in task_rows.js, how they look in task_table.js. Must not know the connection.
 */

import { cancelTasks, prioritizeTasks, resetTasks } from "./actions.js";
import { button, keyed, make, setText } from "./dom.js";
import { isEmpty, paramsOf } from "./filter.js";
import { count } from "./format.js";
import { showTimes } from "./moments.js";
import { Pace } from "./pace.js";
import { totalOf } from "./store.js";
import { createHead } from "./task_head.js";
import { createNothing } from "./task_nothing.js";
import {
  afterEvents,
  idBeside,
  idsBetween,
  isFull,
  noRows,
  ROWS_MAX,
  SORTS,
  totalFor,
  withPage,
  withReread,
} from "./task_rows.js";
import { createRow } from "./task_table.js";
import { View } from "./view.js";

const PAGE = 100;
const PAGE_MAX = 500;
const TEXT = 200;
const GAP_MS = 250;
/** Pages without a single task that are looked through before somebody has to ask for more. */
const SEARCHED_MAX = 10;
const REREAD_MAX = 400;
/** New rows above those that were asked for, until the last ones are left out again. */
const NEW_MAX = 100;
const SELECTED_MAX = 1_000;
const DEFAULT_SORT = "-created";

export class TasksView extends View {
  rows = noRows(DEFAULT_SORT);
  selected = new Set();
  /** The row that keys are about: that which has or had the focus. */
  here = "";

  #loaded = "";
  /** How many rows somebody asked for. */
  #asked = PAGE;
  #atTop = true;
  #moreWanted = false;
  #loading = 0;
  #problem = "";
  #missed = true;
  #stale = new Set();
  #items = new Map();
  #anchor = "";
  #agesAt = 0;
  #reread = new Pace(() => this.#rereadStale(), GAP_MS, (error) => this.#failed(error));
  #load = new Pace(() => this.#loadFirst(), GAP_MS, (error) => this.#failed(error));

  get keys() {
    return [
      { key: "j", words: "next task", run: () => this.#step(1) },
      { key: "k", words: "task before", run: () => this.#step(-1) },
      { key: "ArrowDown", words: "next task", run: () => this.#step(1) },
      { key: "ArrowUp", words: "task before", run: () => this.#step(-1) },
      { key: "Enter", words: "show the details", run: () => this.#open(this.here) },
      { key: "x", words: "select, or not", run: () => this.#toggle(this.here) },
      { key: "e", words: "edit", run: () => this.here && this.page.go({ task: this.here, edit: "1" }) },
      { key: "c", words: "cancel what is selected, or this task", run: () => this.#act(cancelTasks) },
      { key: "r", words: "reset what is selected, or this task", run: () => this.#act(resetTasks) },
      { key: "g", words: "show it in the graph", run: () => this.here && this.page.go({ view: "graph", task: this.here }) },
      ...(this.selected.size
        ? [{ key: "Escape", words: "leave the selection", run: () => this.#select([]) }]
        : []),
    ];
  }

  // --- building ---------------------------------------------------------------------------------

  setUp() {
    this.summary = make("p", { class: "summary", role: "status" });
    this.sort = make(
      "select",
      { "aria-label": "Order", on: { change: () => this.#sortBy(this.sort.value) } },
      ...Object.entries(SORTS).map(([value, words]) => make("option", { value }, words)),
    );
    this.bar = this.#selectionBar();
    this.body = make("tbody", { role: "rowgroup", data: { part: "rows" } });
    this.head = createHead({
      turn: (sort) => this.#turn(sort),
      selectAll: (all) => this.#select(all ? this.rows.tasks.slice(0, SELECTED_MAX).map(({ id }) => id) : []),
      changed: () => this.#rebuild(),
    });
    this.table = make("table", { class: "tasks", role: "table" }, this.head.node, this.body);
    this.nothing = createNothing(this.page);
    this.more = button("Show more", () => this.#loadMore(), { live: true, class: "more" });
    this.append(
      make("h2", { class: "unseen" }, "Tasks"),
      make("div", { class: "toolbar" }, this.summary, this.sort, this.head.menu),
      this.bar,
      this.table,
      this.nothing.node,
      this.more,
    );
    this.body.addEventListener("focusin", ({ target }) => {
      this.here = target.closest("tr")?.dataset.id ?? this.here;
    });
    new IntersectionObserver((seen) => {
      this.#moreWanted = seen.at(-1).isIntersecting;
      this.page.plan();
    }).observe(this.more);
    new IntersectionObserver(([{ isIntersecting }]) => {
      this.#atTop = isIntersecting;
    }).observe(this.head.node);
    this.#rebuild();
  }

  #selectionBar() {
    this.chosen = make("strong", { class: "chosen" });
    const act = (words, action) => button(words, () => this.#act(action), { live: true });
    return make(
      "div",
      { class: "toolbar selection", role: "group", "aria-label": "Selected tasks", hidden: true },
      this.chosen,
      act("Priority…", prioritizeTasks),
      act("Reset…", resetTasks),
      button("Cancel…", () => this.#act(cancelTasks), { live: true, class: "danger" }),
      button("Clear", () => this.#select([]), { class: "quiet" }),
    );
  }

  /** Other columns are other rows. */
  #rebuild() {
    this.table.style.setProperty("--columns", this.head.grid);
    this.body.replaceChildren();
    this.body.keyedParts = undefined;
    this.#items.clear();
    this.#agesAt = 0;
    this.page.plan();
  }

  // --- asking -----------------------------------------------------------------------------------

  get #sorted() {
    const { sort } = this.page.route;
    return Object.hasOwn(SORTS, sort ?? "") ? sort : DEFAULT_SORT;
  }

  get #params() {
    return paramsOf(this.page.filter, this.page.serverNow());
  }

  opened() {
    const wanted = `${this.page.route.q}\n${this.#sorted}`;
    if (wanted !== this.#loaded || this.#missed) {
      if (wanted !== this.#loaded) {
        this.rows = noRows(this.#sorted);
        this.#asked = PAGE;
        this.#problem = "";
        this.#select([]);
      }
      this.#loaded = wanted;
      this.#load.soon();
    }
  }

  reloaded() {
    this.#missed = true;
    if (!this.hidden) {
      this.opened();
    }
  }

  took(events) {
    if (this.hidden || this.#missed) {
      this.#missed = true;
      return;
    }
    const { rows, reread, reload } = afterEvents(this.rows, events, { narrowed: !isEmpty(this.page.filter) });
    this.rows = rows;
    for (const id of reread) {
      this.#stale.add(id);
    }
    if (reload || this.#stale.size > 2 * REREAD_MAX || this.#hasTooMany) {
      this.#stale.clear();
      this.#load.soon();
    } else if (this.#stale.size) {
      this.#reread.soon();
    }
  }

  /** Whether what came live piled up, and nobody looks at the rows that would go for it. */
  get #hasTooMany() {
    return this.#atTop && !this.selected.size && this.rows.cursor !== null && this.rows.tasks.length > this.#asked + NEW_MAX;
  }

  /** The first page, or as many rows as were asked for. */
  async #loadFirst() {
    const wanted = this.#loaded;
    this.#loading += 1;
    this.page.plan();
    try {
      const limit = Math.min(PAGE_MAX, this.#atTop && !this.selected.size ? this.#asked : Math.max(this.#asked, this.rows.tasks.length));
      this.#missed = false;
      const rows = await this.#withPages(noRows(this.#sorted), limit);
      if (wanted === this.#loaded) {
        this.#show(rows);
        this.#problem = "";
      }
    } catch (error) {
      this.#missed = true;
      throw error;
    } finally {
      this.#loading -= 1;
      this.page.plan();
    }
  }

  async #loadMore() {
    if (this.#loading || this.rows.cursor === null || isFull(this.rows)) {
      return;
    }
    const wanted = this.#loaded;
    this.#loading += 1;
    try {
      const rows = await this.#withPages(this.rows, PAGE);
      if (wanted === this.#loaded) {
        // What happened meanwhile is in the rows that are shown, not in those that were asked from.
        const { tasks } = rows;
        this.#show(withPage(this.rows, { tasks, nextCursor: rows.cursor ?? undefined }));
        this.#asked = this.rows.tasks.length;
      }
    } catch (error) {
      this.#failed(error);
    } finally {
      this.#loading -= 1;
      this.page.plan();
    }
  }

  /** The rows with the next page; the server may look through many tasks without finding one. */
  async #withPages(rows, limit) {
    const before = rows.tasks.length;
    let found = rows;
    for (let looked = 0; looked < SEARCHED_MAX && found.tasks.length === before; looked += 1) {
      const cursor = found.cursor === null ? {} : { cursor: found.cursor };
      const asked = { ...this.#params, sort: rows.sort, limit, textMax: TEXT, ...cursor };
      found = withPage(found, await this.page.call("list_tasks", asked));
      if (found.complete) {
        break;
      }
    }
    return found;
  }

  #show(rows) {
    this.rows = rows;
    const { tasks } = rows;
    this.selected = new Set([...this.selected].filter((id) => rows.byId.has(id)));
    this.page.learn({
      tags: tasks.flatMap((task) => task.tags),
      workers: tasks.flatMap(({ workerId }) => workerId ?? []),
      ids: tasks.slice(0, PAGE).map(({ id }) => id),
    });
  }

  async #rereadStale() {
    const params = this.#params;
    const asked = [...this.#stale].slice(0, REREAD_MAX);
    asked.forEach((id) => this.#stale.delete(id));
    const ids = params.ids ? asked.filter((id) => params.ids.includes(id)) : asked;
    const wanted = this.#loaded;
    if (!ids.length) {
      return;
    }
    const found = [];
    let cursor = null;
    do {
      const more = cursor === null ? {} : { cursor };
      const page = await this.page.call("list_tasks", { ...params, ids, limit: PAGE_MAX, textMax: TEXT, ...more });
      found.push(...page.tasks);
      cursor = page.nextCursor ?? null;
    } while (cursor !== null);
    if (wanted === this.#loaded) {
      this.rows = withReread(this.rows, ids, found);
      this.page.plan();
    }
    if (this.#stale.size) {
      this.#reread.soon();
    }
  }

  #failed(error) {
    this.#problem = error.message;
    this.page.plan();
  }

  // --- doing ------------------------------------------------------------------------------------

  #sortBy(sort) {
    this.page.go({ sort: sort === DEFAULT_SORT ? "" : sort }, { replace: true });
  }

  #turn(sort) {
    const first = sort === "priority" ? sort : `-${sort}`;
    const other = sort === "priority" ? `-${sort}` : sort;
    this.#sortBy(this.#sorted === first ? other : first);
  }

  #open(id) {
    if (id) {
      this.page.go({ task: id });
    }
  }

  #step(by) {
    const row = this.#rowOf(idBeside(this.rows, this.here, this.#rowOf(this.here) ? by : 0));
    row?.querySelector("a").focus();
    row?.scrollIntoView({ block: "nearest" });
  }

  #rowOf(id) {
    return this.body.keyedParts?.get(id)?.node;
  }

  #toggle(id, to = !this.selected.has(id)) {
    if (id && this.rows.byId.has(id)) {
      this.#select(to ? [...this.selected, id] : [...this.selected].filter((other) => other !== id));
      this.#anchor = id;
    }
  }

  #tick(id, { shiftKey, target }) {
    if (shiftKey && this.#anchor) {
      const between = idsBetween(this.rows, this.#anchor, id);
      const rest = [...this.selected].filter((other) => !between.includes(other));
      this.#select(target.checked ? [...rest, ...between] : rest);
    } else {
      this.#toggle(id, target.checked);
    }
  }

  #select(ids) {
    this.selected = new Set(ids.slice(0, SELECTED_MAX));
    this.page.plan();
  }

  async #act(action) {
    const ids = this.selected.size ? [...this.selected] : [this.here].filter(Boolean);
    if (!ids.length || !this.page.live) {
      return;
    }
    const { priority } = this.rows.byId.get(ids[0]) ?? {};
    const done = await (action === prioritizeTasks ? action(this.page, ids, priority) : action(this.page, ids));
    if (done) {
      this.#select([]);
    }
  }

  // --- drawing ----------------------------------------------------------------------------------

  draw(model) {
    const { task: open } = model.route;
    const items = this.rows.tasks.map((task) => this.#itemOf(task, task.id === open));
    const on = { open: (id) => this.#open(id), select: (id, event) => this.#tick(id, event) };
    keyed(this.body, items, ({ task }) => task.id, (item) => createRow(item, this.head.columns, on));
    if (this.#items.size > 2 * items.length + PAGE) {
      this.#items.clear();
    }
    this.#drawAround(model);
    if (this.#moreWanted && model.live && items.length && !this.#loading) {
      this.#moreWanted = false; // once each time that the end comes into sight
      this.#loadMore();
    }
    if (Math.abs(model.serverNow - this.#agesAt) >= 900 || this.#agesRows !== this.rows) {
      this.#agesAt = model.serverNow;
      this.#agesRows = this.rows;
      showTimes(this.body, model.serverNow);
    }
  }

  #agesRows = null;

  /** The same object as long as nothing about the row changed. */
  #itemOf(task, open) {
    const selected = this.selected.has(task.id);
    const known = this.#items.get(task.id);
    if (known && known.task === task && known.open === open && known.selected === selected) {
      return known;
    }
    const item = { task, open, selected };
    this.#items.set(task.id, item);
    return item;
  }

  #drawAround(model) {
    const shown = this.rows.tasks.length;
    setText(this.summary, this.#summaryOf(model, shown));
    this.sort.value = this.#sorted;
    this.bar.hidden = !this.selected.size;
    setText(this.chosen, `${count(this.selected.size, "task")} selected`);
    const all = shown > 0 && this.selected.size >= Math.min(shown, SELECTED_MAX);
    this.head.show(this.#sorted, { all, some: this.selected.size > 0 && !all });
    this.table.hidden = !shown;
    this.more.hidden = this.rows.cursor === null || isFull(this.rows) || (!shown && this.#loading > 0);
    setText(this.more, shown ? "Show more" : "Search on");
    this.nothing.show(shown ? "" : this.#emptiness(model), this.#problem);
  }

  #summaryOf({ state }, shown) {
    if (!shown) {
      return "";
    }
    const total = totalFor(this.#params, state.counts);
    const whole = total === null || total <= shown ? "" : ` of ${total.toLocaleString("en")}`;
    const open = total === null && this.rows.cursor !== null ? " or more" : "";
    const full = isFull(this.rows) && !this.rows.complete ? ` (no more than ${ROWS_MAX.toLocaleString("en")} are shown: narrow the filter)` : "";
    return `${shown.toLocaleString("en")}${open}${whole} ${shown === 1 && !whole ? "task" : "tasks"}${full}`;
  }

  #emptiness({ live, state }) {
    if (this.#loading) {
      return "loading";
    }
    if (this.#missed) {
      return live ? "loading" : "lost";
    }
    if (this.rows.cursor !== null) {
      return "searching";
    }
    return isEmpty(this.page.filter) || totalOf(state) === 0 ? "none" : "filtered";
  }
}
