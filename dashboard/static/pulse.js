/**
 * The pulse beside the counters: how many tasks were done, minute by minute.
 *
 * Owns when it is asked for: after events, but seldom, and once a minute since time goes on. Must
 * not know the views.
 */

import { createSparkline } from "./charts.js";
import { bucketOf, pathOf } from "./flow.js";
import { count } from "./format.js";
import { Pace } from "./pace.js";

const WINDOW_SECONDS = 1_800;
const BUCKET_SECONDS = 60;
const GAP_MS = 10_000;
const IDLE_MS = 60_000;

/** The pulse in a place; `soon()` asks for it again. */
export function createPulse(place, page) {
  const line = createSparkline(pathOf);
  place.append(line.node);
  // Without an answer it stays as it is: it is a hint, and its view tells of trouble.
  const pace = new Pace(ask, GAP_MS, () => {});

  async function ask() {
    const { buckets } = await page.call("get_throughput", { windowSeconds: WINDOW_SECONDS, bucketSeconds: BUCKET_SECONDS });
    const done = buckets.map((bucket) => bucketOf(bucket, "done"));
    const sum = done.reduce((all, one) => all + one, 0);
    line.show(done, `${count(sum, "task")} done in the last ${WINDOW_SECONDS / 60} minutes`);
  }

  setInterval(() => page.live && document.visibilityState === "visible" && pace.soon(), IDLE_MS);
  return { soon: () => pace.soon() };
}
