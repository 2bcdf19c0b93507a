/**
 * Why a task is where it is, as elements: what it waits for down to the root cause, and what waits
 * for it.
 *
 * Owns what is read for that and how it is shown. Must not know the drawer around it.
 */

import { element, make, named } from "./dom.js";
import { count } from "./format.js";
import { inFull } from "./moments.js";
import { taskLink, taskLinks } from "./task_facts.js";
import { waysDown } from "./waits.js";

/** A moment as the server writes it into a sentence. */
const MOMENT = /\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g;
const UNMET = Object.freeze(["blocked", "scheduled", "available", "working", "failed", "cancelled"]);
const READ_MAX = 500;
const WAYS_MAX = 8;
/** Of more dependencies that are not done, the server names no more than these. */
const BLOCKERS_MAX = 100;

/** What `explain_task` says, with the ways down to the root causes: `ways`, and `moreWays` not shown. */
export async function explain(page, taskId) {
  const why = await page.call("explain_task", { taskId });
  const direct = new Set(why.blockedBy.map((blocker) => blocker.taskId));
  const roots = why.rootCauses.filter((root) => !direct.has(root.taskId)).map(linked);
  if (!roots.length) {
    return { ...why, ways: [], moreWays: 0 };
  }
  const asked = { upstreamOf: taskId, status: UNMET, limit: READ_MAX, textMax: 0 };
  const { tasks } = await page.call("list_tasks", asked);
  const ways = waysDown(taskId, tasks, roots.slice(0, WAYS_MAX));
  return { ...why, ways, moreWays: roots.length - ways.length };
}

/** The sentence, what it waits for, and the ways to where the waiting ends. */
export function whyOf(page, { reason, blockedBy, ways, moreWays, conflicts }) {
  return [
    make("p", { class: "reason foreign" }, ...named(reason.replace(MOMENT, inFull))),
    ...(blockedBy.length ? [make("h3", {}, "Waits for"), taskLinks(page, blockedBy.map(linked))] : []),
    ...(ways.length ? [make("h3", {}, "Down to the root cause"), waysOf(page, ways, moreWays)] : []),
    ...conflicts.map(({ resource, taskId, workerId }) =>
      make("p", {}, element("code", "foreign", resource), " is held by ", element("span", "foreign", workerId ?? ""), taskId ? " with " : "", taskId ? taskLink(page, taskId) : ""),
    ),
  ];
}

function waysOf(page, ways, more) {
  const items = ways.map((way) =>
    make(
      "li",
      {},
      ...way.flatMap(({ id, status }, place) => [
        place > 0 && make("span", { class: "hint" }, " → ", make("span", { class: "unseen" }, "which waits for ")),
        taskLink(page, id, status),
      ]),
    ),
  );
  return make("ol", { class: "ways" }, ...items, more > 0 && make("li", { class: "hint" }, `and ${count(more, "other")}`));
}

/** What a task was built on, and what waits for it. */
export function edgesOf(page, { dependencies }, why) {
  const open = new Set(why?.blockedBy.map(({ taskId }) => taskId));
  const met = dependencies.filter((id) => !open.has(id)).map((id) => ({ id, status: why && open.size < BLOCKERS_MAX ? "done" : "" }));
  const { unblocks = [], waiting = 0 } = why ?? {};
  return [
    ...(met.length ? section("Built on", taskLinks(page, met)) : []),
    ...(unblocks.length
      ? section(`Unblocks (${count(waiting, "task")} ${waiting === 1 ? "waits" : "wait"} for it in the end)`, taskLinks(page, unblocks.map((id) => ({ id, status: "" }))))
      : []),
  ];
}

function section(title, ...content) {
  return [make("section", {}, make("h3", {}, title), ...content)];
}

function linked({ taskId, status }) {
  return { id: taskId, status };
}
