/**
 * The menu of projects.
 *
 * Owns the list below the project's name. Must not know how another project is connected to.
 */

import { make, part } from "./dom.js";
import { count } from "./format.js";
import { DEFAULT_PROJECT, isProject, writeRoute } from "./route.js";

/** Let a `details` element show the projects of the server when it is opened. */
export function createProjects(root, page) {
  const menu = part(root, "menu");

  root.addEventListener("toggle", async () => {
    if (!root.open) {
      return;
    }
    try {
      const { projects } = await page.call("list_projects");
      menu.replaceChildren(...items(page, projects));
    } catch (error) {
      menu.replaceChildren(make("p", { class: "hint" }, `The projects did not come: ${error.message}`));
    }
  });
  document.addEventListener("click", (event) => {
    if (!root.contains(event.target)) {
      root.open = false;
    }
  });
  root.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      root.open = false;
      root.querySelector("summary").focus();
      event.preventDefault();
    }
  });
}

function items(page, projects) {
  const { view, project: here } = page.route;
  const links = projects.map(({ name, open, working }) =>
    make(
      "a",
      { class: "foreign", href: writeRoute({ project: name, view }), "aria-current": name === here ? "true" : null },
      make("strong", {}, name),
      make("span", { class: "hint" }, `${count(open, "open task")}${working ? `, ${working} working` : ""}`),
    ),
  );
  return [...links, other(view)];
}

/** A project comes into being with its first task, so any name can be opened. */
function other(view) {
  const input = make("input", {
    type: "text",
    "aria-label": "Name of another project",
    placeholder: "another name",
    pattern: "[a-z0-9._\\-]{1,64}",
    maxlength: 64,
    required: true,
    autocomplete: "off",
    spellcheck: "false",
  });
  const form = make("form", {}, input, make("button", { type: "submit" }, "Open"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const name = input.value.trim() || DEFAULT_PROJECT;
    if (isProject(name)) {
      location.search = writeRoute({ project: name, view });
    }
  });
  return form;
}
