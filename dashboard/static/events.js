/**
 * What happened, event by event, the newest first.
 *
 * Owns which events are kept and shown, following and pausing, earlier pages, and the export. What
 * the filter means for events is in event_filter.js. Must not know the connection.
 */

import { copyText, saveFile } from "./copying.js";
import { button, keyed, make, setAttribute, setNote, setText } from "./dom.js";
import { conditionsOf, eventPasses, merged } from "./event_filter.js";
import { createEvent } from "./event_row.js";
import { isEmpty } from "./filter.js";
import { count, EVENT_WORDS } from "./format.js";
import { TaskSet } from "./task_set.js";
import { View } from "./view.js";

/** Rows while following; who goes back to earlier ones may have more. */
const KEPT = 500;
const KEPT_MOST = 5_000;
const PAGE = 500;
/** Windows of the history that are looked through for events that pass, before one has to ask again. */
const LOOKED_MAX = 8;
const EXPORT_PAGE = 1_000;
const EXPORT_MAX = 100_000;

export class EventsView extends View {
  #events = [];
  /** What is shown while paused; null while following. */
  #frozen = null;
  /** Everything after this number is loaded. */
  #from = null;
  #pruned = 0;
  #loading = false;
  #problem = "";
  #atTop = true;
  #pausedByHand = false;
  #exporting = "";

  get keys() {
    return [{ key: " ", words: "pause, or follow", run: () => this.#pause(this.#frozen === null) }];
  }

  // --- building ---------------------------------------------------------------------------------

  setUp() {
    this.summary = make("p", { class: "summary" });
    this.pausing = button("Pause", () => this.#pause(this.#frozen === null), { "aria-pressed": "false" });
    this.export = button("Export JSON Lines", () => this.#export(), { live: true });
    this.pill = button("", () => this.#backToTop(), { class: "pill", hidden: true });
    this.top = make("div", { class: "top" });
    this.list = make("ol", { class: "events panel", data: { part: "events" }, "aria-label": "Events, the newest first" });
    this.nothing = make("p", { class: "empty", hidden: true });
    this.problem = make("p", { class: "problem", role: "status", hidden: true });
    this.earlier = button("Earlier events", () => this.#loadEarlier(), { live: true, class: "more" });
    this.end = make("p", { class: "hint end", hidden: true });
    this.tasks = new TaskSet(this.page, (error) => this.#failed(error));
    this.append(
      make("h2", { class: "unseen" }, "Events"),
      make("div", { class: "toolbar" }, this.summary, this.#typeMenu(), this.pausing, this.export),
      this.problem,
      this.top,
      this.pill,
      this.list,
      this.nothing,
      this.earlier,
      this.end,
    );
    new IntersectionObserver(([{ isIntersecting }]) => {
      if (!this.hidden) {
        this.#atTop = isIntersecting;
        this.#followOrFreeze();
      }
    }).observe(this.top);
  }

  #typeMenu() {
    this.types = Object.entries(EVENT_WORDS).map(([type]) => {
      const box = make("input", { type: "checkbox", id: `type-${type}`, value: type });
      box.addEventListener("change", () => {
        const chosen = this.types.filter(({ checked }) => checked).map(({ value }) => value);
        this.page.go({ types: chosen.join(",") }, { replace: true });
      });
      return box;
    });
    const choices = this.types.map((box) => make("p", { class: "choice" }, box, make("label", { for: box.id }, box.value.replaceAll("_", " "))));
    this.typesWord = make("summary", {}, "All types");
    const menu = make(
      "details",
      { class: "menu types" },
      this.typesWord,
      make("div", { class: "menu-body" }, button("All types", () => this.page.go({ types: "" }, { replace: true }), { class: "quiet" }), ...choices),
    );
    document.addEventListener("click", ({ target }) => {
      menu.open &&= menu.contains(target);
    });
    menu.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && menu.open) {
        menu.open = false;
        this.typesWord.focus();
        event.preventDefault();
      }
    });
    return menu;
  }

  // --- what is known ----------------------------------------------------------------------------

  get #types() {
    return (this.page.route.types ?? "").split(",").filter((type) => Object.hasOwn(EVENT_WORDS, type));
  }

  opened() {
    const chosen = new Set(this.#types);
    for (const box of this.types) {
      box.checked = chosen.has(box.value);
    }
    setText(this.typesWord, chosen.size ? count(chosen.size, "type") : "All types");
    if (this.#from === null || this.#shown().length < PAGE / 10) {
      this.#loadEarlier();
    }
  }

  closed() {
    this.#frozen = null;
    this.#pausedByHand = false;
    this.#atTop = true;
    this.#events = this.#events.slice(0, KEPT);
    this.#from = this.#events.length === KEPT ? this.#events.at(-1).seq - 1 : this.#from;
  }

  took(events) {
    this.#events = merged(this.#events, events);
    this.#trim();
  }

  reloaded() {
    this.#events = [];
    this.#from = null;
    this.#frozen = null;
    this.tasks.forget();
    if (!this.hidden) {
      this.#loadEarlier();
    }
  }

  #trim() {
    const most = this.#frozen === null && this.#atTop ? KEPT : KEPT_MOST;
    if (this.#events.length > most) {
      this.#events = this.#events.slice(0, most);
      this.#from = this.#events.at(-1).seq - 1;
    }
  }

  /** Read the events before those that are loaded, until some of them pass the filter. */
  async #loadEarlier() {
    if (this.#loading || !this.page.live && this.#from === null && !this.page.state.loaded) {
      return;
    }
    this.#loading = true;
    try {
      const before = this.#shown().length;
      for (let looked = 0; looked < LOOKED_MAX && this.#shown().length === before && this.#from !== this.#pruned; looked += 1) {
        await this.#loadPage();
      }
      this.#problem = "";
    } catch (error) {
      this.#failed(error);
    } finally {
      this.#loading = false;
      this.page.plan();
    }
  }

  async #loadPage() {
    const end = this.#from ?? this.page.state.seq;
    const since = Math.max(0, end - PAGE);
    const page = await this.page.call("get_events", { since, until: end, limit: PAGE });
    this.#pruned = page.prunedThrough ?? 0;
    this.#from = Math.max(since, this.#pruned);
    this.#events = merged(this.#events, page.events);
    if (this.#frozen !== null) {
      this.#frozen = merged(this.#frozen, page.events);
    }
  }

  #failed(error) {
    this.#problem = `Could not read the events: ${error.message}`;
    this.page.plan();
  }

  // --- what is shown ----------------------------------------------------------------------------

  #passing(events) {
    const conditions = conditionsOf(this.page.filter, this.page.serverNow());
    const types = new Set(this.#types);
    this.tasks?.want(conditions.ofTasks, conditions.ofTasks ? events.map(({ taskId }) => taskId) : []);
    const { passing } = this.tasks ?? {};
    return events.filter((event) => (!types.size || types.has(event.type)) && eventPasses(event, conditions, passing));
  }

  #shown() {
    const events = this.#frozen ?? this.#events;
    const narrowed = !isEmpty(this.page.filter) || this.#types.length > 0;
    return narrowed ? this.#passing(events) : events;
  }

  /** While somebody reads further down, or paused, nothing moves: new events are counted. */
  #followOrFreeze() {
    const freeze = this.#pausedByHand || !this.#atTop;
    if (freeze && this.#frozen === null) {
      this.#frozen = this.#events;
    } else if (!freeze && this.#frozen !== null) {
      this.#frozen = null;
      this.#trim();
    }
    this.page.plan();
  }

  #pause(pause) {
    this.#pausedByHand = pause;
    if (!pause) {
      this.top.scrollIntoView({ block: "end" });
      this.#atTop = true;
    }
    this.#followOrFreeze();
  }

  #backToTop() {
    this.#pause(false);
  }

  draw({ live }) {
    const shown = this.#shown();
    keyed(this.list, shown, ({ seq }) => seq, (event) => this.#createRow(event));
    this.list.hidden = !shown.length;
    const news = this.#frozen === null ? 0 : this.#passing(this.#events.filter(({ seq }) => seq > (this.#frozen[0]?.seq ?? 0))).length;
    this.pill.hidden = !news;
    setText(this.pill, `${news.toLocaleString("en")} new ↑`);
    setText(this.pausing, this.#pausedByHand ? "Follow" : "Pause");
    setAttribute(this.pausing, "aria-pressed", String(this.#pausedByHand));
    setText(this.summary, shown.length ? `${count(shown.length, "event")} shown${this.#frozen === null ? "" : ", paused"}` : "");
    setText(this.export, this.#exporting || "Export JSON Lines");
    this.export.toggleAttribute("data-off", this.#exporting !== "");
    setNote(this.problem, this.#problem);
    this.earlier.hidden = this.#from === this.#pruned && this.#from !== null;
    setNote(this.end, this.earlier.hidden && this.#pruned ? `Events up to #${this.#pruned} were removed; their archive lies beside the database.` : "");
    setNote(this.nothing, shown.length ? "" : this.#nothingOf(live));
  }

  #nothingOf(live) {
    if (this.#loading || (this.#from === null && live)) {
      return "Loading…";
    }
    if (this.#from === null) {
      return "Not connected; the events come as soon as the server is there.";
    }
    return this.#events.length ? "No event passes the filter, in what was looked at." : "Nothing has happened yet.";
  }

  #createRow(event) {
    const { node, update } = createEvent(this.page, event);
    const json = make("details", { class: "json" }, make("summary", { "aria-label": `Event ${event.seq} as JSON` }, "{ }"));
    json.addEventListener("toggle", () => {
      if (json.open && json.childElementCount === 1) {
        const text = JSON.stringify(event, null, 2);
        json.append(make("pre", { class: "foreign", tabindex: "0" }, text), button("Copy", () => copyText(this.page, text, "The event as JSON")));
      }
    });
    node.append(make("span", { class: "seq hint" }, `#${event.seq}`), json);
    return { node, update };
  }

  // --- export -----------------------------------------------------------------------------------

  /** Everything that passes, of the whole history, as JSON Lines, oldest first. */
  async #export() {
    const parts = [];
    let found = 0;
    let since = 0;
    const types = this.#types;
    try {
      for (;;) {
        const page = await this.page.call("get_events", { since, limit: EXPORT_PAGE, ...(types.length ? { types } : {}) });
        const passing = await this.#passingForExport(page.events);
        found += passing.length;
        parts.push(passing.map((event) => `${JSON.stringify(event)}\n`).join(""));
        if (page.nextSince === undefined || found >= EXPORT_MAX) {
          break;
        }
        since = page.nextSince;
        this.#exporting = `${found.toLocaleString("en")} events…`;
        this.page.plan();
      }
      saveFile(`${this.page.route.project}-events.jsonl`, parts, "application/jsonl");
      const more = found >= EXPORT_MAX ? `: the first ${EXPORT_MAX.toLocaleString("en")} or so; export the rest with a filter` : "";
      this.page.say(`${count(found, "event")} exported${more}.`);
    } catch (error) {
      this.page.complain(error, "export the events");
    } finally {
      this.#exporting = "";
      this.page.plan();
    }
  }

  async #passingForExport(events) {
    const conditions = conditionsOf(this.page.filter, this.page.serverNow());
    let tasks = null;
    if (conditions.ofTasks) {
      tasks = new Set();
      const ids = [...new Set(events.flatMap(({ taskId }) => taskId ?? []))];
      for (let first = 0; first < ids.length; first += PAGE) {
        const asked = { ...conditions.ofTasks, ids: ids.slice(first, first + PAGE), limit: PAGE, textMax: 0 };
        (await this.page.call("list_tasks", asked)).tasks.forEach(({ id }) => tasks.add(id));
      }
    }
    return events.filter((event) => eventPasses(event, conditions, tasks));
  }
}
