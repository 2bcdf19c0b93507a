/**
 * What happens, handed on in batches: at once after a quiet moment, together while much happens.
 *
 * Owns what waits and for how long. A person cannot read hundreds of events a second, and each
 * batch costs a view a drawing; so they come no faster than `GAP_MS`, and on a slow machine so
 * seldom that drawing them takes a tenth of the time. Must not know what is handed on.
 */

const GAP_MS = 400;
const GAP_MOST_MS = 1_000;
const SHARE = 10;

export class Batch {
  #deliver;
  #drawn;
  #waiting = [];
  #timer = null;
  #notBefore = -Infinity;

  /**
   * `deliver(things)` gets them in their order. `drawn(done)` calls `done` once what was delivered
   * is drawn.
   */
  constructor(deliver, drawn) {
    this.#deliver = deliver;
    this.#drawn = drawn;
  }

  /** Hand these on as soon as it may be. */
  add(things) {
    this.#waiting.push(...things);
    if (this.#timer === null) {
      this.#flushInTime();
    }
  }

  #flushInTime() {
    const wait = this.#notBefore - performance.now();
    if (wait <= 0) {
      this.flush();
    } else {
      this.#timer = setTimeout(() => this.#flushInTime(), wait); // it may be put off meanwhile
    }
  }

  /** Hand on now what waits. */
  flush() {
    clearTimeout(this.#timer);
    this.#timer = null;
    const things = this.#waiting;
    if (!things.length) {
      return;
    }
    this.#waiting = [];
    const began = performance.now();
    this.#notBefore = began + GAP_MS;
    this.#deliver(things);
    this.#drawn(() => {
      const took = performance.now() - began;
      this.#notBefore = began + Math.min(GAP_MOST_MS, Math.max(GAP_MS, SHARE * took));
    });
  }
}

/** Call `done` after the frame that is drawn next. */
export function afterFrame(done) {
  requestAnimationFrame(() => setTimeout(done));
}
