/**
 * What the figures of a stretch of time mean: how work flowed, and when it may be done; pure.
 *
 * Owns the sums, the course of what was done and of all that there is, and the estimate. Must not
 * know the document, nor how anything is drawn.
 */

/** Ends of attempts that are told apart, from the bottom of a bar to its top. */
export const ENDS = Object.freeze([
  { name: "done", words: "done", status: "done", sign: "✓" },
  { name: "retried", words: "failed, to be tried again", status: "scheduled", sign: "↻" },
  { name: "failed", words: "failed for good", status: "failed", sign: "✕" },
  { name: "lapsed", words: "lapsed: no sign of life", status: "blocked", sign: "⚠" },
  { name: "cancelled", words: "cancelled", status: "cancelled", sign: "⊘" },
]);

/** Ends that are needed before there is an estimate. */
const KNOWN_MIN = 5;

/** How often something happened in all buckets together. */
export function sumOf(buckets, name) {
  return buckets.reduce((sum, bucket) => sum + bucketOf(bucket, name), 0);
}

/** How often something happened in a bucket; what is zero is left out of it. */
export function bucketOf(bucket, name) {
  return bucket[name] ?? 0;
}

/** Height of a bucket's bar: all ends together. */
export function heightOf(bucket) {
  return ENDS.reduce((sum, { name }) => sum + bucketOf(bucket, name), 0);
}

/**
 * The course of a window: `[{at, total, done}]` at the beginning and after each bucket, counted
 * back from now. Where finished tasks were reset or removed, what lies before is an estimate.
 */
export function courseOf({ buckets, bucketSeconds, until, counts, total }) {
  const end = Date.parse(until);
  const points = [{ at: end, total, done: counts.done }];
  for (const bucket of [...buckets].reverse()) {
    const [{ total: totalAfter, done: doneAfter }] = points;
    const start = Date.parse(bucket.start);
    points.unshift({
      at: Math.min(start, end),
      total: Math.max(0, totalAfter - bucketOf(bucket, "added") + bucketOf(bucket, "removed")),
      done: Math.max(0, doneAfter - bucketOf(bucket, "done")),
    });
  }
  return points.map((point) => ({ ...point, total: Math.max(point.total, point.done), bucketSeconds }));
}

/** Tasks that are neither done nor failed nor cancelled. */
export function openOf(counts) {
  return counts.working + counts.available + counts.scheduled + counts.blocked;
}

/**
 * When the open tasks may be done, as seconds from now: `{low, high}`; null if too little is known.
 *
 * The pace is that of the window since its first end. The range is that of a Poisson process: so
 * many ends, give or take the square root of their number.
 */
export function estimateOf({ buckets, until, counts }) {
  const open = openOf(counts);
  const done = sumOf(buckets, "done");
  const first = buckets.find((bucket) => bucketOf(bucket, "done") > 0);
  if (!open || done < KNOWN_MIN) {
    return null;
  }
  const seconds = Math.max(60, (Date.parse(until) - Date.parse(first.start)) / 1000);
  const spread = Math.sqrt(done);
  return {
    low: (open * seconds) / (done + spread),
    high: (open * seconds) / (done - spread),
  };
}

/** A course of values as the path of a line in a box, the largest value at its top. */
export function pathOf(values, width, height) {
  const most = Math.max(1, ...values);
  const step = values.length > 1 ? width / (values.length - 1) : 0;
  const at = (value, place) => `${round(place * step)} ${round(height - (value / most) * height)}`;
  return values.length ? `M${values.map(at).join("L")}` : "";
}

/** Moments to write below an axis: whole ones, no closer together than so many pixels. */
export function timeTicks(from, to, width, apart = 90) {
  const most = Math.max(1, Math.floor(width / apart));
  const step = STEPS_MS.find((one) => (to - from) / one <= most) ?? STEPS_MS.at(-1) * Math.ceil((to - from) / STEPS_MS.at(-1) / most);
  // Whole hours and days are those of this machine's time zone.
  const shift = new Date(from).getTimezoneOffset() * 60_000;
  const ticks = [];
  for (let at = Math.ceil((from - shift) / step) * step + shift; at <= to; at += step) {
    ticks.push(at);
  }
  return ticks;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const STEPS_MS = [5_000, 10_000, 30_000, MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, 24 * HOUR, 48 * HOUR, 168 * HOUR];

/** How a tick is written: the time of day, or the day where ticks are days. */
export function tickWords(at, step) {
  const time = new Date(at);
  const two = (figure) => String(figure).padStart(2, "0");
  if (step >= 24 * HOUR) {
    return `${two(time.getMonth() + 1)}-${two(time.getDate())}`;
  }
  const seconds = step < MINUTE ? `:${two(time.getSeconds())}` : "";
  return `${two(time.getHours())}:${two(time.getMinutes())}${seconds}`;
}

/** A round number that is no smaller: for the top of an axis. */
export function roundUp(value) {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, value)));
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= value) ?? 1;
}

function round(value) {
  return Math.round(value * 10) / 10;
}
