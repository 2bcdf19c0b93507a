/**
 * Words and figures for people; pure.
 *
 * Owns how a status, an age or an event is called. Must not know the document or the connection.
 */

/** Every status: its sign and what it means. Never shown by colour alone. */
export const STATUSES = Object.freeze({
  working: { sign: "▶\uFE0E", hint: "held by a worker" },
  available: { sign: "○", hint: "ready to be claimed" },
  blocked: { sign: "■\uFE0E", hint: "waits for another task" },
  failed: { sign: "✕", hint: "reported as failed" },
  done: { sign: "✓", hint: "finished" },
  cancelled: { sign: "⊘", hint: "called off" },
});

/** The sign of a status; a newer server may have statuses that this page does not know. */
export function signOf(status) {
  return STATUSES[status]?.sign ?? "◇";
}

/** A text cut to a length, ending in an ellipsis where something was left out. */
export function cut(text, length) {
  const characters = Array.from(text.slice(0, 2 * length + 2));
  return characters.length <= length ? text : `${characters.slice(0, length - 1).join("")}…`;
}

/** How long ago, in one unit: "8 s", "3 min", "2 h", "5 d". Never negative. */
export function age(milliseconds) {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  if (seconds < 60) {
    return `${seconds} s`;
  }
  if (seconds < 3600) {
    return `${Math.floor(seconds / 60)} min`;
  }
  if (seconds < 2 * 86400) {
    return `${Math.floor(seconds / 3600)} h`;
  }
  return `${Math.floor(seconds / 86400)} d`;
}

/** The time of day of this machine: "06:31:07". */
export function timeOfDay(milliseconds) {
  const time = new Date(milliseconds);
  return [time.getHours(), time.getMinutes(), time.getSeconds()]
    .map((figure) => String(figure).padStart(2, "0"))
    .join(":");
}

/** A number with its thousands apart, and a noun: "1,200 tasks". */
export function count(number, one, many = `${one}s`) {
  return `${number.toLocaleString("en")} ${number === 1 ? one : many}`;
}

const HAPPENED = Object.freeze({
  task_added: "added",
  task_edited: "edited",
  task_unblocked: "ready",
  task_blocked: "blocked again",
  task_claimed: "claimed",
  task_done: "done",
  task_failed: "failed",
  task_released: "given back",
  task_reset: "reset",
  task_cancelled: "cancelled",
  task_deleted: "deleted",
  tasks_cleaned: "all tasks removed",
  slot_claimed: "taken",
  slot_named: "named",
  slot_released: "given back",
});

const BY_A_WORKER = new Set(["task_claimed", "task_done", "task_failed", "task_released"]);

/** An event as `{subject, what, who}`; each of them may be empty. */
export function describe(event) {
  const aboutSlot = event.type.startsWith("slot_");
  const slot = event.slot === undefined ? "" : `slot ${event.slot}`;
  return {
    subject: aboutSlot ? slot : (event.taskId ?? ""),
    what: HAPPENED[event.type] ?? event.type.replaceAll("_", " "),
    who: aboutSlot || BY_A_WORKER.has(event.type) ? (event.workerId ?? "") : "",
  };
}
