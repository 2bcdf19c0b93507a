/**
 * What happened, event by event, the newest first.
 *
 * Owns what is asked for and when, following and pausing, and how the view is built. Which events
 * are kept is in event_log.js, what the filter means for them in event_filter.js. Must not know
 * the connection.
 */

import { copyText, saveFile } from "./copying.js";
import { button, keyed, make, setAttribute, setNote, setText } from "./dom.js";
import { exportEvents, LINES_MAX } from "./event_export.js";
import { conditionsOf, eventParams, eventPasses } from "./event_filter.js";
import { EventLog } from "./event_log.js";
import { createEvent } from "./event_row.js";
import { age, count, EVENT_WORDS } from "./format.js";
import { createMenu } from "./menu.js";
import { inFull } from "./moments.js";
import { Pace } from "./pace.js";
import { TaskSet, tasksThatPass } from "./task_set.js";
import { View } from "./view.js";

/** Rows that are looked for at once. */
const ROWS = 100;
/** Requests for that; after them one has to ask again. */
const LOOKED_MAX = 8;
const PAGE = 1_000;
const OF_TASKS =
  "Part of this filter is about tasks as they are now: events without a task, and those of deleted tasks, do not pass.";

export class EventsView extends View {
  #log = new EventLog();
  #filtered = null;
  #conditions = null;
  /** The same without what only tasks can answer. */
  #local = null;
  #chosen = new Set();
  #wanted = 0;
  #loading = false;
  #problem = "";
  #wasLive = false;
  #atTop = true;
  #pausedByHand = false;
  #drawn = null;
  #exporting = null;
  #load = new Pace(() => this.#read(), 0, (error) => this.#failed(error));

  get keys() {
    return [{ key: " ", words: "pause, or follow", run: () => this.#pause(this.#log.held === null) }];
  }

  // --- building ---------------------------------------------------------------------------------

  setUp() {
    this.summary = make("p", { class: "summary" });
    this.pausing = button("Pause", () => this.#pause(this.#log.held === null));
    this.export = button("Export JSON Lines", () => this.#export(), { live: true });
    this.pill = button("", () => this.#pause(false), { class: "pill", hidden: true });
    this.top = make("div", { class: "top" });
    this.list = make("ol", {
      class: "events panel",
      data: { part: "events" },
      "aria-label": "Events, the newest first",
      on: { pointerover: ({ target }) => this.#tellAge(target) },
    });
    this.nothing = make("p", { class: "empty", hidden: true });
    this.honest = make("p", { class: "hint", hidden: true }, OF_TASKS);
    this.problem = make("p", { class: "problem", role: "status", hidden: true });
    this.earlier = button("Earlier events", () => this.#want(ROWS), { live: true, class: "more" });
    this.end = make("p", { class: "hint end", hidden: true });
    this.tasks = new TaskSet(this.page.call, () => this.#answered(), (error) => this.#failed(error));
    this.append(
      make("h2", { class: "unseen" }, "Events"),
      make("div", { class: "toolbar" }, this.summary, this.#typeMenu(), this.pausing, this.export),
      this.honest,
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
        this.#followOrHold();
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
    const all = button("All types", () => this.page.go({ types: "" }, { replace: true }), { class: "quiet" });
    this.typesWord = make("summary", {}, "All types");
    return createMenu("types", this.typesWord, all, ...choices);
  }

  // --- what is asked for ------------------------------------------------------------------------

  get #types() {
    return (this.page.route.types ?? "").split(",").filter((type) => Object.hasOwn(EVENT_WORDS, type));
  }

  opened() {
    const types = this.#types;
    const filtered = `${types}\n${this.page.filter.text}`;
    if (filtered !== this.#filtered) {
      this.#filtered = filtered;
      this.#begin();
      for (const box of this.types) {
        box.checked = types.includes(box.value);
      }
      setText(this.typesWord, types.length ? count(types.length, "type") : "All types");
    }
    this.#want(ROWS - this.#shown().length);
  }

  closed() {
    this.#pausedByHand = false;
    this.#atTop = true;
    this.#log.follow();
  }

  took(events) {
    const { tail } = this.#log;
    if (tail === null) {
      return;
    }
    this.tasks.again(events.map(({ taskId }) => taskId));
    if (this.#log.isFull && this.#conditions.ofTasks) {
      this.#log.drop(({ taskId }) => this.tasks.fails(taskId));
    }
    this.#log.add(events.filter((event) => this.#mayPass(event)), events.at(-1).seq);
  }

  reloaded() {
    this.#log.forget();
    this.tasks.forget();
    if (!this.hidden) {
      this.#want(ROWS);
    }
  }

  /** What is shown follows another filter. Ages in it are those of now. */
  #begin() {
    this.#conditions = conditionsOf(this.page.filter, this.page.serverNow());
    this.#local = { ...this.#conditions, ofTasks: null };
    this.#chosen = new Set(this.#types);
    this.tasks.want(this.#conditions.ofTasks, []);
    this.#log.forget();
    this.#problem = "";
  }

  /** Look for so many more rows before those that are shown. */
  #want(rows) {
    if (rows > 0 && this.page.state.loaded) {
      this.#wanted = Math.max(this.#wanted, rows);
      this.#loading = true;
      this.#load.soon();
    }
  }

  async #read() {
    let wanted = this.#wanted;
    this.#wanted = 0;
    if (this.#log.tail === null) {
      this.#log.start(this.page.state.seq);
    }
    try {
      for (let looked = 0; looked < LOOKED_MAX && wanted > 0; looked += 1) {
        wanted -= await this.#readPage();
      }
      this.#problem = "";
    } finally {
      this.#loading = this.#wanted > 0;
      this.#followOrHold();
    }
  }

  /** Read what comes before; how many rows there are now that were not there. */
  async #readPage() {
    const asked = this.#log.earlier;
    if (asked === null) {
      return ROWS;
    }
    const { ofTasks } = this.#conditions;
    const params = { ...eventParams(this.#conditions, this.#types), until: asked.until, limit: PAGE };
    let page = await this.page.call("get_events", { ...params, since: asked.since });
    const { prunedThrough = 0 } = page;
    if (page.nextSince !== undefined && this.#log.shorten()) {
      return 0;
    }
    const found = page.events;
    while (page.nextSince !== undefined) {
      page = await this.page.call("get_events", { ...params, since: page.nextSince });
      found.push(...page.events);
    }
    const wanted = found.filter((event) => this.#mayPass(event));
    if (ofTasks) {
      await this.tasks.know(ofTasks, wanted.map(({ taskId }) => taskId));
    }
    if (this.#log.takeEarlier(asked, found.length, wanted, prunedThrough)) {
      return this.#passing(wanted).length;
    }
    return this.#log.isFull ? ROWS : 0; // so much happened meanwhile that nothing earlier is wanted
  }

  #failed(error) {
    this.#problem = `Could not read the events: ${error.message}`;
    this.page.plan();
  }

  // --- what is shown ----------------------------------------------------------------------------

  #mayPass(event) {
    return (!this.#chosen.size || this.#chosen.has(event.type)) && eventPasses(event, this.#local, null);
  }

  #passing(events) {
    const ofTasks = this.#conditions?.ofTasks;
    if (!ofTasks) {
      return events;
    }
    this.tasks.want(ofTasks, events.map(({ taskId }) => taskId));
    const { passing } = this.tasks;
    return events.filter(({ taskId }) => passing.has(taskId));
  }

  #shown() {
    return this.#passing(this.#log.shown);
  }

  #answered() {
    this.#drawn = null;
    this.page.plan();
  }

  /** While somebody reads further down, or paused, nothing moves: new events are counted. */
  #followOrHold() {
    if (this.#pausedByHand || !this.#atTop) {
      this.#log.hold();
    } else {
      this.#log.follow();
    }
    this.page.plan();
  }

  #pause(pause) {
    this.#pausedByHand = pause;
    if (!pause) {
      this.top.scrollIntoView({ block: "end" });
      this.#atTop = true;
    }
    this.#followOrHold();
  }

  draw({ live }) {
    if (live && !this.#wasLive) {
      this.#want(ROWS - this.#shown().length); // what was asked while it was away
    }
    this.#wasLive = live;
    const shown = this.#shown();
    if (shown !== this.#drawn) {
      this.#drawn = shown;
      keyed(this.list, shown, ({ seq }) => seq, (event) => this.#createRow(event));
    }
    this.list.hidden = !shown.length;
    this.#drawFrame(shown);
    this.honest.hidden = !this.#conditions?.ofTasks;
    this.earlier.hidden = this.#log.complete || this.#log.tail === null;
    setText(this.earlier, this.#loading ? "Loading…" : "Earlier events");
    setNote(this.problem, this.#problem);
    setNote(this.end, this.#log.complete && this.#log.pruned ? removedThrough(this.#log.pruned) : "");
    setNote(this.nothing, shown.length ? "" : this.#nothingOf(live));
  }

  #drawFrame(shown) {
    const { events, more } = this.#log.news;
    const news = this.#passing(events).length;
    const paused = this.#log.held !== null;
    this.pill.hidden = !news && !this.#log.cut;
    setText(this.pill, news ? `${news.toLocaleString("en")}${more ? "+" : ""} new ↑` : "The newest ↑");
    setText(this.pausing, paused ? "Follow" : "Pause");
    setText(this.summary, shown.length ? `${count(shown.length, "event")} shown${paused ? ", paused" : ""}` : "");
    setText(this.export, this.#exporting === null ? "Export JSON Lines" : `Stop at ${count(this.#exporting.lines, "line")}`);
  }

  #nothingOf(live) {
    if (this.#problem) {
      return "";
    }
    if (!live && this.#log.tail === null) {
      return "Not connected; the events come as soon as the server is there.";
    }
    if (this.#loading || this.#log.tail === null) {
      return "Loading…";
    }
    if (!this.#log.complete) {
      return "No event passes the filter, in what was looked at.";
    }
    return this.#filtered === "\n" ? "Nothing has happened yet." : "No event passes the filter.";
  }

  #createRow(event) {
    const { node, update } = createEvent(this.page, event);
    const json = button("{ }", () => this.#toggleJson(node, json, event), { class: "json", "aria-expanded": "false", "aria-label": `Event ${event.seq} as JSON` });
    node.append(make("span", { class: "seq hint" }, `#${event.seq}`), json);
    return { node, update };
  }

  /** Built when somebody asks for it: there are many rows, and few are opened. */
  #toggleJson(node, press, event) {
    const open = press.getAttribute("aria-expanded") !== "true";
    setAttribute(press, "aria-expanded", String(open));
    if (!open) {
      press.nextElementSibling.remove();
      return;
    }
    const text = JSON.stringify(event, null, 2);
    const copy = button("Copy", () => copyText(this.page, text, "The event as JSON"));
    node.append(make("div", { class: "whole" }, make("pre", { class: "foreign", tabindex: "0" }, text), copy));
  }

  /** The time of a row says how long ago that is, to whoever points at it. */
  #tellAge(target) {
    const time = target.closest?.("time");
    if (time) {
      time.title = `${inFull(time.dateTime)}, ${age(this.page.serverNow() - Date.parse(time.dateTime))} ago`;
    }
  }

  // --- export -----------------------------------------------------------------------------------

  /** Everything that passes, of the whole history; pressed again, it stops. */
  async #export() {
    if (this.#exporting !== null) {
      this.#exporting.stop = true;
      return;
    }
    const state = { lines: 0, stop: false };
    this.#exporting = state;
    const conditions = conditionsOf(this.page.filter, this.page.serverNow());
    const params = eventParams(conditions, this.#types);
    const goesOn = (lines) => {
      state.lines = lines;
      this.page.plan();
      return !state.stop;
    };
    try {
      const passing = (events) => this.#passingForExport(events, conditions);
      const made = await exportEvents(this.page.call, params, this.page.state.seq, passing, goesOn);
      if (made.stopped) {
        this.page.say("The export was stopped; nothing is saved.");
      } else {
        saveFile(`${this.page.route.project}-events.jsonl`, made.parts, "application/jsonl");
        this.page.say(`${count(made.lines, "event")} exported${made.cut ? CUT : ""}.${made.pruned ? ` ${removedThrough(made.pruned)}` : ""}`);
      }
    } catch (error) {
      this.page.complain(error, "export the events");
    } finally {
      this.#exporting = null;
      this.page.plan();
    }
  }

  async #passingForExport(events, conditions) {
    const { ofTasks } = conditions;
    const found = events.filter((event) => eventPasses(event, { ...conditions, ofTasks: null }, null));
    const ids = ofTasks ? [...new Set(found.flatMap(({ taskId }) => taskId ?? []))] : [];
    const tasks = ofTasks && (await tasksThatPass(this.page.call, ofTasks, ids));
    return ofTasks ? found.filter(({ taskId }) => tasks.has(taskId)) : found;
  }
}

const CUT = `: the oldest ${LINES_MAX.toLocaleString("en")}, which is all that one file holds; narrow the filter for the others`;

function removedThrough(seq) {
  return `Events up to #${seq.toLocaleString("en")} were removed; their archive lies beside the database.`;
}
