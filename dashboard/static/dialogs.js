/**
 * Questions and short messages.
 *
 * Owns the dialog that asks before something is done, and the line that tells what was. Must not
 * know what is done.
 */

import { make } from "./dom.js";

const SAID_MS = 6_000;
const SAID_MAX = 4;

/**
 * Ask before something is done; resolves to whether it shall be, or to what was entered.
 *
 * `title` and `text` say what will happen (`text` may be a list of paragraphs), `action` is the
 * word on the button, `danger` marks what cannot be undone. With `field: {label, value, type}` a
 * value is asked for: the text that was entered, or null if it was called off.
 */
export function ask({ title, text = "", action, danger = false, field = null }) {
  return new Promise((resolve) => {
    const input = field && make("input", { id: "asked", type: field.type ?? "text", ...field.more });
    const yes = make("button", { type: "submit", class: danger ? "danger" : "primary" }, action);
    const no = make("button", { type: "button" }, "Cancel");
    const form = make(
      "form",
      {},
      make("h2", { id: "asked-title" }, title),
      ...[text].flat().filter(Boolean).map((words) => make("p", { class: "foreign" }, words)),
      field && make("p", { class: "field" }, make("label", { for: "asked" }, field.label), input),
      make("p", { class: "buttons" }, no, yes),
    );
    const dialog = make("dialog", { class: "dialog", "aria-labelledby": "asked-title" }, form);
    let answer = field ? null : false;
    if (input) {
      input.value = field.value ?? "";
    }
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      answer = field ? input.value : true;
      dialog.close();
    });
    no.addEventListener("click", () => dialog.close());
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(answer);
    });
    document.body.append(dialog);
    dialog.showModal();
    (input ?? (danger ? no : yes)).focus();
  });
}

/**
 * Messages at the edge of the page, each for a while: `say(text)`, `say(text, "problem")`, and with
 * a link of this page: `say(text, "done", {words, address})`.
 */
export function createSaid(root) {
  return function say(text, kind = "done", link = null) {
    const close = make("button", { type: "button", "aria-label": "Close this message" }, "✕");
    const more = link && make("a", { href: link.address }, link.words);
    const line = make("p", { class: `said ${kind} foreign` }, make("span", {}, text), more, close);
    const timer = setTimeout(() => line.remove(), kind === "problem" ? 3 * SAID_MS : SAID_MS);
    close.addEventListener("click", () => {
      clearTimeout(timer);
      line.remove();
    });
    root.append(line);
    while (root.childElementCount > SAID_MAX) {
      root.firstElementChild.remove();
    }
  };
}
