/**
 * Keeps what the whole page knows up to date with the server.
 *
 * Owns when something is asked: everything after connecting, then events as they happen, and what
 * events do not say again after them, at once after a pause and never faster than it is answered.
 * Must not know how it is shown, nor how the connection works.
 */

import { ConnectionLost, RpcError } from "./rpc.js";
import { empty, unseen, withEvents, withSnapshot } from "./store.js";

const QUEUE = 12;
const WORKING = 200;
const TEXT = 300;
/** Events before now that a fresh page is given. */
const EVENTS_BACK = 100;
/** After a pause with more events than this, the page starts afresh instead of replaying. */
const REPLAY_MAX = 1_000;
const REFRESH_MS = 250;
/** An idle page asks this often, since renewed leases make no event, and a dead connection no noise. */
const IDLE_MS = 5_000;

export class Feed {
  /** What is known now. */
  state = empty();
  /** When the server was last heard, by this machine's clock; null before that. */
  heardAt = null;
  /** Why the server could not answer last time; empty if it could. */
  problem = "";

  #call;
  #handlers;
  #timer = null;
  #loading = false;
  #loadedSeq = 0;
  #loadedAt = 0;
  #stale = false;

  /**
   * `call(method, params)` asks the server. `onChange()` is told that there is something new,
   * `onEvents(events)` gets each event once and in order, `onFresh()` hears that there may be a
   * gap before the next one, so that what was loaded has to be loaded again.
   */
  constructor(call, handlers) {
    this.#call = call;
    this.#handlers = handlers;
  }

  /** Load everything, then go on with events from where the page was. */
  async start() {
    const { seq } = await this.#call("get_snapshot", { limit: 0 });
    const known = this.state;
    const goesOn = known.loaded && seq >= known.seq && seq - known.seq <= REPLAY_MAX;
    if (!goesOn) {
      // Nothing to go on from, a database that is another one, or more than is worth replaying.
      this.#restart(Math.max(0, seq - EVENTS_BACK));
    }
    await this.#load();
    await this.#subscribe(seq);
    this.#later(IDLE_MS);
    if (!goesOn) {
      this.#handlers.onFresh();
    }
  }

  /** The connection is gone: nothing is asked until the next `start`. */
  stop() {
    clearTimeout(this.#timer);
  }

  /** Take a notification in. */
  notified(method, params) {
    if (method !== "events") {
      return;
    }
    const events = unseen(this.state, params.events);
    this.#set(withEvents(this.state, events));
    if (events.length) {
      this.#handlers.onEvents(events);
    }
    if (events.some((event) => event.seq > this.#loadedSeq)) {
      this.#stale = true;
      if (!this.#loading) {
        this.#later(Math.max(0, this.#loadedAt + REFRESH_MS - performance.now()));
      }
    }
  }

  async #subscribe(seq) {
    try {
      await this.#call("subscribe", { since: this.state.seq });
    } catch (error) {
      if (!(error instanceof RpcError) || error.reason !== "history_pruned") {
        throw error;
      }
      this.#restart(seq);
      await this.#load();
      await this.#call("subscribe", { since: seq });
      this.#handlers.onFresh();
    }
  }

  #restart(seq) {
    this.state = { ...empty(), seq };
  }

  async #refresh() {
    const began = performance.now();
    this.#loading = true;
    this.#stale = false;
    try {
      await this.#load();
      this.problem = "";
    } catch (error) {
      if (error instanceof ConnectionLost) {
        return; // `start` loads everything once the connection is back
      }
      this.problem = error.message;
      this.#handlers.onChange();
    } finally {
      this.#loading = false;
    }
    this.#loadedAt = performance.now();
    const took = this.#loadedAt - began;
    this.#later(this.#stale ? Math.max(REFRESH_MS, 3 * took) : IDLE_MS);
  }

  async #load() {
    const [snapshot, working] = await Promise.all([
      this.#call("get_snapshot", { limit: QUEUE }),
      this.#call("list_tasks", { status: ["working"], limit: WORKING, textMax: TEXT }),
    ]);
    this.#loadedSeq = snapshot.seq;
    this.#set(withSnapshot(this.state, snapshot, working, Date.now()));
  }

  #set(state) {
    this.state = state;
    this.heardAt = Date.now();
    this.#handlers.onChange();
  }

  #later(milliseconds) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#refresh(), milliseconds);
  }
}
