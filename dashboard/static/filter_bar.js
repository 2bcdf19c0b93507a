/**
 * The line in which the filter is typed.
 *
 * Owns the input, what it offers while somebody types, and what it says about a filter that
 * cannot be read. Must not know what a filter means: that is in filter.js.
 */

import { keyed, make, part, setAttribute, setNote, setText } from "./dom.js";
import { complete } from "./filter.js";

const PAUSE_MS = 250;

/** The bar; `apply(text)` is called when somebody stops typing, `known()` gives words to offer. */
export function createFilterBar(root, { apply, known }) {
  const input = part(root, "input");
  const list = part(root, "options");
  const problem = part(root, "problem");
  const clear = part(root, "clear");
  let offered = { options: [] };
  let chosen = -1;
  let timer = null;

  const later = () => {
    clearTimeout(timer);
    timer = setTimeout(() => apply(input.value.trim()), PAUSE_MS);
  };
  const applyNow = () => {
    clearTimeout(timer);
    apply(input.value.trim());
  };
  const offer = (next) => {
    offered = next;
    chosen = -1;
    showOptions();
  };
  const hide = () => offer({ options: [] });

  function showOptions() {
    const items = offered.options.map((option, place) => ({ option, place, on: place === chosen }));
    list.hidden = !items.length;
    keyed(list, items, ({ place }) => place, (item) => createOption(item, take), { always: true });
    setAttribute(input, "aria-expanded", String(items.length > 0));
    setAttribute(input, "aria-activedescendant", chosen < 0 ? null : `filter-option-${chosen}`);
  }

  function take(place) {
    const { from, to, options } = offered;
    const { text } = options[place];
    const space = text.endsWith(":") ? "" : " ";
    input.value = `${input.value.slice(0, from)}${text}${space}${input.value.slice(to)}`;
    const caret = from + text.length + space.length;
    input.setSelectionRange(caret, caret);
    input.focus();
    suggest();
    later();
  }

  function suggest() {
    offer(complete(input.value, input.selectionStart ?? 0, known()));
  }

  input.addEventListener("input", () => {
    suggest();
    later();
  });
  input.addEventListener("blur", hide);
  input.addEventListener("keydown", (event) => {
    const { options } = offered;
    if ((event.key === "ArrowDown" || event.key === "ArrowUp") && options.length) {
      const step = event.key === "ArrowDown" ? 1 : -1;
      chosen = (chosen + step + options.length + (chosen < 0 && step < 0 ? 1 : 0)) % options.length;
      showOptions();
    } else if ((event.key === "Enter" || event.key === "Tab") && chosen >= 0) {
      take(chosen);
    } else if (event.key === "Enter") {
      hide();
      applyNow();
      return;
    } else if (event.key === "Escape") {
      if (options.length) {
        hide();
      } else {
        input.blur();
      }
    } else {
      return;
    }
    event.preventDefault();
  });
  clear.addEventListener("click", () => {
    input.value = "";
    hide();
    applyNow();
    input.focus();
  });

  return {
    /** Put the caret there. */
    focus() {
      input.focus();
      input.select();
    },
    draw({ filter }) {
      if (document.activeElement !== input && input.value.trim() !== filter.text) {
        input.value = filter.text;
      }
      clear.hidden = !filter.text;
      // Who is still choosing among what is offered has not made a mistake yet.
      const errors = offered.options.length ? [] : filter.errors;
      setAttribute(input, "aria-invalid", errors.length ? "true" : null);
      setNote(problem, errors.map(({ message }) => message).join("; "));
    },
  };
}

function createOption(item, take) {
  const words = make("span", { class: "foreign" });
  const hint = make("span", { class: "hint" });
  const node = make("li", { role: "option", id: `filter-option-${item.place}` }, words, hint);
  let place = item.place;
  node.addEventListener("mousedown", (event) => {
    event.preventDefault(); // the input keeps the focus
    take(place);
  });
  const update = ({ option, place: now, on }) => {
    place = now;
    setText(words, option.text);
    setText(hint, option.hint);
    setAttribute(node, "aria-selected", String(on));
  };
  return { node, update };
}
