/**
 * The page's address: which view, filter and task it shows; pure.
 *
 * Owns how that is written into the query of the address and read again, so that a link or a
 * reload shows the same. Must not know the document or what views do.
 */

export const VIEWS = Object.freeze(["overview", "tasks", "graph", "timeline", "events"]);
export const DEFAULT_PROJECT = "default";

const PROJECT = /^[a-z0-9._-]{1,64}$/;
const DEFAULTS = Object.freeze({ project: DEFAULT_PROJECT, view: "overview", q: "", task: "" });

/** What the query of an address says; whatever is missing or unknown has its default. */
export function readRoute(search) {
  const given = Object.fromEntries(new URLSearchParams(search));
  const route = { ...DEFAULTS, ...given };
  return VIEWS.includes(route.view) ? route : { ...route, view: DEFAULTS.view };
}

/** The query that says it, with its question mark; what has its default is left out. */
export function writeRoute(route) {
  const said = Object.entries(route).filter(
    ([name, value]) => value !== "" && value !== undefined && value !== null && value !== DEFAULTS[name],
  );
  const query = new URLSearchParams(said.map(([name, value]) => [name, String(value)])).toString();
  return query ? `?${query}` : "?";
}

/** Whether a text can be the name of a project. */
export function isProject(name) {
  return PROJECT.test(name);
}
