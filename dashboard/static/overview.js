/**
 * The overview: what needs a person, who works on what, how work flows, what comes next.
 *
 * Owns which parts there are and when each is read again. How they look is in the modules of their
 * names. Must not know the connection.
 */

import { setPaused, setSlots } from "./actions.js";
import { createAttention } from "./attention.js";
import { createBurnUp, createThroughput } from "./charts.js";
import { button, element, keyed, make, setNote, setText } from "./dom.js";
import { createEvent } from "./event_row.js";
import { estimateOf, openOf } from "./flow.js";
import { age, count, cut } from "./format.js";
import { showTimes } from "./moments.js";
import { Pace } from "./pace.js";
import { writeRoute } from "./route.js";
import { createSlots } from "./slots.js";
import { totalOf } from "./store.js";
import { taskLink } from "./task_facts.js";
import { View } from "./view.js";

const GAP_MS = 2_000;
const STATS_GAP_MS = 5_000;
const IDLE_MS = 10_000;
const EVENTS_SHOWN = 12;
const QUEUE_SHOWN = 10;
const TITLE_LENGTH = 120;
const RANGES = Object.freeze({ 900: "15 min", 3600: "1 h", 21600: "6 h", 86400: "24 h", 604800: "7 d" });
const DEFAULT_RANGE = "3600";

export class OverviewView extends View {
  #attention = null;
  #throughput = null;
  #stats = null;
  #problems = { attention: "", throughput: "", stats: "" };
  #paces = {
    attention: new Pace(() => this.#ask("attention", "get_attention", {}), GAP_MS, (error) => this.#failed("attention", error)),
    throughput: new Pace(() => this.#ask("throughput", "get_throughput", this.#window), GAP_MS, (error) => this.#failed("throughput", error)),
    stats: new Pace(() => this.#ask("stats", "get_stats", this.#window), STATS_GAP_MS, (error) => this.#failed("stats", error)),
  };
  #idle = null;
  #stale = true;

  // --- building ---------------------------------------------------------------------------------

  setUp() {
    this.parts = {
      guide: this.#guide(),
      attention: this.#attentionPanel(),
      slots: this.#slotsPanel(),
      throughput: this.#throughputPanel(),
      burnUp: this.#burnUpPanel(),
      next: this.#nextPanel(),
      recent: this.#recentPanel(),
    };
    this.append(make("h2", { class: "unseen" }, "Overview"), ...Object.values(this.parts));
  }

  #panel(name, title, aside, ...content) {
    const problem = make("p", { class: "problem", data: { part: "problem" }, hidden: true });
    this.problemOf = { ...this.problemOf, [name]: problem };
    return make("section", { class: `panel ${name}`, "aria-label": title }, make("h2", {}, title, make("span", { class: "aside" }, ...[aside].flat())), problem, ...content);
  }

  #attentionPanel() {
    this.needs = createAttention(this.page);
    return this.#panel("attention", "Needs attention", [], this.needs.node);
  }

  #slotsPanel() {
    this.used = element("span");
    this.pausing = button("Pause claims…", () => setPaused(this.page, !this.page.state.paused), { live: true });
    this.paused = make("p", { class: "notice foreign", hidden: true });
    this.slots = createSlots(this.page);
    const number = button("Slots…", () => setSlots(this.page, this.page.state.slots.length), { live: true });
    return this.#panel("workers", "Workers", [this.used, " ", this.pausing, " ", number], this.paused, this.slots.node);
  }

  #throughputPanel() {
    this.bars = createThroughput();
    this.range = make(
      "select",
      { "aria-label": "Stretch of time", on: { change: () => this.page.go({ range: this.range.value === DEFAULT_RANGE ? "" : this.range.value }, { replace: true }) } },
      ...Object.entries(RANGES).map(([value, words]) => make("option", { value }, words)),
    );
    return this.#panel("throughput", "Throughput", this.range, this.bars.node);
  }

  #burnUpPanel() {
    this.course = createBurnUp();
    this.estimate = make("p", { class: "estimate" });
    this.times = make("p", { class: "hint" });
    return this.#panel("burn-up", "Done of all", [], this.course.node, this.estimate, this.times);
  }

  #nextPanel() {
    this.queue = make("ol", { class: "queue", data: { part: "queue" } });
    this.noQueue = make("p", { class: "empty", hidden: true });
    this.queued = element("span");
    return this.#panel("next", "Next to be claimed", this.queued, this.queue, this.noQueue);
  }

  #recentPanel() {
    this.events = make("ol", { class: "events", data: { part: "recent" } });
    this.noEvents = make("p", { class: "empty", hidden: true });
    const all = make("a", { href: writeRoute({ ...this.page.route, view: "events" }) }, "all events");
    return this.#panel("recent", "Recent events", all, this.events, this.noEvents);
  }

  #guide() {
    const code = (text) => make("code", {}, text);
    return make(
      "section",
      { class: "panel guide", "aria-label": "First steps", hidden: true },
      make("h2", {}, "Nothing to do yet"),
      make(
        "ol",
        {},
        make("li", {}, "Let your agents take part: ", code("task-coordinator install claude-code"), ", or any MCP host with the command ", code("task-coordinator mcp"), "."),
        make("li", {}, "Add tasks: agents do with ", code("add_task"), ", you with the button, or a whole plan at once."),
        make("li", {}, "Watch: who works on what, what is stuck and why, is on this page as it happens."),
      ),
      button("Add the first task", () => this.page.add(), { class: "primary" }),
    );
  }

  // --- asking -----------------------------------------------------------------------------------

  get #rangeSeconds() {
    const { range } = this.page.route;
    return Object.hasOwn(RANGES, range ?? "") ? range : DEFAULT_RANGE;
  }

  get #window() {
    return { windowSeconds: Number(this.#rangeSeconds) };
  }

  opened() {
    if (this.range.value !== this.#rangeSeconds) {
      this.range.value = this.#rangeSeconds;
      this.#stale = true;
    }
    if (this.#stale) {
      this.#refresh();
    }
  }

  closed() {
    clearTimeout(this.#idle);
    this.#stale = true;
  }

  took() {
    if (this.hidden) {
      this.#stale = true;
    } else {
      this.#refresh();
    }
  }

  reloaded() {
    this.took();
  }

  #refresh() {
    this.#stale = false;
    for (const pace of Object.values(this.#paces)) {
      pace.soon();
    }
    clearTimeout(this.#idle);
    // Time alone makes leases end and deadlines pass.
    this.#idle = setTimeout(() => this.#refresh(), IDLE_MS);
  }

  async #ask(name, method, params) {
    const answer = await this.page.call(method, params);
    if (name === "attention") {
      this.#attention = answer;
    } else if (name === "throughput") {
      this.#throughput = answer;
    } else {
      this.#stats = answer;
    }
    this.#problems[name] = "";
    this.page.plan();
  }

  #failed(name, error) {
    this.#problems[name] = `Could not be read: ${error.message}`;
    this.page.plan();
  }

  // --- drawing ----------------------------------------------------------------------------------

  draw(model) {
    const { state, serverNow } = model;
    const empty = state.loaded && totalOf(state) === 0;
    this.parts.guide.hidden = !empty;
    for (const name of ["attention", "throughput", "burnUp", "next"]) {
      this.parts[name].hidden = empty;
    }
    this.#drawProblems();
    this.#drawWorkers(state, serverNow);
    if (this.#attention) {
      this.needs.show(this.#attention);
    }
    if (this.#throughput) {
      this.bars.show(this.#throughput);
      this.course.show(this.#throughput);
      setText(this.estimate, this.#estimateOf(this.#throughput));
    }
    setText(this.times, timesOf(this.#stats));
    this.#drawQueue(state);
    keyed(this.events, state.events.slice(0, EVENTS_SHOWN), ({ seq }) => seq, (event) => createEvent(this.page, event));
    setNote(this.noEvents, state.loaded && !state.events.length ? "Nothing has happened yet." : "");
    showTimes(this, serverNow);
  }

  #drawProblems() {
    setNote(this.problemOf.attention, this.#problems.attention);
    setNote(this.problemOf.throughput, this.#problems.throughput);
    setNote(this.problemOf["burn-up"], this.#problems.stats);
  }

  #drawWorkers(state, now) {
    const held = state.slots.filter(({ status }) => status !== "free").length;
    setText(this.used, state.loaded ? `${held} of ${count(state.slots.length, "slot")} taken` : "");
    setText(this.pausing, state.paused ? "Resume claims" : "Pause claims…");
    const reason = state.pauseReason ? `: ${cut(state.pauseReason, TITLE_LENGTH)}` : ".";
    setNote(this.paused, state.paused ? `Claims are paused, nobody may take a task${reason}` : "");
    this.slots.show(state, now);
  }

  #drawQueue(state) {
    const available = state.counts?.available ?? 0;
    const shown = state.queue.slice(0, QUEUE_SHOWN);
    keyed(this.queue, shown, ({ id }) => id, (task) => createQueued(this.page, task));
    setText(this.queued, available > shown.length ? `first ${shown.length} of ${count(available, "task")}` : "");
    setNote(this.noQueue, state.loaded && !shown.length ? emptyQueue(state.counts) : "");
  }

  #estimateOf(throughput) {
    const open = openOf(throughput.counts);
    if (!open) {
      return "Nothing is open.";
    }
    const estimate = estimateOf(throughput);
    const left = `${count(open, "task")} to go`;
    return estimate ? `${left}: at this pace done in ${rangeOf(estimate)}.` : `${left}; no estimate yet: too little was done in this stretch of time.`;
  }
}

function rangeOf({ low, high }) {
  const [from, to] = [age(1000 * low), age(1000 * high)];
  return from === to ? from : `${from} to ${to}`;
}

function timesOf(stats) {
  const { waitingSeconds: waiting, workingSeconds: working } = stats?.project ?? {};
  const words = (what, { p50, p95 }) => `${what} ${age(1000 * p50)} (95 %: ${age(1000 * p95)})`;
  const parts = [waiting && words("waiting", waiting), working && words("work on a task", working)].filter(Boolean);
  return parts.length ? `Half of the attempts within: ${parts.join(", ")}` : "";
}

function createQueued(page, { id }) {
  const title = element("span", "foreign");
  const priority = element("span", "hint");
  const node = make("li", { data: { id } }, make("p", { class: "what" }, taskLink(page, id), " ", title, " ", priority));
  const update = (task) => {
    setText(title, cut(task.description, TITLE_LENGTH));
    setText(priority, task.priority ? `priority ${task.priority}` : "");
  };
  return { node, update };
}

function emptyQueue(counts) {
  if (counts.working) {
    return "Nothing is ready; more may be when current work is done.";
  }
  if (counts.scheduled) {
    return "Nothing is ready: open tasks wait for their time.";
  }
  return counts.blocked ? "Nothing is ready: every open task waits for another one." : "No task is ready.";
}
