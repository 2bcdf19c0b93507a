/**
 * Single keys that do something, wherever the page is.
 *
 * Owns when a key is a shortcut and when it is typing, the switch that turns shortcuts off, and
 * the sheet that lists them. Must not know what they do.
 */

import { make } from "./dom.js";

const KEY = "task-coordinator-keys";
const TYPING = "input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]";
const NAMES = Object.freeze({ Escape: "Esc", ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓" });

/** Whether shortcuts of one key are on. */
export function keysOn() {
  return localStorage.getItem(KEY) !== "off";
}

/**
 * Listen to keys. `groups()` tells which there are now, in groups for the sheet:
 * `[{title, keys: [{key, words, run}]}]`; the first that fits runs, with the event.
 */
export function listen(groups) {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    const escape = event.key === "Escape";
    const busy = event.target.closest?.(TYPING) || document.querySelector("dialog[open]");
    if (busy || (!escape && !keysOn()) || takesItself(event)) {
      return;
    }
    const found = groups()
      .flatMap(({ keys }) => keys)
      .find(({ key }) => key === event.key);
    if (found) {
      event.preventDefault();
      found.run(event);
    }
  });
}

/** A link or a button that has the focus does with Enter and Space what it always does. */
function takesItself({ key, target }) {
  return (key === "Enter" || key === " ") && target.closest?.("a, button, summary, [role=option]");
}

/** The sheet: a dialog that lists all keys, with the switch. */
export function createSheet(groups) {
  const lists = make("div", { class: "sheet" });
  const toggle = make("input", { type: "checkbox", id: "keys-on" });
  const close = make("button", { type: "button" }, "Close");
  const dialog = make(
    "dialog",
    { class: "dialog wide", "aria-labelledby": "sheet-title" },
    make("h2", { id: "sheet-title" }, "Keys"),
    lists,
    make("p", { class: "choice" }, toggle, make("label", { for: "keys-on" }, "Single keys are on")),
    make("p", { class: "buttons" }, close),
  );
  toggle.addEventListener("change", () => {
    localStorage.setItem(KEY, toggle.checked ? "on" : "off");
  });
  close.addEventListener("click", () => dialog.close());
  document.body.append(dialog);

  return function show() {
    toggle.checked = keysOn();
    lists.replaceChildren(...groups().filter(({ keys }) => keys.length).map(listOf));
    dialog.showModal();
    close.focus();
  };
}

function listOf({ title, keys }) {
  const rows = keys.flatMap(({ key, words }) => [
    make("dt", {}, make("kbd", {}, NAMES[key] ?? key)),
    make("dd", {}, words),
  ]);
  return make("section", {}, make("h3", {}, title), make("dl", {}, ...rows));
}
