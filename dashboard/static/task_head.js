/**
 * The head of the table of tasks: its columns, the order, and the box that selects all.
 *
 * Owns the headings and the menu in which columns are chosen. What a column shows is in
 * task_table.js. Must not know which tasks there are.
 */

import { button, make, setAttribute } from "./dom.js";
import { createMenu } from "./menu.js";
import { chooseColumns, chosenColumns, COLUMNS, gridOf } from "./task_table.js";

/**
 * `{node, menu, columns, grid, show}`. `on.turn(sort)` is called when a heading is pressed,
 * `on.selectAll(all)` when its box is, `on.changed()` when other columns are chosen.
 */
export function createHead(on) {
  let columns = chosenColumns();
  let headings = [];
  const all = make("input", { type: "checkbox", "aria-label": "Select all that are shown" });
  all.addEventListener("change", () => on.selectAll(all.checked));
  const node = make("thead", { role: "rowgroup" });

  function build() {
    headings = columns.map((name) => createHeading(COLUMNS[name], on.turn));
    node.replaceChildren(
      make(
        "tr",
        { role: "row" },
        make("th", { class: "box", role: "columnheader", scope: "col" }, all),
        make("th", { class: "state", role: "columnheader", scope: "col" }, "Status"),
        make("th", { class: "task", role: "columnheader", scope: "col" }, "Task"),
        ...headings.map((heading) => heading.node),
      ),
    );
  }

  function choose(name, wanted) {
    const next = new Set(columns);
    next[wanted ? "add" : "delete"](name);
    chooseColumns([...next]);
    columns = chosenColumns();
    build();
    on.changed();
  }

  build();
  return {
    node,
    menu: createChoice(columns, choose),
    get columns() {
      return columns;
    },
    get grid() {
      return gridOf(columns);
    },
    show(sorted, { all: isAll, some }) {
      all.checked = isAll;
      all.indeterminate = some;
      headings.forEach((heading) => heading.show(sorted));
    },
  };
}

function createHeading({ title, sort, number }, turn) {
  const press = sort && button(title, () => turn(sort), { class: "quiet" });
  const node = make("th", { class: number ? "number" : "", role: "columnheader", scope: "col" }, press || title);
  const show = (sorted) => {
    const order = sorted.replace(/^-/, "") === sort && (sorted.startsWith("-") ? "descending" : "ascending");
    setAttribute(node, "aria-sort", order || null);
    if (press) {
      press.dataset.order = order || "";
    }
  };
  return { node, show };
}

function createChoice(columns, choose) {
  const choices = Object.entries(COLUMNS).map(([name, { title }]) => {
    const box = make("input", { type: "checkbox", id: `column-${name}` });
    box.checked = columns.includes(name);
    box.addEventListener("change", () => choose(name, box.checked));
    return make("p", { class: "choice" }, box, make("label", { for: box.id }, title));
  });
  return createMenu("columns", make("summary", {}, "Columns"), ...choices);
}
