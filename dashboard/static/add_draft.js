/**
 * What was typed into the add dialog, until it is added; pure.
 *
 * Owns the draft, what of it the server reads, and what a plan comes to beside what the server has
 * already. Must not know the document or the connection.
 */

import { quoted } from "./filter.js";
import { count, cut } from "./format.js";
import { listOf } from "./quick_add.js";

/** What the server takes: `protocol/limits.py` says so, and leaves room for the request around it. */
export const BYTES_MAX = 1_044_480;
export const TASKS_MAX = 1_000;

const LINK_LENGTH_MAX = 1_500;
const NAMED_MAX = 5;
const NAME_LENGTH = 40;
const PLAIN_MARKS = ["status", "result", "error", "workerId", "note"];

/** A dialog in which nothing was typed. `sent` is a request that was sent and not answered. */
export const EMPTY = Object.freeze({
  mode: "one",
  line: "",
  details: "",
  more: Object.freeze({}),
  text: "",
  format: "auto",
  skip: false,
  template: "",
  values: Object.freeze({}),
  prefix: "",
  sent: null,
});

/** The draft that was kept, whoever wrote it: what does not fit is as in an empty one. */
export function restored(kept) {
  const fits = Object.entries(kept ?? {}).filter(
    ([name, value]) => Object.hasOwn(EMPTY, name) && (name === "sent" || typeof value === typeof EMPTY[name]),
  );
  return { ...EMPTY, ...Object.fromEntries(fits) };
}

/** The draft after changes. What was sent stays the same request only while nothing of it changes. */
export function changed(draft, changes) {
  const next = { ...draft, ...changes };
  return { ...next, sent: "sent" in changes || same(draft, next) ? next.sent : null };
}

/** Whether there is something in it that somebody would miss. */
export function isTyped(draft) {
  const texts = [draft.line, draft.details, draft.text, draft.prefix, ...Object.values(draft.more), ...Object.values(draft.values)];
  return draft.sent !== null || texts.some((text) => text.trim() !== "");
}

/** What the server is asked to read: `{text, format}`; null where there is nothing. */
export function askedOf({ mode, line, text, format }) {
  if (mode === "one") {
    return line.trim() ? { text: listOf(line), format: "md" } : null;
  }
  return text.trim() ? { text, format } : null;
}

/** How many bytes a value takes in a request. */
export function bytesOf(value) {
  return new TextEncoder().encode(JSON.stringify(value)).length;
}

/** Why so many bytes are too much for one request; empty if they are not. */
export function tooMuch(bytes) {
  return bytes <= BYTES_MAX
    ? ""
    : `this is ${Math.ceil(bytes / 1000).toLocaleString("en")} KB of text, and at most ${Math.floor(BYTES_MAX / 1000).toLocaleString("en")} KB are read and added at once. Use task-coordinator import, which adds them part by part.`;
}

/**
 * A plan beside what the server has: `{tasks, rows, problems, taken}`.
 *
 * `known` maps ids to the status that the server has for them. `tasks` is what would be added,
 * each row is what the preview shows of it; `taken` is how many are there already. They are left
 * out if `skip` is set, and problems otherwise.
 */
export function judged({ tasks, lines, outside }, known, { skip = false, now = Date.now() } = {}) {
  const problems = Object.entries(outside)
    .filter(([id]) => !known.has(id))
    .map(([id, line]) => ({ line, text: `“${cut(id, NAME_LENGTH)}” is waited for, and is neither here nor on the server.` }));
  const added = [];
  const taken = [];
  tasks.forEach((task, place) => {
    const there = task.id !== undefined && known.has(task.id);
    (there ? taken : added).push({ task, line: lines[place] ?? 0 });
  });
  if (!skip) {
    problems.push(...taken.map(({ task, line }) => ({ line, text: `“${cut(task.id, NAME_LENGTH)}” is there already.` })));
  }
  problems.sort((one, other) => one.line - other.line);
  const done = new Set([
    ...[...known].filter(([, status]) => status === "done").map(([id]) => id),
    ...added.filter(({ task }) => task.status === "done").map(({ task }) => task.id),
  ]);
  const unknown = new Set(Object.keys(outside).filter((id) => !known.has(id)));
  return {
    tasks: added.map(({ task }) => task),
    rows: added.map(({ task }) => rowOf(task, statusOf(task, done, now), unknown)),
    problems,
    taken: taken.length,
  };
}

/** What a task will be when it is added, where `done` holds the ids of all that is done. */
export function statusOf({ status, dependencies = [], notBefore }, done, now) {
  if (status) {
    return status;
  }
  if (!dependencies.every((id) => done.has(id))) {
    return "blocked";
  }
  return notBefore && Date.parse(notBefore) > now ? "scheduled" : "available";
}

/** A row of the preview for a task that would be added. */
export function rowOf(task, status, unknown = new Set()) {
  const { id = "", description, dependencies = [], tags = [], priority = 0 } = task;
  return { id, description, status, waits: dependencies.map((name) => (unknown.has(name) ? `${name} (unknown)` : name)), tags, priority };
}

/** The request that adds these tasks. What became of them already only an import can say. */
export function requestOf(tasks) {
  return { method: tasks.every(isPlain) ? "add_tasks" : "import_tasks", params: { tasks } };
}

/** Whether a task is new, as agents may add it too. */
export function isPlain(task) {
  return PLAIN_MARKS.every((name) => task[name] === undefined);
}

/** What is said of tasks that were added: `{words, q}`; the filter is empty if it would be too long. */
export function saidOf(ids) {
  const named = ids.slice(0, NAMED_MAX).map((id) => cut(id, NAME_LENGTH)).join(", ");
  const more = ids.length > NAMED_MAX ? " …" : "";
  const q = `id:${ids.map(quoted).join(",")}`;
  return {
    words: `${count(ids.length, "task")} added: ${named}${more}`,
    q: ids.length && q.length <= LINK_LENGTH_MAX ? q : "",
  };
}

const BULLET = /^(\s*(?:[-*+]|\d{1,9}[.)])\s+)(?!\[.\](?:\s|$))(?=\S)/;

/** How many items of a list have no box, where it is a list of plain items and nothing else. */
export function itemsWithoutBox(text) {
  const lines = text.split("\n").filter((line) => line.trim());
  const bare = lines.filter((line) => BULLET.test(line)).length;
  const fields = lines.some((line) => /^\s*(?:[-*+]\s+)?[A-Za-z]+\s*:(?:\s|$)/.test(line));
  return fields ? 0 : bare;
}

/** The same list with a box in every item: each is a task then. */
export function withBoxes(text) {
  return text.split("\n").map((line) => line.replace(BULLET, "$1[ ] ")).join("\n");
}

/** Where a line of a text begins and ends, counted from 1. */
export function placeOf(text, line) {
  const lines = text.split("\n");
  const start = lines.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0);
  return [Math.min(start, text.length), Math.min(start + (lines[line - 1]?.length ?? 0), text.length)];
}

function same(one, other) {
  const typed = ({ sent: _sent, mode: _mode, ...rest }) => JSON.stringify(rest);
  return typed(one) === typed(other);
}
