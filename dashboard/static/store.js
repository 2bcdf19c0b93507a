/**
 * What every part of the page knows; pure.
 *
 * Owns the state (counters, slots, queue, work under way, recent events), how answers and events
 * change it, and what an event says about a task. Every change makes new objects for what changed
 * and keeps the others, so that a view sees at once what is still the same. Must not know the
 * document, the connection or the clock.
 */

export const EVENTS_KEPT = 100;

/** What is known before the first answer. */
export function empty() {
  return {
    seq: 0,
    loaded: false,
    clockOffset: 0,
    counts: null,
    overdue: 0,
    waiting: 0,
    paused: false,
    pauseReason: "",
    slots: [],
    queue: [],
    working: new Map(),
    events: [],
  };
}

/** The state with counters, slots and queue as they are at `snapshot.seq`. */
export function withSnapshot(state, snapshot, working, now) {
  return {
    ...state,
    loaded: true,
    clockOffset: Date.parse(snapshot.time) - now,
    counts: snapshot.counts,
    overdue: snapshot.overdue ?? 0,
    waiting: snapshot.waiting ?? 0,
    paused: snapshot.paused ?? false,
    pauseReason: snapshot.pauseReason ?? "",
    slots: snapshot.workers,
    queue: snapshot.queue,
    working: new Map(working.tasks.map((task) => [task.id, task])),
  };
}

/** How many tasks there are, whatever their status; null before the first answer. */
export function totalOf({ counts }) {
  return counts && Object.values(counts).reduce((sum, number) => sum + number, 0);
}

/** Those events that were not seen before. */
export function unseen(state, events) {
  return events.filter((event) => event.seq > state.seq);
}

/** The state after events that were not seen before. */
export function withEvents(state, events) {
  if (!events.length) {
    return state;
  }
  return {
    ...state,
    seq: events.at(-1).seq,
    events: [...events.slice(-EVENTS_KEPT).reverse(), ...state.events].slice(0, EVENTS_KEPT),
  };
}

const SAY_TOO_LITTLE = new Set([
  "task_added",
  "task_edited",
  "task_blocked",
  "task_reset",
  "tasks_cleaned",
  "tasks_pruned",
]);

/** Whether the task has to be read again after an event about it: the event does not say it all. */
export function saysTooLittle({ type }) {
  return SAY_TOO_LITTLE.has(type);
}

/**
 * A task after an event about it: what belongs to a status goes with it. The same object where
 * the event is no news; null where it removes the task.
 */
export function taskAfter(task, event) {
  if (event.type === "task_deleted") {
    return null;
  }
  if (event.taskId !== task.id || !(event.version > task.version)) {
    return task;
  }
  const { blockedBy, retryAt, leaseExpiresAt, workerSlot, reserved, ...rest } = task;
  const { status, data = {} } = event;
  const kept = status === task.status ? { blockedBy, retryAt, workerSlot, reserved } : {};
  return {
    ...rest,
    ...kept,
    ...said(event.type, data, task),
    status,
    workerId: event.workerId,
    attempt: event.attempt,
    version: event.version,
    updatedAt: event.time,
  };
}

/** What an event says about its task beside the status. */
function said(type, data, task) {
  switch (type) {
    case "task_claimed":
      return { progress: undefined, error: undefined };
    case "task_progress":
      return { progress: data.progress, note: data.note ?? task.note };
    case "task_noted":
    case "task_released":
      return { note: data.note ?? task.note };
    case "task_retrying":
      return { retryAt: data.retryAt, error: data.error };
    case "task_failed":
      return { error: data.error };
    case "task_overdue":
      return { overdue: true };
    default:
      return {};
  }
}
