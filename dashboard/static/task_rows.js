/**
 * The rows of the table of tasks, page by page, and how they stay true; pure.
 *
 * Owns which tasks are loaded, in which order, and what an event or a task that was read again
 * changes. Every change makes a new object and keeps the tasks that are the same. Must not know
 * the document or the connection.
 */

import { saysTooLittle, taskAfter } from "./store.js";

/** So many rows are kept at most; beyond, the filter has to narrow it. */
export const ROWS_MAX = 2_000;

/** The orders that the server knows, in the words that a person chooses them by. */
export const SORTS = Object.freeze({
  "-created": "newest first",
  created: "oldest first",
  "-updated": "changed last first",
  updated: "changed first first",
  priority: "next to be claimed first",
  "-priority": "last to be claimed first",
});

const DIRECTION = Object.freeze({ created: 1, updated: 1, priority: 1 });

/**
 * Nothing is loaded yet. `cursor` is that of the next page, null on the last one; `cut` says that
 * rows at the end made room for new ones, so that nothing can be loaded behind them.
 */
export function noRows(sort) {
  return { sort, tasks: [], byId: new Map(), cursor: null, complete: false, cut: false };
}

/** The rows with a page added. */
export function withPage(rows, page) {
  const tasks = [...rows.tasks];
  const byId = new Map(rows.byId);
  for (const task of page.tasks) {
    if (!byId.has(task.id)) {
      tasks.push(task);
      byId.set(task.id, task);
    }
  }
  const cursor = page.nextCursor ?? null;
  return { ...rows, tasks, byId, cursor, complete: cursor === null };
}

/** Whether no more may be loaded. */
export function isFull(rows) {
  return rows.cut || rows.tasks.length >= ROWS_MAX;
}

/** The rows after tasks were read again: those that pass the filter, of those that were asked for. */
export function withReread(rows, asked, found) {
  const passing = new Map(found.map((task) => [task.id, task]));
  let next = rows;
  for (const id of asked) {
    const task = passing.get(id);
    if (task) {
      next = withTask(next, task);
    } else if (next.byId.has(id)) {
      next = without(next, id);
    }
  }
  return next;
}

/** The rows with a task in its newest state; a new one at its place, if that is loaded. */
export function withTask(rows, task) {
  const known = rows.byId.get(task.id);
  if (known) {
    if (known.version > task.version) {
      return rows;
    }
    return replaced(rows, task);
  }
  const place = placeOf(rows, task);
  if (place === rows.tasks.length && !rows.complete) {
    return rows; // it comes with a later page
  }
  const tasks = [...rows.tasks.slice(0, place), task, ...rows.tasks.slice(place)];
  const byId = new Map(rows.byId).set(task.id, task);
  return tasks.length > ROWS_MAX ? withoutLast({ ...rows, tasks, byId }) : { ...rows, tasks, byId };
}

function withoutLast(rows) {
  const tasks = [...rows.tasks];
  rows.byId.delete(tasks.pop().id);
  return { ...rows, tasks, complete: false, cut: true };
}

function replaced(rows, task) {
  const place = rows.tasks.findIndex(({ id }) => id === task.id);
  const tasks = [...rows.tasks];
  tasks[place] = task;
  return { ...rows, tasks, byId: new Map(rows.byId).set(task.id, task) };
}

function without(rows, id) {
  const byId = new Map(rows.byId);
  byId.delete(id);
  return { ...rows, tasks: rows.tasks.filter((task) => task.id !== id), byId };
}

/**
 * The rows after events, and which tasks have to be read again: `{rows, reread, reload}`.
 *
 * `narrowed` says whether there is a filter: then a change of any task may bring it in or out.
 * A row that is there keeps its place: nothing jumps away under somebody's hand.
 */
export function afterEvents(rows, events, { narrowed }) {
  const changed = new Map();
  const reread = new Set();
  let reload = false;
  for (const event of events) {
    const { taskId } = event;
    if (taskId === undefined) {
      reload ||= saysTooLittle(event);
      continue;
    }
    const task = changed.has(taskId) ? changed.get(taskId) : rows.byId.get(taskId);
    if (task) {
      changed.set(taskId, taskAfter(task, event));
    }
    const mayHaveCome = event.type === "task_added" || (narrowed && !task);
    if (mayHaveCome || (task && (saysTooLittle(event) || narrowed))) {
      reread.add(taskId);
    }
  }
  return { rows: withChanges(rows, changed), reread, reload };
}

/** Each changed task in its place; null where one is gone. */
function withChanges(rows, changed) {
  const news = [...changed].filter(([id, task]) => task !== rows.byId.get(id));
  if (!news.length) {
    return rows;
  }
  const byId = new Map(rows.byId);
  for (const [id, task] of news) {
    if (task === null) {
      byId.delete(id);
    } else {
      byId.set(id, task);
    }
  }
  const tasks = rows.tasks.map(({ id }) => byId.get(id)).filter(Boolean);
  return { ...rows, tasks, byId };
}

// --- order --------------------------------------------------------------------------------------

/** Where a new task belongs: before the first one that comes after it. */
function placeOf(rows, task) {
  const name = rows.sort.replace(/^-/, "");
  const sign = (rows.sort.startsWith("-") ? -1 : 1) * DIRECTION[name];
  const found = rows.tasks.findIndex((other) => sign * compare(name, task, other) < 0);
  return found < 0 ? rows.tasks.length : found;
}

function compare(name, one, other) {
  if (name === "priority") {
    return other.priority - one.priority || byTime("createdAt", one, other);
  }
  return byTime(name === "created" ? "createdAt" : "updatedAt", one, other);
}

function byTime(field, one, other) {
  // Of the same moment, the one that is new here came later.
  return one[field] < other[field] ? -1 : 1;
}

// --- selection ----------------------------------------------------------------------------------

/** The ids from one row to another, both included, in the order of the rows. */
export function idsBetween(rows, from, to) {
  const places = [from, to].map((id) => rows.tasks.findIndex((task) => task.id === id));
  if (places.includes(-1)) {
    return [to];
  }
  const [first, last] = places.sort((a, b) => a - b);
  return rows.tasks.slice(first, last + 1).map(({ id }) => id);
}

/** The id some rows further on; the first or last one at the ends, the first if none is known. */
export function idBeside(rows, id, step) {
  const place = rows.tasks.findIndex((task) => task.id === id);
  const next = place < 0 ? 0 : Math.min(rows.tasks.length - 1, Math.max(0, place + step));
  return rows.tasks[next]?.id ?? "";
}

/** How many tasks pass the filter, as far as the counters tell: null if they do not. */
export function totalFor(params, counts) {
  const { status, ...more } = params;
  if (!counts || Object.keys(more).length) {
    return null;
  }
  const wanted = status ?? Object.keys(counts);
  return wanted.reduce((sum, name) => sum + (counts[name] ?? 0), 0);
}
