/**
 * What the page knows; pure.
 *
 * Owns the state and how answers and events change it. Every change makes new objects for what
 * changed and keeps the others, so that a view sees at once what is still the same. Must not know
 * the document, the connection or the clock.
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
    tasks: [],
    cursor: undefined,
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

/** The state with the first page of tasks renewed; further pages stay where they still fit. */
export function withFirstPage(state, page) {
  const known = new Map(state.tasks.map((task) => [task.id, task]));
  const first = page.tasks.map((task) => newer(known.get(task.id), task));
  if (page.nextCursor === undefined) {
    return { ...state, tasks: first, cursor: undefined };
  }
  const last = page.tasks.at(-1).id;
  const join = state.tasks.findIndex((task) => task.id === last);
  if (join < 0) {
    // More tasks are new than a page holds: what comes behind them is loaded again when wanted.
    return { ...state, tasks: first, cursor: page.nextCursor };
  }
  const rest = state.tasks.slice(join + 1);
  return {
    ...state,
    tasks: [...first, ...rest],
    cursor: rest.length ? state.cursor : page.nextCursor,
  };
}

/** The state with the page that `cursor` led to behind the others. */
export function withNextPage(state, cursor, page) {
  if (state.cursor !== cursor) {
    return state;
  }
  const known = new Set(state.tasks.map((task) => task.id));
  const more = page.tasks.filter((task) => !known.has(task.id));
  return { ...state, tasks: [...state.tasks, ...more], cursor: page.nextCursor };
}

/** The state after events. Those that were seen before change nothing. */
export function withEvents(state, events) {
  const fresh = events.filter((event) => event.seq > state.seq);
  if (!fresh.length) {
    return state;
  }
  return {
    ...state,
    seq: fresh.at(-1).seq,
    tasks: patched(state.tasks, fresh),
    events: [...fresh.slice(-EVENTS_KEPT).reverse(), ...state.events].slice(0, EVENTS_KEPT),
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

/** Whether the list of tasks has to be read again after these events: they do not say it all. */
export function needsFirstPage(events) {
  return events.some((event) => SAY_TOO_LITTLE.has(event.type));
}

function newer(known, task) {
  return known !== undefined && known.version >= task.version ? known : task;
}

function patched(tasks, events) {
  const places = new Map(tasks.map((task, place) => [task.id, place]));
  let result = tasks;
  const put = (place, task) => {
    result = result === tasks ? tasks.slice() : result;
    result[place] = task;
  };
  for (const event of events) {
    if (event.type === "tasks_cleaned" || event.type === "tasks_pruned") {
      return []; // which ones are gone is not said
    }
    const place = places.get(event.taskId);
    const task = result[place];
    if (event.type === "task_deleted" && task) {
      put(place, null);
    } else if (task && event.version > task.version) {
      put(place, after(task, event));
    }
  }
  return result === tasks ? tasks : result.filter((task) => task !== null);
}

/** The task after an event about it: what belongs to a status goes with it. */
function after(task, event) {
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
