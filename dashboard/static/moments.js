/**
 * Times that go on: how long ago something was, how long something lasts yet.
 *
 * Owns the elements that show them and how they are brought up to date. Ages are those of the
 * server's clock, which whoever draws hands over. Must not know what happened.
 */

import { make, setText } from "./dom.js";
import { age } from "./format.js";

/** A moment as its age: "3 min ago"; `ago` is what stands behind it. */
export function timeSince(moment, ago = " ago") {
  const data = { since: Date.parse(moment), ago };
  return make("time", { datetime: moment, title: inFull(moment), data });
}

/** A moment to come as what is left: "in 41 s"; `late` is said once it has passed. */
export function timeUntil(moment, late = "now") {
  const data = { until: Date.parse(moment), late };
  return make("time", { datetime: moment, title: inFull(moment), data });
}

/** Bring all of them below `root` up to date. */
export function showTimes(root, now) {
  for (const time of root.querySelectorAll("time[data-since], time[data-until]")) {
    const { since, ago, until, late } = time.dataset;
    if (since !== undefined) {
      setText(time, `${age(now - since)}${ago}`);
    } else {
      setText(time, until > now ? `in ${age(Number(until) - now + 999)}` : late);
    }
  }
}

/** Date and time of this machine. */
export function inFull(moment) {
  return new Date(moment).toLocaleString();
}
