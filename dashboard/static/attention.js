/**
 * What needs a person: the list at the top of the overview.
 *
 * Owns how each entry is shown and what can be done about it right there. What counts is decided
 * by the server. Must not know when it is asked.
 */

import { cancelTasks, prioritizeTasks, releaseSlot, resetTasks } from "./actions.js";
import { button, element, keyed, make, named, setText } from "./dom.js";
import { quoted } from "./filter.js";
import { count } from "./format.js";
import { timeSince, timeUntil } from "./moments.js";
import { taskLink } from "./task_facts.js";

const KINDS = Object.freeze({
  worker_lost: { sign: "⚠", words: "worker lost", status: "failed" },
  lease_ending: { sign: "◷", words: "lease ends", status: "blocked" },
  blocked_by_failed: { sign: "✕", words: "holds others up", status: "failed" },
  failed: { sign: "✕", words: "failed", status: "failed" },
  overdue: { sign: "⚠", words: "overdue", status: "blocked" },
  unclaimed: { sign: "○", words: "nobody takes it", status: "available" },
});
const UNKNOWN = Object.freeze({ sign: "◇", words: "look at it", status: "" });

/** The list: `{node, show(attention)}`. */
export function createAttention(page) {
  const list = make("ul", { data: { part: "attention" } });
  const calm = make("p", { class: "calm", hidden: true }, make("span", { class: "sign done", "aria-hidden": "true" }, "✓"), " Nothing needs you.");
  const more = make("p", { class: "hint" });
  const node = make("div", {}, calm, list, more);

  return {
    node,
    show({ items, more: left }) {
      const known = items.map((item) => ({ ...item, key: JSON.stringify(item) }));
      calm.hidden = items.length > 0;
      keyed(list, known, ({ key }) => key, (item) => ({ node: createItem(page, item), update: () => {} }));
      more.hidden = !left;
      setText(more, left ? `and ${count(left, "more entry", "more entries")} of these kinds` : "");
    },
  };
}

function createItem(page, item) {
  const { sign, words, status } = KINDS[item.kind] ?? UNKNOWN;
  return make(
    "li",
    { class: status, data: { kind: item.kind, ...(item.taskId ? { id: item.taskId } : {}) } },
    make("span", { class: "status" }, make("span", { class: "sign", "aria-hidden": "true" }, sign), " ", words),
    make(
      "p",
      { class: "what" },
      item.taskId && taskLink(page, item.taskId),
      item.taskId && " ",
      item.title && element("span", "foreign", item.title),
      make("span", { class: "hint" }, " ", ...named(item.message), item.since && " ", item.since && timeSince(item.since), item.until && " Ends ", item.until && timeUntil(item.until)),
    ),
    make("p", { class: "buttons" }, ...(ACTIONS[item.kind]?.(page, item) ?? [])),
  );
}

const reset = (page, { taskId }) => button("Reset…", () => resetTasks(page, [taskId]), { live: true });
const cancel = (page, { taskId }) => button("Cancel…", () => cancelTasks(page, [taskId]), { live: true });
const release = (page, item) => button("Release…", () => releaseSlot(page, item), { live: true });
const raise = (page, { taskId }) => button("Priority…", () => prioritizeTasks(page, [taskId]), { live: true });
const waiting = (page, { taskId }) => button("What waits", () => page.go({ view: "tasks", q: `down:${quoted(taskId)} status:blocked` }));

const ACTIONS = Object.freeze({
  worker_lost: (page, item) => [release(page, item)],
  lease_ending: (page, item) => [release(page, item)],
  blocked_by_failed: (page, item) => [waiting(page, item), reset(page, item)],
  failed: (page, item) => [reset(page, item), cancel(page, item)],
  overdue: (page, item) => [raise(page, item)],
});
