/**
 * Which of some tasks pass a filter that only tasks can answer.
 *
 * Owns asking the server for that, some tasks at a time, and what is known by now. Must not know
 * what the answer is for.
 */

import { Pace } from "./pace.js";

const GAP_MS = 500;
const ASKED_MAX = 500;

export class TaskSet {
  #page;
  #failed;
  #params = null;
  #key = "";
  #asked = new Set();
  #rest = new Set();
  #passing = new Set();
  #ask = new Pace(() => this.#askRest(), GAP_MS, (error) => this.#failed(error));

  constructor(page, failed) {
    this.#page = page;
    this.#failed = failed;
  }

  /** The ids that pass, as far as is known; null where there is nothing to ask. */
  get passing() {
    return this.#params && this.#passing;
  }

  /** Ask about these tasks, with params of `list_tasks`, or null. */
  want(params, ids) {
    const key = JSON.stringify(params);
    if (key !== this.#key) {
      this.#key = key;
      this.#params = params;
      this.forget();
    }
    if (params === null) {
      return;
    }
    for (const id of ids) {
      if (id !== undefined && !this.#asked.has(id)) {
        this.#asked.add(id);
        this.#rest.add(id);
      }
    }
    if (this.#rest.size) {
      this.#ask.soon();
    }
  }

  /** What was known may not hold any more. */
  forget() {
    this.#asked.clear();
    this.#rest.clear();
    this.#passing = new Set();
  }

  async #askRest() {
    const key = this.#key;
    const ids = [...this.#rest].slice(0, ASKED_MAX);
    ids.forEach((id) => this.#rest.delete(id));
    if (!ids.length || !this.#params) {
      return;
    }
    const { tasks } = await this.#page.call("list_tasks", { ...this.#params, ids, limit: ASKED_MAX, textMax: 0 });
    if (key === this.#key) {
      tasks.forEach(({ id }) => this.#passing.add(id));
      this.#page.plan();
    }
    if (this.#rest.size) {
      this.#ask.soon();
    }
  }
}
