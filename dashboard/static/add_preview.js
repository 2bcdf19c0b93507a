/**
 * What will be added, and what is wrong with it, before anything is.
 *
 * Owns the table of the preview and the list of problems. Must not know where they come from.
 */

import { button, element, keyed, make, named, setText } from "./dom.js";
import { count, cut, signOf } from "./format.js";

const SHOWN_MAX = 200;
const PROBLEMS_MAX = 50;
const TEXT_LENGTH = 140;
const COLUMNS = ["Status", "Task", "Waits for", "Tags", "Priority"];

/** The table: `{node, show(rows, words)}`; without rows it is not there. */
export function createPreview() {
  const caption = make("h3", {});
  const rows = make("tbody", { data: { part: "preview" } });
  const rest = make("p", { class: "hint" });
  const head = make("thead", { class: "unseen" }, make("tr", {}, ...COLUMNS.map((words) => make("th", { scope: "col" }, words))));
  const node = make("div", { class: "preview", tabindex: "0", role: "region", "aria-label": "What will be added", hidden: true }, caption, make("table", {}, head, rows), rest);
  return {
    node,
    show: (all, words) => {
      const shown = all.slice(0, SHOWN_MAX).map((row, place) => ({ ...row, place }));
      node.hidden = !all.length;
      setText(caption, words);
      keyed(rows, shown, ({ place }) => place, createRow);
      rest.hidden = all.length <= SHOWN_MAX;
      setText(rest, `and ${count(all.length - SHOWN_MAX, "more task", "more tasks")}`);
    },
  };
}

function createRow() {
  const sign = make("span", { class: "sign", "aria-hidden": "true" });
  const word = element("span");
  const id = element("strong", "foreign");
  const title = element("span", "foreign");
  const waits = element("td", "foreign hint");
  const tags = element("td", "foreign hint");
  const priority = element("td", "number");
  const node = make("tr", {}, make("td", { class: "status" }, sign, " ", word), make("td", {}, id, " ", title), waits, tags, priority);
  const update = (row) => {
    node.className = row.status;
    setText(sign, signOf(row.status));
    setText(word, row.status);
    setText(id, cut(row.id, TEXT_LENGTH));
    setText(title, cut(row.description, TEXT_LENGTH));
    setText(waits, row.waits.length ? `after ${cut(row.waits.join(", "), TEXT_LENGTH)}` : "");
    setText(tags, cut(row.tags.map((tag) => `#${tag}`).join(" "), TEXT_LENGTH));
    setText(priority, row.priority ? `!${row.priority}` : "");
  };
  return { node, update };
}

/**
 * The problems: `{node, show(problems)}`, each `{line, text}`; a line of 0 is the text as a whole.
 * `go(line)` leads to a line; without it lines are not told.
 */
export function createProblems(go) {
  const list = make("ul", { class: "problem", hidden: true });
  const node = make("div", { data: { part: "problems" }, role: "alert" }, list);
  return {
    node,
    show: (problems, withLines) => {
      const first = problems.slice(0, PROBLEMS_MAX);
      const all = problems.length > first.length ? [...first, { line: 0, text: `and ${count(problems.length - first.length, "more problem", "more problems")}` }] : first;
      list.hidden = !all.length;
      const placed = all.map((problem, place) => ({ ...problem, key: `${place} ${withLines} ${problem.line} ${problem.text}` }));
      keyed(list, placed, ({ key }) => key, ({ line, text }) => {
        const to = withLines && line > 0 && button(`Line ${line}`, () => go(line), { class: "quiet", title: "Show it" });
        return { node: make("li", { class: "foreign" }, to, to && ": ", ...named(text)), update: () => {} };
      });
    },
  };
}
