/**
 * The ways from a waiting task down to what it waits for in the end; pure.
 *
 * Owns how such a way is found among tasks that were read. Must not know the document or the
 * connection.
 */

/**
 * The shortest way from a task to each root cause: `[{id, status}]` from what it waits for itself
 * to the root. A root that cannot be reached through `tasks` (there were more of them than were
 * read) is a way of its own.
 *
 * `tasks` are `{id, status, dependencies}`, `roots` are `{id, status}`.
 */
export function waysDown(from, tasks, roots) {
  const byId = new Map(tasks.map((task) => [task.id, task]));
  const cameFrom = reach(from, byId);
  return roots.map((root) => {
    const way = [];
    for (let id = cameFrom.has(root.id) ? root.id : from; id !== from; id = cameFrom.get(id)) {
      way.unshift({ id, status: byId.get(id)?.status ?? root.status });
    }
    return way.length ? way : [root];
  });
}

/** For everything that `from` waits for: which task on the shortest way waits for it. */
function reach(from, byId) {
  const cameFrom = new Map();
  const open = [from];
  for (const id of open) {
    for (const next of byId.get(id)?.dependencies ?? []) {
      if (byId.has(next) && !cameFrom.has(next) && next !== from) {
        cameFrom.set(next, id);
        open.push(next);
      }
    }
  }
  return cameFrom;
}
