/**
 * What stands where the tasks would be, if there are none or they could not be read.
 *
 * Owns those words. Must not know why there are none.
 */

import { button, make, setNote } from "./dom.js";

/** `{node, show(kind, problem)}`; a kind is one of the names below, or empty where there are tasks. */
export function createNothing(page) {
  const problem = make("p", { class: "problem", hidden: true });
  const words = make("div", {});
  const node = make("div", { class: "empty" }, problem, words);
  let shown = null;
  return {
    node,
    show(kind, text) {
      node.hidden = !kind && !text;
      setNote(problem, text);
      if (kind !== shown) {
        shown = kind;
        words.replaceChildren(...(NOTHING[kind]?.(page) ?? []));
      }
    },
  };
}

const NOTHING = Object.freeze({
  loading: () => [make("p", {}, "Loading…")],
  lost: () => [make("p", {}, "Not connected; the tasks come as soon as the server is there.")],
  searching: () => [make("p", {}, "Nothing found yet in what was searched.")],
  filtered: (page) => [
    make("p", {}, "No task passes the filter."),
    button("Clear the filter", () => page.go({ q: "" }, { replace: true })),
  ],
  none: (page) => [
    make("p", {}, "There are no tasks yet. Agents add them with ", make("code", {}, "add_task"), ", you with the key ", make("kbd", {}, "n"), "."),
    button("New task", () => page.add(), { class: "primary" }),
  ],
});
