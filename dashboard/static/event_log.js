/**
 * The events that are kept: the newest ones, and those that somebody looks at; pure.
 *
 * Owns how many are kept, what is known to be all there, and where an earlier page begins. Must
 * not know the document, the connection, or what a filter is.
 *
 * A stretch is `{events, from, beginning}`: everything wanted that has a number above `from`, the
 * newest first; `beginning` says that there is nothing before. The newest stretch, the tail, goes
 * on growing at its top and loses its end. While somebody reads, another one is held: nothing in
 * it moves, and earlier events come to its end.
 */

/** Events of the tail. */
export const TAIL = 200;
/** Events while somebody goes back to earlier ones; then the newest of them make room. */
export const HELD = 2_000;
/** The least stretch of numbers that is asked for at once, and the longest. */
export const SPAN = 500;
const SPAN_MAX = 128_000;
/** An answer with less is worth a longer stretch next time. */
const FEW = SPAN / 5;

export class EventLog {
  /** Null until something is known to be all there. */
  tail = null;
  /** What somebody looks at; null while following. */
  held = null;
  /** Events up to this number were removed from the history. */
  pruned = 0;
  #span = SPAN;
  #heldAt = 0;
  #seq = 0;
  /** Goes up with each beginning: what was asked for before it is not taken any more. */
  #beginnings = 0;

  /** Begin anew: nothing is kept, and what is earlier than `seq` has to be asked for. */
  start(seq) {
    this.tail = { events: [], from: seq, beginning: seq === 0 };
    this.held = null;
    this.#span = SPAN;
    this.#seq = seq;
    this.#beginnings += 1;
  }

  /** Nothing is known any more. */
  forget() {
    this.tail = null;
    this.held = null;
    this.#beginnings += 1;
  }

  /** Take in what has just happened, in its order: `wanted` of all events up to number `seq`. */
  add(wanted, seq) {
    if (this.tail === null || seq <= this.#seq) {
      return;
    }
    const news = wanted.filter((event) => event.seq > this.#seq).reverse();
    this.#seq = seq;
    if (news.length) {
      this.tail = shortened({ ...this.tail, events: [...news, ...this.tail.events] }, TAIL);
    }
  }

  /** Whether the next one makes an old one go. */
  get isFull() {
    return this.tail !== null && this.tail.events.length >= TAIL;
  }

  /** Leave out what turned out not to be wanted. */
  drop(unwanted) {
    for (const name of ["tail", "held"]) {
      const stretch = this[name];
      if (stretch?.events.some(unwanted)) {
        this[name] = { ...stretch, events: stretch.events.filter((event) => !unwanted(event)) };
      }
    }
  }

  /** From now on what is shown stays as it is. */
  hold() {
    if (this.held === null && this.tail !== null) {
      this.held = this.tail;
      this.#heldAt = this.#seq;
    }
  }

  /** Show what is newest again. */
  follow() {
    this.held = null;
  }

  get shown() {
    return (this.held ?? this.tail)?.events ?? [];
  }

  /** Whether the newest of what is held made room for earlier ones. */
  get cut() {
    return this.held?.cut ?? false;
  }

  /** Whether all there is, back to the beginning, is among what is shown. */
  get complete() {
    return (this.held ?? this.tail)?.beginning ?? false;
  }

  /** What came since it is held; `more`: that and more. */
  get news() {
    if (this.held === null) {
      return { events: [], more: false };
    }
    return {
      events: this.tail.events.filter(({ seq }) => seq > this.#heldAt),
      more: this.tail.from > this.#heldAt,
    };
  }

  // --- going back -------------------------------------------------------------------------------

  /** What to ask for next: the numbers after `since` up to `until`; null where nothing is left. */
  get earlier() {
    const stretch = this.held ?? this.tail;
    if (stretch === null || stretch.beginning) {
      return null;
    }
    const since = Math.max(0, stretch.from - this.#span);
    return { since, until: stretch.from, beginning: this.#beginnings };
  }

  /** There was more in that stretch than fits into an answer: whether a shorter one may fit. */
  shorten() {
    const before = this.#span;
    this.#span = Math.max(SPAN, Math.floor(before / 8));
    return this.#span < before;
  }

  /**
   * Take in what was asked for: `found` events were there, `wanted` of them are kept. False where
   * something else is shown by now.
   */
  takeEarlier({ since, until, beginning }, found, wanted, pruned) {
    const name = this.held === null ? "tail" : "held";
    const now = this[name];
    if (beginning !== this.#beginnings || now.from !== until) {
      return false;
    }
    this.pruned = Math.max(this.pruned, pruned);
    const from = Math.max(since, this.pruned);
    const events = [...now.events, ...[...wanted].reverse()];
    const cut = name === "held" && events.length > HELD;
    this[name] = { events: cut ? events.slice(-HELD) : events, from, beginning: from <= this.pruned, cut: cut || now.cut };
    if (found < FEW) {
      this.#span = Math.min(SPAN_MAX, this.#span * 8);
    }
    return true;
  }
}

function shortened(stretch, most) {
  if (stretch.events.length <= most) {
    return stretch;
  }
  const events = stretch.events.slice(0, most);
  return { events, from: events.at(-1).seq - 1, beginning: false };
}
