/**
 * The page's filter, where what is shown are events or attempts; pure.
 *
 * Owns what the filter means for them: worker, task and words are compared here; what only a task
 * has, such as tags, the server is asked for. Must not know the document or the connection.
 */

import { paramsOf } from "./filter.js";
import { describe } from "./format.js";

/**
 * What a filter asks of events: `{workerId, ids, words, statuses, ofTasks}`; null where it asks
 * nothing. `ofTasks` are params of `list_tasks` for what only a task can answer.
 */
export function conditionsOf(filter, now) {
  const { workerId = null, ids = null, search = "", status = null, ...rest } = paramsOf(filter, now);
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  return { workerId, ids: ids && new Set(ids), words, statuses: status && new Set(status), ofTasks: Object.keys(rest).length ? rest : null };
}

/** What of it the server looks for, where it is asked for events: params of `get_events`. */
export function eventParams({ workerId, ids }, types) {
  return {
    ...(types.length ? { types } : {}),
    ...(workerId === null ? {} : { workerId }),
    ...(ids?.size === 1 ? { taskId: [...ids][0] } : {}),
  };
}

/** Whether an event passes. `tasks` is the set of ids that pass `ofTasks`, null while unknown. */
export function eventPasses(event, { workerId, ids, words, statuses, ofTasks }, tasks) {
  return (
    (workerId === null || event.workerId === workerId) &&
    (ids === null || ids.has(event.taskId)) &&
    (statuses === null || statuses.has(event.status)) &&
    (ofTasks === null || (tasks?.has(event.taskId) ?? false)) &&
    has(words, () => textOf(event))
  );
}

/** The same for an attempt; a status is that of its task, which the server is asked for. */
export function attemptPasses(attempt, { workerId, ids, words, ofTasks }, tasks) {
  return (
    (workerId === null || attempt.workerId === workerId) &&
    (ids === null || ids.has(attempt.taskId)) &&
    (ofTasks === null || (tasks?.has(attempt.taskId) ?? false)) &&
    has(words, () => `${attempt.taskId} ${attempt.title ?? ""} ${attempt.workerId}`)
  );
}

function has(words, textOf_) {
  if (!words.length) {
    return true;
  }
  const text = textOf_().toLowerCase();
  return words.every((word) => text.includes(word));
}

function textOf(event) {
  const { subject, what, who } = describe(event);
  return `${subject} ${what} ${who} ${event.type} ${event.workerId ?? ""}`;
}
