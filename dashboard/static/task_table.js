/**
 * The table of tasks as elements.
 *
 * Owns what each column shows of a task, the choice of columns, and the row that a task becomes.
 * Must not know which tasks there are, nor the connection.
 */

import { element, make, setAttribute, setText } from "./dom.js";
import { count, percent, signOf } from "./format.js";
import { timeSince } from "./moments.js";

const KEY = "task-coordinator-columns";
const WAITS_SHOWN = 3;

/** Every column that can be chosen; that of the task itself is always there. `width` as in a grid. */
export const COLUMNS = Object.freeze({
  worker: { title: "Worker", sort: "", width: "minmax(5rem, 1fr)" },
  priority: { title: "Priority", sort: "priority", number: true, width: "5.5rem" },
  tags: { title: "Tags", sort: "", width: "minmax(5.5rem, 1.2fr)" },
  progress: { title: "Progress", sort: "", width: "minmax(5rem, 1fr)" },
  attempt: { title: "Attempt", sort: "", number: true, width: "5rem" },
  deadline: { title: "Deadline", sort: "", width: "minmax(6rem, 1.6fr)" },
  created: { title: "Added", sort: "created", number: true, width: "5.5rem" },
  updated: { title: "Changed", sort: "updated", number: true, width: "5.5rem" },
});
const CHOSEN = Object.freeze(["worker", "priority", "tags", "progress", "updated"]);

/** The columns that were chosen on this machine, in their order. */
export function chosenColumns() {
  const kept = localStorage.getItem(KEY)?.split(",") ?? CHOSEN;
  return Object.keys(COLUMNS).filter((name) => kept.includes(name));
}

/** The columns of a grid that rows and headings share: as a table they would be laid out together. */
export function gridOf(columns) {
  return ["2.2rem", "7.5rem", "minmax(12rem, 6fr)", ...columns.map((name) => COLUMNS[name].width)].join(" ");
}

/** Keep the choice. */
export function chooseColumns(names) {
  localStorage.setItem(KEY, names.join(","));
}

/**
 * A row. `on.open(id)` is called when it is opened, `on.select(id, event)` when its box is ticked.
 * An item is `{task, selected, open}`.
 */
export function createRow({ task: { id } }, columns, on) {
  const box = make("input", { type: "checkbox", "aria-label": `Select ${id}` });
  const sign = make("span", { class: "sign", "aria-hidden": "true" });
  const word = element("span");
  const link = make("a", { class: "foreign task-id", href: `?view=tasks&task=${encodeURIComponent(id)}` }, id);
  const title = element("span", "foreign title");
  const waits = element("span", "waits hint");
  const cells = columns.map((name) => CELLS[name]());
  const node = make(
    "tr",
    { role: "row", data: { id } },
    make("td", { class: "box" }, box),
    make("td", { class: "state" }, make("span", { class: "status" }, sign, " ", word)),
    make("td", { class: "task" }, make("p", { class: "what" }, link, " ", title), waits),
    ...cells.map((cell) => cell.node),
  );
  for (const cell of node.children) {
    cell.setAttribute("role", "cell"); // the rows are grids, which not every browser takes for rows
  }
  box.addEventListener("click", (event) => on.select(id, event));
  link.addEventListener("click", (event) => {
    if (!event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      on.open(id);
    }
  });
  node.addEventListener("click", (event) => {
    const chosen = getSelection()?.toString();
    if (!event.target.closest("a, input, button") && !event.target.closest(".box") && !chosen) {
      on.open(id);
    }
  });
  const update = ({ task, selected, open }) => {
    node.className = task.status;
    setAttribute(node, "aria-current", open ? "true" : null);
    box.checked = selected;
    setText(sign, signOf(task.status));
    setText(word, task.status);
    setText(title, task.description);
    setText(waits, waitsOf(task));
    cells.forEach((cell) => cell.update(task));
  };
  return { node, update };
}

function waitsOf({ status, blockedBy, retryAt, notBefore, error }) {
  if (status === "blocked" && blockedBy?.length) {
    const shown = blockedBy.slice(0, WAITS_SHOWN).map(({ taskId }) => taskId);
    const more = blockedBy.length - shown.length;
    return `waits for ${shown.join(", ")}${more ? ` and ${count(more, "other")}` : ""}`;
  }
  if (status === "scheduled") {
    const moment = retryAt ?? notBefore;
    return moment ? `${retryAt ? "next attempt" : "begins"} ${new Date(moment).toLocaleString()}` : "";
  }
  return status === "failed" && error ? error : "";
}

// --- cells --------------------------------------------------------------------------------------

/** `label` says what a figure is where there is no heading above it: on a phone. */
function text(className, valueOf, label = "") {
  return () => {
    const node = make("td", { class: className, data: { label } });
    return { node, update: (task) => setText(node, valueOf(task)) };
  };
}

function since(field, label) {
  return () => {
    const node = make("td", { class: "number", data: { label } });
    let shown = "";
    const update = (task) => {
      if (shown !== task[field]) {
        shown = task[field];
        node.replaceChildren(timeSince(shown, ""));
      }
    };
    return { node, update };
  };
}

const CELLS = Object.freeze({
  worker: text("worker foreign", ({ workerId }) => workerId ?? ""),
  priority: text("number", ({ priority }) => (priority ? String(priority) : ""), "priority"),
  attempt: text("number", ({ attempt, maxAttempts }) => {
    const most = maxAttempts ? ` of ${maxAttempts}` : "";
    return attempt ? `${attempt}${most}` : "";
  }, "attempt"),
  created: since("createdAt", "added"),
  updated: since("updatedAt", "changed"),
  tags: () => {
    const node = element("td", "tags");
    let shown = "";
    const update = ({ tags }) => {
      const wanted = tags.join("\n");
      if (wanted !== shown) {
        shown = wanted;
        node.replaceChildren(...tags.map((tag) => element("span", "chip foreign", tag)));
      }
    };
    return { node, update };
  },
  progress: () => {
    const bar = make("span", { class: "bar-track", "aria-hidden": "true" }, element("span", "bar-fill"));
    const words = element("span", "figure");
    const node = make("td", { class: "progress" }, bar, words);
    const update = ({ status, progress }) => {
      const known = status === "working" && typeof progress === "number";
      bar.hidden = !known;
      bar.style.setProperty("--part", known ? progress : 0);
      setText(words, known ? percent(progress) : "");
    };
    return { node, update };
  },
  deadline: () => {
    const node = element("td", "deadline");
    const update = ({ deadline, overdue }) => {
      node.classList.toggle("overdue", overdue === true);
      setText(node, deadline ? `${overdue ? "⚠ overdue " : ""}${new Date(deadline).toLocaleString()}` : "");
    };
    return { node, update };
  },
});
