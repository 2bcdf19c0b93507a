/**
 * All events that pass, as a file of JSON Lines.
 *
 * Owns how the whole history is read, page by page, and where it is cut. Must not know what makes
 * an event pass, nor the document.
 */

/** Lines of one file. */
export const LINES_MAX = 100_000;
const PAGE = 1_000;

/**
 * Read everything up to event `until`, the oldest first: `{parts, lines, cut, stopped, pruned}`.
 * `parts` make a file; `cut` says that there is more than one file holds, and `pruned` up to which
 * number events may have been removed from the history.
 *
 * `call` asks the server, `params` narrow what it looks at; `passing(events)` promises those that
 * are wanted. `goesOn(lines)` hears how far it is, and says whether to go on.
 */
export async function exportEvents(call, params, until, passing, goesOn) {
  const parts = [];
  let since = 0;
  let lines = 0;
  let pruned = 0;
  while (since < until) {
    if (!goesOn(lines)) {
      return { parts, lines, cut: false, stopped: true, pruned };
    }
    const page = await call("get_events", { ...params, since, until, limit: PAGE });
    const found = await passing(page.events);
    const kept = found.slice(0, LINES_MAX - lines);
    lines += kept.length;
    pruned = page.prunedThrough ?? pruned;
    if (kept.length) {
      // A blob and not a text: the browser may keep it anywhere.
      parts.push(new Blob(kept.map((event) => `${JSON.stringify(event)}\n`)));
    }
    const more = page.nextSince !== undefined;
    if (kept.length < found.length || (more && lines === LINES_MAX)) {
      return { parts, lines, cut: true, stopped: false, pruned };
    }
    since = more ? page.nextSince : until;
  }
  return { parts, lines, cut: false, stopped: false, pruned };
}
