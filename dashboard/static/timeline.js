/**
 * Who worked on what and when: one lane for each worker, one bar for each attempt.
 *
 * Owns which attempts are read and when, the stretch of time that is shown, and how a person sets
 * it. Where bars are is in lanes.js, how they look in timeline_picture.js. Must not know the
 * connection.
 */

import { button, make, setAttribute, setNote, setText } from "./dom.js";
import { attemptPasses, conditionsOf } from "./event_filter.js";
import { heightOf } from "./flow.js";
import { age, count, momentOf } from "./format.js";
import { lanesOf, stretchOf } from "./lanes.js";
import { Pace } from "./pace.js";
import { createBrush } from "./brush.js";
import { taskLink } from "./task_facts.js";
import { TaskSet } from "./task_set.js";
import { TimelinePicture } from "./timeline_picture.js";
import { View } from "./view.js";

const GAP_MS = 1_000;
const IDLE_MS = 15_000;
const ATTEMPTS_MAX = 1_000;
const LISTED_MAX = 300;
const LANES_MAX = 200;
const WHOLES = Object.freeze({ 300: "5 min", 900: "15 min", 3600: "1 h", 21600: "6 h", 86400: "24 h", 604800: "7 d" });
const DEFAULT_WHOLE = "3600";
/** What begins or ends an attempt. */
const TOLD = new Set(["task_claimed", "task_done", "task_failed", "task_retrying", "task_lapsed", "task_released", "task_cancelled", "task_reset", "task_deleted", "tasks_cleaned"]);

export class TimelineView extends View {
  #attempts = null;
  #truncated = false;
  #throughput = null;
  #problem = "";
  #stale = true;
  #loaded = "";
  #enough = Number(DEFAULT_WHOLE);
  #idle = null;
  #drawnAt = 0;
  #changed = true;
  #load = new Pace(() => this.#read(), GAP_MS, (error) => this.#failed(error));

  // --- building ---------------------------------------------------------------------------------

  setUp() {
    this.summary = make("p", { class: "summary" });
    this.whole = make(
      "select",
      { "aria-label": "Stretch of time", on: { change: () => this.page.go({ span: this.whole.value, since: "", until: "" }, { replace: true }) } },
      ...Object.entries(WHOLES).map(([value, words]) => make("option", { value }, `last ${words}`)),
    );
    this.all = button("All of it", () => this.#setStretch(null, null));
    this.brush = createBrush((from, to) => this.#setStretch(from, to));
    this.picture = new TimelinePicture((id) => this.page.go({ task: id }));
    this.nothing = make("p", { class: "empty", hidden: true });
    this.problem = make("p", { class: "problem", role: "status", hidden: true });
    this.table = make("details", { class: "attempts-table" }, make("summary", {}, "As a list"), make("div"));
    this.table.addEventListener("toggle", () => {
      this.#changed = true;
      this.page.plan();
    });
    this.tasks = new TaskSet(this.page.call, () => this.#changes(), (error) => this.#failed(error));
    this.append(
      make("h2", { class: "unseen" }, "Timeline"),
      make("div", { class: "toolbar" }, this.summary, this.all, this.whole),
      this.problem,
      this.brush.node,
      this.nothing,
      this.picture.node,
      this.table,
    );
  }

  // --- asking -----------------------------------------------------------------------------------

  /** The stretch that was chosen; without a choice, an hour, or less if all happened in less. */
  get #wholeSeconds() {
    return this.#chosenSeconds ?? this.#enough;
  }

  get #chosenSeconds() {
    const { span } = this.page.route;
    return Object.hasOwn(WHOLES, span ?? "") ? Number(span) : null;
  }

  /** The shortest stretch that shows all of these attempts. */
  #enoughFor(attempts) {
    const first = attempts.length ? Date.parse(attempts[0].claimedAt) : 0;
    const seconds = (this.page.serverNow() - first) / 1000;
    return Number(Object.keys(WHOLES).find((whole) => seconds * 1.1 < Number(whole)) ?? DEFAULT_WHOLE);
  }

  #stretch(now) {
    return stretchOf(this.page.route, 1000 * this.#wholeSeconds, now);
  }

  #setStretch(from, to) {
    const text = (at) => (at === null ? "" : new Date(at).toISOString());
    this.page.go({ since: text(from), until: text(to) }, { replace: true });
  }

  opened() {
    const { since = "", until = "" } = this.page.route;
    const wanted = `${this.#chosenSeconds}\n${since}\n${until}`;
    this.#changed = true;
    if (wanted !== this.#loaded || this.#stale) {
      this.#loaded = wanted;
      this.#refresh();
    }
  }

  closed() {
    clearTimeout(this.#idle);
    this.#stale = true;
  }

  reloaded() {
    this.#stale = true;
    this.tasks.forget();
    if (!this.hidden) {
      this.#refresh();
    }
  }

  took(events) {
    if (this.hidden) {
      this.#stale = true;
    } else if (events.some(({ type }) => TOLD.has(type))) {
      this.#refresh();
    }
  }

  #refresh() {
    this.#load.soon();
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.#refresh(), IDLE_MS);
  }

  async #read() {
    const wanted = this.#loaded;
    this.#stale = false;
    const seconds = this.#chosenSeconds ?? Number(DEFAULT_WHOLE);
    const { from, to, follows } = stretchOf(this.page.route, 1000 * seconds, this.page.serverNow());
    const until = follows ? {} : { until: new Date(to).toISOString() };
    try {
      const [found, throughput] = await Promise.all([
        this.page.call("list_attempts", { since: new Date(from).toISOString(), ...until, limit: ATTEMPTS_MAX }),
        this.page.call("get_throughput", { windowSeconds: seconds }),
      ]);
      if (wanted === this.#loaded) {
        this.#attempts = found.attempts;
        this.#enough = Math.min(Number(DEFAULT_WHOLE), this.#enoughFor(found.attempts));
        this.#truncated = found.truncated;
        this.#throughput = throughput;
        this.#problem = "";
        this.#changed = true;
        this.page.learn({ workers: found.attempts.map(({ workerId }) => workerId) });
        this.page.plan();
      }
    } catch (error) {
      this.#stale = true;
      throw error;
    }
  }

  #changes() {
    this.#changed = true;
    this.page.plan();
  }

  #failed(error) {
    this.#problem = `The timeline could not be read: ${error.message}`;
    this.page.plan();
  }

  // --- drawing ----------------------------------------------------------------------------------

  draw({ live, serverNow, route }) {
    const goesOn = live && Math.abs(serverNow - this.#drawnAt) >= 1_000;
    if (!this.#changed && !goesOn) {
      return;
    }
    this.#changed = false;
    this.#drawnAt = serverNow;
    const stretch = this.#stretch(serverNow);
    const attempts = this.#passing();
    const lanes = lanesOf(attempts, stretch.from, stretch.to, serverNow);
    setText(this.summary, this.#summaryOf(attempts, lanes, stretch));
    this.whole.value = String(this.#wholeSeconds);
    this.all.hidden = !route.since && !route.until;
    this.#drawBrush(stretch, serverNow);
    setNote(this.problem, this.#problem);
    setNote(this.nothing, lanes.length ? "" : this.#nothingOf(live));
    this.picture.node.hidden = !lanes.length;
    this.table.hidden = !lanes.length;
    this.picture.show(lanes.slice(0, LANES_MAX), { ...stretch, now: serverNow }, route.task);
    this.#drawTable(attempts);
  }

  #passing() {
    const attempts = this.#attempts ?? [];
    const conditions = conditionsOf(this.page.filter, this.page.serverNow());
    const { statuses } = conditions;
    const ofTasks = statuses ? { ...conditions.ofTasks, status: [...statuses] } : conditions.ofTasks;
    this.tasks.want(ofTasks, ofTasks ? attempts.map(({ taskId }) => taskId) : []);
    return attempts.filter((attempt) => attemptPasses(attempt, { ...conditions, ofTasks }, this.tasks.passing));
  }

  #drawBrush({ from, to }, now) {
    const whole = 1000 * this.#wholeSeconds;
    const begin = Math.min(from, now - whole);
    const buckets = (this.#throughput?.buckets ?? []).map((bucket) => ({ at: Date.parse(bucket.start), value: heightOf(bucket) }));
    const length = 1000 * (this.#throughput?.bucketSeconds ?? 60);
    this.brush.show({ begin, end: Math.max(to, now), from, to, buckets, length });
  }

  #summaryOf(attempts, lanes, { from, to, follows }) {
    if (!lanes.length) {
      return "";
    }
    const more = this.#truncated ? `, the newest ${ATTEMPTS_MAX.toLocaleString("en")}` : "";
    const hidden = lanes.length > LANES_MAX ? `, the last ${LANES_MAX} active` : "";
    const words = `${momentOf(new Date(from))} to ${follows ? "now" : momentOf(new Date(to))}`;
    return `${words}: ${count(attempts.length, "attempt")}${more} of ${count(lanes.length, "worker")}${hidden}`;
  }

  #nothingOf(live) {
    if (this.#attempts === null) {
      return live ? "Loading…" : "Not connected; the timeline comes as soon as the server is there.";
    }
    return this.#attempts.length ? "No attempt passes the filter." : "Nobody worked on anything in this stretch of time.";
  }

  #drawTable(attempts) {
    const place = this.table.lastElementChild;
    if (!this.table.open) {
      place.replaceChildren();
      return;
    }
    const rows = [...attempts].reverse().slice(0, LISTED_MAX).map((attempt) =>
      make(
        "tr",
        {},
        make("td", {}, momentOf(attempt.claimedAt)),
        make("td", { class: "foreign" }, attempt.workerId),
        make("td", {}, taskLink(this.page, attempt.taskId), " ", make("span", { class: "foreign hint" }, attempt.title ?? "")),
        make("td", { class: "number" }, String(attempt.attempt)),
        make("td", {}, attempt.outcome ?? "goes on"),
        make("td", { class: "number" }, attempt.seconds === undefined ? "" : age(1000 * attempt.seconds)),
      ),
    );
    const heads = ["Claimed", "Worker", "Task", "Attempt", "Outcome", "Took"].map((words) => make("th", { scope: "col" }, words));
    place.replaceChildren(make("table", {}, make("thead", {}, make("tr", {}, ...heads)), make("tbody", {}, ...rows)));
    setAttribute(place, "data-rows", rows.length);
  }
}
