/**
 * Keeps what the page knows up to date with the server.
 *
 * Owns when something is asked: everything after connecting, then events as they happen, and what
 * events do not say again after them, never faster than it is answered. Must not know how it is
 * shown, nor how the connection works.
 */

import { ConnectionLost } from "./rpc.js";
import {
  empty,
  needsFirstPage,
  withEvents,
  withFirstPage,
  withNextPage,
  withSnapshot,
} from "./store.js";

const PAGE = 50;
const QUEUE = 12;
const WORKING = 200;
/** Events before now that a fresh page is given. */
const EVENTS_BACK = 100;
/** After a pause with more events than this, the page starts afresh instead of replaying. */
const REPLAY_MAX = 1_000;
const REFRESH_MS = 100;
/** An idle page asks this often, which also tells a dead connection from a quiet one. */
const IDLE_MS = 15_000;

export class Feed {
  /** What is known now. */
  state = empty();
  /** When the server was last heard, by this machine's clock; null before that. */
  heardAt = null;
  /** Why the server could not answer last time; empty if it could. */
  problem = "";

  #call;
  #changed;
  #timer = null;
  #loading = false;
  #loadedSeq = 0;
  #stale = false;
  #stalePage = false;

  /** `call(method, params)` asks the server; `changed()` is told that there is something new. */
  constructor(call, changed) {
    this.#call = call;
    this.#changed = changed;
  }

  /** Load everything, then go on with events from where the page was. */
  async start() {
    const { seq } = await this.#call("get_snapshot", { limit: 0 });
    const known = this.state;
    if (!known.loaded || seq < known.seq || seq - known.seq > REPLAY_MAX) {
      // Nothing to go on from, a database that is another one, or more than is worth replaying.
      this.state = { ...empty(), seq: Math.max(0, seq - EVENTS_BACK) };
    }
    await this.#load(true);
    await this.#call("subscribe", { since: this.state.seq });
    this.#later(IDLE_MS);
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
    const { events } = params;
    this.#set(withEvents(this.state, events));
    const news = events.filter((event) => event.seq > this.#loadedSeq);
    if (news.length) {
      this.#stale = true;
      this.#stalePage ||= needsFirstPage(news);
      if (!this.#loading) {
        this.#later(REFRESH_MS);
      }
    }
  }

  /** Load the page behind the last one. */
  async more() {
    const { cursor } = this.state;
    const page = await this.#call("list_tasks", { sort: "-created", limit: PAGE, cursor });
    this.#set(withNextPage(this.state, cursor, page));
  }

  async #refresh() {
    const began = performance.now();
    const page = this.#stalePage;
    this.#loading = true;
    this.#stale = false;
    this.#stalePage = false;
    try {
      await this.#load(page);
      this.problem = "";
    } catch (error) {
      if (error instanceof ConnectionLost) {
        return; // `start` loads everything once the connection is back
      }
      this.#stalePage ||= page;
      this.problem = error.message;
      this.#changed();
    } finally {
      this.#loading = false;
    }
    const took = performance.now() - began;
    this.#later(this.#stale ? Math.max(REFRESH_MS, 3 * took) : IDLE_MS);
  }

  async #load(withPage) {
    const [snapshot, working, page] = await Promise.all([
      this.#call("get_snapshot", { limit: QUEUE }),
      this.#call("list_tasks", { status: ["working"], limit: WORKING }),
      withPage ? this.#call("list_tasks", { sort: "-created", limit: PAGE }) : null,
    ]);
    this.#loadedSeq = snapshot.seq;
    const state = withSnapshot(this.state, snapshot, working, Date.now());
    this.#set(page ? withFirstPage(state, page) : state);
  }

  #set(state) {
    this.state = state;
    this.heardAt = Date.now();
    this.#changed();
  }

  #later(milliseconds) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#refresh(), milliseconds);
  }
}
