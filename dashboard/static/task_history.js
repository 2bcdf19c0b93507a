/**
 * What happened to a task, the newest first, and its attempts.
 *
 * Owns which of its events are read and when: a part at a time, from now backwards, and only while
 * somebody looks at them. Must not know the drawer around it.
 */

import { button, keyed, make, setNote, setText } from "./dom.js";
import { count } from "./format.js";
import { createEntry } from "./task_facts.js";

const PART = 100;
const PAGE = 1_000;
const KEPT_MAX = 2_000;
/** Event numbers that are looked through first; the events of a task may lie far apart. */
const REACH_FIRST = 2_000;
const REACH_GROWS = 4;

export class TaskHistory {
  #page;
  #id = "";
  /** Oldest first, all that is known between two event numbers. */
  #events = [];
  /** Everything before this event number is still to be read; null before the first reading. */
  #from = null;
  #to = 0;
  #reading = false;
  /** Counts restarts: what was asked before one is no answer after it. */
  #round = 0;

  constructor(page) {
    this.#page = page;
    this.list = make("ol", { class: "history" });
    this.problem = make("p", { class: "problem", role: "status", hidden: true });
    this.earlier = button("Earlier", () => this.#read(), { live: true });
    this.node = make("details", { class: "past", data: { part: "history" } }, make("summary", {}, "History"), this.list, this.problem, this.earlier);
    this.node.addEventListener("toggle", () => this.#begin());
  }

  /** It is about this task now; also after a gap in what was heard. */
  restart(id) {
    this.#id = id;
    this.#round += 1;
    this.#events = [];
    this.#from = null;
    setNote(this.problem, "");
    this.#begin();
  }

  /** Events of the task, as they happen. */
  took(events) {
    if (this.#from !== null) {
      const news = events.filter(({ seq }) => seq > this.#to);
      this.#keep([...this.#events, ...news]);
      this.#to = news.at(-1)?.seq ?? this.#to;
    }
  }

  /** Show what is known. */
  draw() {
    if (this.node.open) {
      keyed(this.list, [...this.#events].reverse(), ({ seq }) => seq, createEntry);
      this.earlier.hidden = this.#from === 0 || this.#reading || this.#events.length >= KEPT_MAX;
      setText(this.node.firstElementChild, this.#from === null ? "History" : `History (${count(this.#events.length, "event")}${this.#from ? " so far" : ""})`);
    }
  }

  #begin() {
    if (this.node.open && this.#from === null && this.#id) {
      this.#read();
    }
  }

  async #read() {
    const round = this.#round;
    if (this.#reading) {
      return;
    }
    this.#reading = true;
    if (this.#from === null) {
      this.#to = this.#page.state.seq;
      this.#from = this.#to + 1;
    }
    try {
      setNote(this.problem, "");
      await this.#readPart(this.#id, round);
    } catch (error) {
      this.#failed(round, error);
    } finally {
      this.#reading = false;
      if (round !== this.#round) {
        this.#begin();
      }
      this.#page.plan();
    }
  }

  #failed(round, error) {
    if (round === this.#round) {
      this.#from = this.#events.length ? this.#from : null;
      setNote(this.problem, `The history could not be read: ${error.message}`);
    }
  }

  /** Go back until there are some more, or none any more. */
  async #readPart(id, round) {
    let from = this.#from;
    const found = [];
    for (let reach = REACH_FIRST; from > 0 && found.length < PART; reach *= REACH_GROWS) {
      const since = Math.max(0, from - 1 - reach);
      found.unshift(...(from > 1 ? await this.#between(id, since, from - 1) : []));
      from = since && since + 1;
    }
    if (round === this.#round) {
      this.#from = from;
      this.#keep([...found, ...this.#events]);
    }
  }

  async #between(id, since, until) {
    const found = [];
    for (let next = since; next !== undefined; ) {
      const page = await this.#page.call("get_events", { taskId: id, since: next, until, limit: PAGE });
      found.push(...page.events);
      next = page.nextSince;
    }
    return found;
  }

  /** Of too many the oldest go: they can be read again. */
  #keep(events) {
    const over = events.length - KEPT_MAX;
    this.#events = over > 0 ? events.slice(over) : events;
    if (over > 0) {
      this.#from = this.#events[0].seq;
    }
  }
}
