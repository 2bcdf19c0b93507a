/**
 * A menu that opens below its name.
 *
 * Owns how it is closed: by Escape, which goes back to its name, and by a press elsewhere. Must
 * not know what is in it.
 */

import { make } from "./dom.js";

/** A menu of a class, `summary` being its name: a `<summary>`. */
export function createMenu(className, summary, ...children) {
  const menu = make("details", { class: `menu ${className}` }, summary, make("div", { class: "menu-body" }, ...children));
  document.addEventListener("click", ({ target }) => {
    menu.open &&= menu.contains(target);
  });
  menu.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && menu.open) {
      menu.open = false;
      summary.focus();
      event.preventDefault();
    }
  });
  return menu;
}
