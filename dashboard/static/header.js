/**
 * The bar at the top: the project, the views, and whether what the page shows is true now.
 *
 * Owns the words about the connection. Must not know how it is made.
 */

import { part, setAttribute, setNote, setText } from "./dom.js";
import { age, timeOfDay } from "./format.js";
import { DEFAULT_PROJECT, writeRoute } from "./route.js";

/** A view of the header. */
export function createHeader(root) {
  const connection = part(root, "connection");
  const words = part(root, "words");
  const seq = part(root, "seq");
  const announcement = part(root, "announcement");
  const problem = part(root, "problem");
  const project = part(root, "project");
  const links = [...root.querySelectorAll("[data-view]")];

  return function draw(model) {
    const { name, message } = model.connection;
    const { route } = model;
    setText(project, model.project);
    for (const link of links) {
      const { view } = link.dataset;
      setAttribute(link, "href", writeRoute({ project: route.project, view, q: route.q, task: route.task }));
      setAttribute(link, "aria-current", view === route.view ? "page" : null);
    }
    connection.dataset.state = name;
    document.documentElement.classList.toggle("stale", isCut(name));
    setText(words, wordsOf(model));
    setText(seq, model.state.loaded ? `#${model.state.seq}` : "");
    // Only the change is announced: the seconds that pass would be read out one by one.
    setText(announcement, { live: "connected", lost: "disconnected" }[name] ?? "");
    setNote(problem, { live: model.problem, token: "" }[name] ?? message);
    document.title = titleOf(model);
  };
}

function isCut(name) {
  return name !== "live" && name !== "connecting";
}

function wordsOf({ connection, heardAt, localNow }) {
  switch (connection.name) {
    case "live":
      return "live";
    case "lost":
      return heardAt === null
        ? `not connected for ${age(localNow - connection.since)}, trying again`
        : `disconnected ${age(localNow - connection.since)} ago, data as of ${timeOfDay(heardAt)}`;
    case "token":
      return "token needed";
    case "refused":
      return "refused";
    default:
      return "connecting";
  }
}

function titleOf({ connection, state, project }) {
  const lost = isCut(connection.name) ? "⚠ " : "";
  const working = state.counts?.working;
  const where = project === DEFAULT_PROJECT ? "" : ` · ${project}`;
  return `${lost}${working ? `${working} working · ` : ""}Task Coordinator${where}`;
}
