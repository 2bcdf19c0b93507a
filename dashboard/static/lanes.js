/**
 * Who worked on what and when, as lanes of bars; pure.
 *
 * Owns which lane an attempt is in, where its bar begins and ends, which bars are too small to be
 * told apart, and the stretch of time that is shown. Must not know the document or the connection.
 */

/** Bars that are less than this apart and end alike become one. */
const APART = 1.5;
const LEAST_WIDTH = 2;

/**
 * One lane for each worker, the last active first: `[{workerId, attempts, busy}]`; `busy` is the
 * part of the stretch in which it worked.
 */
export function lanesOf(attempts, from, to, now) {
  const lanes = new Map();
  for (const attempt of attempts) {
    const { begin, end } = spanOf(attempt, now);
    if (end < from || begin > to) {
      continue;
    }
    const lane = lanes.get(attempt.workerId) ?? { workerId: attempt.workerId, attempts: [], last: 0, busyMs: 0 };
    lane.attempts.push(attempt);
    lane.last = Math.max(lane.last, end);
    lane.busyMs += Math.max(0, Math.min(end, to) - Math.max(begin, from));
    lanes.set(attempt.workerId, lane);
  }
  return [...lanes.values()]
    .map(({ busyMs, ...lane }) => ({ ...lane, busy: Math.min(1, busyMs / Math.max(1, to - from)) }))
    .sort((one, other) => other.last - one.last || (one.workerId < other.workerId ? -1 : 1));
}

/** When an attempt began and ended, in milliseconds; one that goes on lasts until now. */
export function spanOf({ claimedAt, endedAt }, now) {
  const begin = Date.parse(claimedAt);
  return { begin, end: Math.max(begin, endedAt === undefined ? now : Date.parse(endedAt)) };
}

/**
 * The bars of a lane: `[{x, width, attempts}]`, from left to right. What would be less than a
 * pixel or two beside its neighbour, and ended like it, is one bar.
 */
export function barsOf(lane, { from, to, now, width }) {
  const scale = width / Math.max(1, to - from);
  const bars = [];
  const inOrder = [...lane.attempts].sort((one, other) => Date.parse(one.claimedAt) - Date.parse(other.claimedAt));
  for (const attempt of inOrder) {
    const { begin, end } = spanOf(attempt, now);
    const x = Math.max(0, (begin - from) * scale);
    const right = Math.min(width, Math.max(x + LEAST_WIDTH, (end - from) * scale));
    const last = bars.at(-1);
    const small = right - x <= LEAST_WIDTH + APART;
    if (last && small && x - (last.x + last.width) < APART && last.attempts[0].outcome === attempt.outcome) {
      last.width = Math.max(last.width, right - last.x);
      last.attempts.push(attempt);
    } else {
      bars.push({ x, width: right - x, attempts: [attempt] });
    }
  }
  return bars;
}

/**
 * The stretch that is shown, of the last `whole` milliseconds: `{from, to, follows}`. `since` and
 * `until` narrow it; without an `until` it ends now, and goes on.
 */
export function stretchOf({ since, until }, whole, now) {
  const begin = Date.parse(since ?? "");
  const end = Date.parse(until ?? "");
  const to = Number.isNaN(end) ? now : Math.min(end, now);
  const from = Number.isNaN(begin) ? now - whole : begin;
  return from < to ? { from, to, follows: Number.isNaN(end) } : { from: to - whole, to, follows: Number.isNaN(end) };
}

/** The bar beside one: in its lane, or the nearest one in the lane above or below. */
export function barBeside(rows, lane, place, key) {
  const row = rows[lane] ?? [];
  if (key === "ArrowLeft" || key === "ArrowRight") {
    const next = place + (key === "ArrowRight" ? 1 : -1);
    return row[next] ? [lane, next] : [lane, place];
  }
  const other = lane + (key === "ArrowDown" ? 1 : -1);
  const bars = rows[other];
  if (!bars?.length) {
    return [lane, place];
  }
  const middle = ({ x, width }) => x + width / 2;
  const here = row[place] ? middle(row[place]) : 0;
  const nearest = bars.reduce((best, bar, at) => (Math.abs(middle(bar) - here) < Math.abs(middle(bars[best]) - here) ? at : best), 0);
  return [other, nearest];
}
