/**
 * Asking again after something happened: at once, but never faster than is good.
 *
 * Owns the pace: the first time at once, then with a pause after each answer that is as long as
 * the answer took, and no shorter than the gap. Must not know what is asked.
 */

import { ConnectionLost } from "./rpc.js";

export class Pace {
  #run;
  #gapMs;
  #failed;
  #timer = null;
  #running = false;
  #again = false;
  #notBefore = -Infinity;

  /**
   * `run()` asks; it is never called while it still runs. What it throws goes to `failed(error)`,
   * but not that the connection is gone: whoever uses this hears of that elsewhere.
   */
  constructor(run, gapMs, failed) {
    this.#run = run;
    this.#gapMs = gapMs;
    this.#failed = failed;
  }

  /** Run as soon as it may be. */
  soon() {
    if (this.#running) {
      this.#again = true;
    } else if (this.#timer === null) {
      const wait = Math.max(0, this.#notBefore - performance.now());
      this.#timer = setTimeout(() => this.#go(), wait);
    }
  }

  /** Do not run what was planned. */
  stop() {
    clearTimeout(this.#timer);
    this.#timer = null;
    this.#again = false;
  }

  async #go() {
    this.#timer = null;
    this.#running = true;
    this.#again = false;
    const began = performance.now();
    let asked = true;
    try {
      await this.#run();
    } catch (error) {
      asked = !(error instanceof ConnectionLost);
      if (asked) {
        this.#failed(error);
      }
    } finally {
      const now = performance.now();
      this.#running = false;
      this.#notBefore = asked ? now + Math.max(this.#gapMs, now - began) : -Infinity;
      if (this.#again) {
        this.soon();
      }
    }
  }
}
