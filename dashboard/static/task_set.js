/**
 * Which of some tasks pass a filter that only tasks can answer.
 *
 * Owns asking the server for that, some tasks at a time, and what is known by now. Must not know
 * what the answer is for.
 */

import { Pace } from "./pace.js";

const GAP_MS = 500;
const ASKED_MAX = 500;

/** The ids of those of some tasks that pass params of `list_tasks`. */
export async function tasksThatPass(call, params, ids) {
  const passing = new Set();
  for (let first = 0; first < ids.length; first += ASKED_MAX) {
    const asked = { ...params, ids: ids.slice(first, first + ASKED_MAX), limit: ASKED_MAX, textMax: 0 };
    let cursor;
    do {
      const page = await call("list_tasks", cursor === undefined ? asked : { ...asked, cursor });
      page.tasks.forEach(({ id }) => passing.add(id));
      cursor = page.nextCursor; // an answer has a greatest size
    } while (cursor !== undefined);
  }
  return passing;
}

export class TaskSet {
  #call;
  #answered;
  #failed;
  #params = null;
  #key = "null";
  #asked = new Set();
  #rest = new Set();
  #passing = new Set();
  #failing = new Set();
  #ask = new Pace(() => this.#askRest(), GAP_MS, (error) => this.#failed(error));

  /** `call` asks the server; `answered()` hears that more is known, `failed(error)` that not. */
  constructor(call, answered, failed) {
    this.#call = call;
    this.#answered = answered;
    this.#failed = failed;
  }

  /** The ids that pass, as far as is known; null where there is nothing to ask. */
  get passing() {
    return this.#params && this.#passing;
  }

  /** Whether a task is known not to pass. */
  fails(id) {
    return this.#params !== null && (id === undefined || this.#failing.has(id));
  }

  /** Ask about these tasks, with params of `list_tasks`, or null. */
  want(params, ids) {
    const key = JSON.stringify(params);
    if (key !== this.#key) {
      this.#key = key;
      this.#params = params;
      this.forget();
    }
    if (params !== null) {
      this.#later(ids.filter((id) => id !== undefined && !this.#asked.has(id)));
    }
  }

  /** Ask about those of these tasks that are not known yet, now. */
  async know(params, ids) {
    this.want(params, []);
    const unknown = [...new Set(ids)].filter((id) => id !== undefined && !this.#passing.has(id) && !this.#failing.has(id));
    const [key, known] = [this.#key, this.#passing];
    const passing = await tasksThatPass(this.#call, params, unknown);
    if (key === this.#key && known === this.#passing) {
      unknown.forEach((id) => this.#asked.add(id));
      this.#learn(unknown, passing);
    }
  }

  /** Something happened to these tasks: the answer may be another one now. */
  again(ids) {
    if (this.#params !== null) {
      this.#later(ids.filter((id) => this.#asked.has(id)));
    }
  }

  /** What was known may not hold any more. */
  forget() {
    this.#asked.clear();
    this.#rest.clear();
    this.#passing = new Set();
    this.#failing = new Set();
  }

  #later(ids) {
    for (const id of ids) {
      this.#asked.add(id);
      this.#rest.add(id);
    }
    if (this.#rest.size) {
      this.#ask.soon();
    }
  }

  async #askRest() {
    const key = this.#key;
    const ids = [...this.#rest].slice(0, ASKED_MAX);
    if (!ids.length || !this.#params) {
      return;
    }
    ids.forEach((id) => this.#rest.delete(id));
    const known = this.#passing;
    try {
      const passing = await tasksThatPass(this.#call, this.#params, ids);
      if (key === this.#key && known === this.#passing) {
        this.#learn(ids, passing);
      }
    } catch (error) {
      ids.forEach((id) => this.#asked.delete(id)); // whoever wants it next asks again
      throw error;
    }
    if (this.#rest.size) {
      this.#ask.soon();
    }
  }

  #learn(ids, passing) {
    for (const id of ids) {
      (passing.has(id) ? this.#passing : this.#failing).add(id);
      (passing.has(id) ? this.#failing : this.#passing).delete(id);
    }
    this.#answered();
  }
}
