/**
 * Words and figures for people; pure.
 *
 * Owns how a status, an age or an event is called. Must not know the document or the connection.
 */

/** Every status: its sign and what it means. Never shown by colour alone. */
export const STATUSES = Object.freeze({
  working: { sign: "▶\uFE0E", hint: "held by a worker" },
  available: { sign: "○", hint: "ready to be claimed" },
  scheduled: { sign: "◷", hint: "waits for its time, or for its next attempt" },
  blocked: { sign: "■\uFE0E", hint: "waits for another task" },
  failed: { sign: "✕", hint: "reported as failed, or out of attempts" },
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
  task_unblocked: "no longer blocked",
  task_blocked: "blocked again",
  task_ready: "ready",
  task_claimed: "claimed",
  task_progress: "goes on",
  task_noted: "note",
  resources_reserved: "reserved",
  task_done: "done",
  task_failed: "failed",
  task_retrying: "failed, next attempt",
  task_lapsed: "lapsed",
  task_released: "given back",
  task_overdue: "overdue",
  task_reset: "reset",
  task_cancelled: "cancelled",
  task_deleted: "deleted",
  tasks_cleaned: "all tasks removed",
  tasks_pruned: "old tasks removed",
  slot_claimed: "taken",
  slot_named: "named",
  slot_disconnected: "connection lost",
  slot_released: "given back",
  slot_lapsed: "lapsed",
  slots_changed: "number of slots changed",
  claims_paused: "claims paused",
  claims_resumed: "claims resumed",
  template_saved: "template saved",
  template_deleted: "template deleted",
});

/** Every type of event that this page has words for, and those words. */
export const EVENT_WORDS = HAPPENED;

const CAUSES = Object.freeze({
  lease: "no sign of life",
  timeout: "took too long",
  disconnected: "its connection is lost",
});

/** What an event says beside its type. Its `data` may hold anything, or nothing. */
const DETAILS = Object.freeze({
  task_edited: ({ fields }) => [Array.isArray(fields) ? fields.join(", ") : ""],
  task_progress: ({ progress, note }) => [percent(progress), note],
  task_noted: ({ note }) => [note],
  resources_reserved: ({ resources }) => [Array.isArray(resources) ? resources.join(", ") : ""],
  task_failed: ({ error, cause }) => [error ?? CAUSES[cause]],
  task_retrying: ({ error, retryAt }) => [momentOf(retryAt), error],
  task_lapsed: ({ cause }) => [CAUSES[cause] ?? cause],
  task_released: ({ note }) => [note],
  tasks_pruned: ({ removed }) => [removed && count(Number(removed), "task")],
  slot_claimed: ({ resumed }) => [resumed && "its worker is back"],
  slot_lapsed: ({ cause }) => [CAUSES[cause] ?? cause],
  slots_changed: ({ slots }) => [slots && `${slots} now`],
  claims_paused: ({ reason }) => [reason],
  template_saved: ({ name }) => [name],
  template_deleted: ({ name }) => [name],
});

const DETAIL_LENGTH = 160;
const BY_A_WORKER = new Set([
  "task_claimed",
  "task_progress",
  "resources_reserved",
  "task_done",
  "task_failed",
  "task_retrying",
  "task_lapsed",
  "task_released",
]);

/** A share from 0 to 1 as "41 %"; an empty text for anything else. */
export function percent(share) {
  return typeof share === "number" ? `${Math.round(100 * share)} %` : "";
}

/** An RFC 3339 moment by this machine's clock, after its date if that is not today's. */
export function momentOf(moment, now = new Date()) {
  const time = new Date(moment ?? "");
  if (Number.isNaN(time.getTime())) {
    return "";
  }
  const today = time.toDateString() === now.toDateString();
  return today ? timeOfDay(time) : `${dayOf(time)} ${timeOfDay(time)}`;
}

function dayOf(time) {
  return [time.getFullYear(), time.getMonth() + 1, time.getDate()]
    .map((figure) => String(figure).padStart(2, "0"))
    .join("-");
}

/** An event as `{subject, what, who}`; each of them may be empty. */
export function describe(event) {
  const aboutSlot = event.type.startsWith("slot_");
  const slot = event.slot === undefined ? "" : `slot ${event.slot}`;
  return {
    subject: aboutSlot ? slot : (event.taskId ?? ""),
    what: [HAPPENED[event.type] ?? event.type.replaceAll("_", " "), detailOf(event)]
      .filter(Boolean)
      .join(": "),
    who: aboutSlot || BY_A_WORKER.has(event.type) ? (event.workerId ?? "") : "",
  };
}

function detailOf(event) {
  const details = DETAILS[event.type]?.(event.data ?? {}) ?? [];
  return cut(details.filter(Boolean).map(String).join(", "), DETAIL_LENGTH);
}
