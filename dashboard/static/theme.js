/**
 * Light, dark, or as the system has it.
 *
 * Owns the choice and where it is kept. Must not know what the themes look like.
 */

import { setAttribute } from "./dom.js";

const KEY = "task-coordinator-theme";
const THEMES = Object.freeze({
  auto: { sign: "◐", words: "Theme: as the system" },
  light: { sign: "○", words: "Theme: light" },
  dark: { sign: "●", words: "Theme: dark" },
});
const NAMES = Object.keys(THEMES);

/** Let a button go through the themes. */
export function createTheme(button) {
  let name = NAMES.includes(localStorage.getItem(KEY)) ? localStorage.getItem(KEY) : "auto";

  const show = () => {
    setAttribute(document.documentElement, "data-theme", name === "auto" ? null : name);
    button.textContent = THEMES[name].sign;
    button.title = THEMES[name].words;
    button.setAttribute("aria-label", THEMES[name].words);
  };
  button.addEventListener("click", () => {
    name = NAMES[(NAMES.indexOf(name) + 1) % NAMES.length];
    localStorage.setItem(KEY, name);
    show();
  });
  show();
}
