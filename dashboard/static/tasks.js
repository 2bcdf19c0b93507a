/**
 * The table of tasks, the newest first, page by page.
 *
 * Owns the rows. Must not know the connection.
 */

import { element, keyed, part, setNote, setText } from "./dom.js";
import { age, count, cut, momentOf, percent, signOf } from "./format.js";

const TITLE_LENGTH = 300;
const BLOCKERS_SHOWN = 3;
const FINISHED = ["done", "failed", "cancelled"];
const NO_TASKS =
  'There are no tasks yet. Add one with: task-coordinator add "Write the login page"';

/** A view of the table; `more()` loads the next page and may fail. */
export function createTasks(root, more) {
  const list = part(root, "list");
  const aside = part(root, "aside");
  const nothing = part(root, "empty");
  const button = part(root, "more");
  const problem = part(root, "problem");

  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      await more();
      setNote(problem, "");
    } catch (error) {
      setNote(problem, `The next page did not come: ${error.message}`);
    } finally {
      button.disabled = false;
    }
  });

  return function draw({ state, serverNow }) {
    const total = Object.values(state.counts ?? {}).reduce((sum, number) => sum + number, 0);
    const shown = state.tasks.length;
    keyed(list, state.tasks, ({ id }) => id, createRow);
    for (const cell of list.querySelectorAll("[data-time]")) {
      setText(cell, age(serverNow - Number(cell.dataset.time)));
    }
    setText(aside, state.loaded && shown ? asideOf(state, total) : "");
    button.hidden = state.cursor === undefined;
    setText(button, `Show more (${count(Math.max(0, total - shown), "older task")})`);
    setNote(nothing, state.loaded && !shown ? NO_TASKS : "");
  };
}

function asideOf({ tasks, overdue }, total) {
  const shown = `${tasks.length} of ${total.toLocaleString("en")}`;
  return joined(shown, overdue ? `${overdue.toLocaleString("en")} overdue` : "");
}

function createRow({ id }) {
  const sign = element("span", "sign");
  const word = element("span", "word");
  const name = element("span", "foreign task-id", id);
  const title = element("span", "foreign title");
  const waits = element("span", "foreign waits");
  const byline = element("span", "foreign byline narrow");
  const worker = element("td", "wide foreign worker");
  const priority = element("td", "wide number");
  const attempt = element("td", "wide number");
  const changed = element("td", "wide number since");
  sign.setAttribute("aria-hidden", "true");
  const node = element(
    "tr",
    "",
    element("td", "status", sign, " ", word),
    element("td", "", element("p", "what", name, " ", title), waits, byline),
    worker,
    priority,
    attempt,
    changed,
  );
  const update = (task) => {
    node.className = task.status;
    setText(sign, signOf(task.status));
    setText(word, task.status);
    setText(title, cut(task.description, TITLE_LENGTH));
    title.title = title.textContent;
    setText(waits, remarksOf(task));
    setText(worker, workerOf(task));
    setText(priority, task.priority ? `${task.priority}` : "");
    setText(attempt, task.attempt ? `${task.attempt}` : "");
    setText(byline, workerOf(task));
    changed.dataset.time = `${Date.parse(task.updatedAt)}`;
  };
  return { node, update };
}

/** Who works on it or finished it. The last holder of a task that waits again is history. */
function workerOf(task) {
  const waits = ["available", "blocked", "scheduled"].includes(task.status);
  return waits ? "" : (task.workerId ?? "");
}

/** What there is to say about its status. */
function remarksOf(task) {
  const overdue = task.overdue && !FINISHED.includes(task.status) ? "overdue" : "";
  return joined(overdue, remarkOf(task));
}

function remarkOf(task) {
  switch (task.status) {
    case "failed":
      return cut(task.error ?? "", TITLE_LENGTH);
    case "blocked":
      return waitsFor(task);
    case "scheduled":
      return scheduledFor(task);
    case "working":
      return joined(percent(task.progress), cut(task.note ?? "", TITLE_LENGTH));
    default:
      return "";
  }
}

function scheduledFor({ retryAt, notBefore }) {
  if (retryAt) {
    return `next attempt at ${momentOf(retryAt)}`;
  }
  return notBefore ? `not before ${momentOf(notBefore)}` : "";
}

function joined(...remarks) {
  return remarks.filter(Boolean).join(" · ");
}

function waitsFor(task) {
  if (!task.blockedBy?.length) {
    return "";
  }
  const names = task.blockedBy.slice(0, BLOCKERS_SHOWN).map(({ taskId }) => taskId);
  const rest = task.blockedBy.length - names.length;
  return `waits for ${names.join(", ")}${rest > 0 ? ` and ${rest} more` : ""}`;
}
