/**
 * Choosing the tasks that a task waits for.
 *
 * Owns the chips of what is chosen, the search for more, and why a task cannot be chosen: it would
 * close a circle. Must not know the form around it.
 */

import { button, make, setAttribute, setNote, setText } from "./dom.js";
import { cut, signOf } from "./format.js";
import { Pace } from "./pace.js";

const FOUND_MAX = 8;
const TEXT = 80;
const GAP_MS = 200;

let pickers = 0;

/**
 * A picker: `{node, get value, set value}`, where the value is ids, one per line.
 *
 * `own()` is the id of the task itself, empty for a new one; `changed()` is called when somebody
 * chose or removed one.
 */
export function createPicker(page, { own, changed }) {
  pickers += 1;
  const listId = `picked-${pickers}`;
  let chosen = [];
  let options = [];
  let active = -1;

  const chips = make("ul", { class: "chips" });
  const input = make("input", {
    type: "text",
    role: "combobox",
    "aria-label": "Add a task that it waits for",
    "aria-autocomplete": "list",
    "aria-expanded": "false",
    "aria-controls": listId,
    autocomplete: "off",
    spellcheck: "false",
    placeholder: "words or an id",
  });
  const list = make("ul", { id: listId, role: "listbox", "aria-label": "Tasks found", class: "found", hidden: true });
  const problem = make("p", { class: "problem", role: "status", hidden: true });
  const node = make("div", { class: "picker" }, chips, input, list, problem);

  const search = new Pace(find, GAP_MS, (error) => setNote(problem, error.message));

  async function find() {
    const text = input.value.trim();
    if (!text) {
      return offer([]);
    }
    const [byWords, byId] = await Promise.all([
      page.call("list_tasks", { search: text, limit: FOUND_MAX, textMax: TEXT, sort: "-updated" }),
      page.call("list_tasks", { ids: [text], limit: 1, textMax: TEXT }),
    ]);
    const found = new Map([...byId.tasks, ...byWords.tasks].map((task) => [task.id, task]));
    const circles = await circlesAmong([...found.keys()]);
    if (text === input.value.trim() && document.activeElement === input) {
      setNote(problem, found.size ? "" : "No task has these words.");
      offer([...found.values()].slice(0, FOUND_MAX).map((task) => ({ task, why: whyNot(task.id, circles) })));
    }
    return undefined;
  }

  /** Which of these wait for the task itself, so that it cannot wait for them. */
  async function circlesAmong(ids) {
    if (!own() || !ids.length) {
      return new Set();
    }
    const waiting = await page.call("list_tasks", { ids, downstreamOf: own(), limit: ids.length, textMax: 0 });
    return new Set(waiting.tasks.map(({ id }) => id));
  }

  function whyNot(id, circles) {
    if (id === own()) {
      return "is this task";
    }
    if (chosen.includes(id)) {
      return "is chosen already";
    }
    return circles.has(id) ? "waits for this task: that would be a circle" : "";
  }

  function offer(next) {
    options = next;
    active = -1;
    list.replaceChildren(...options.map(createOption));
    list.hidden = !options.length;
    setAttribute(input, "aria-expanded", String(options.length > 0));
    setAttribute(input, "aria-activedescendant", null);
  }

  function createOption({ task, why }, place) {
    const option = make(
      "li",
      { role: "option", id: `${listId}-${place}`, "aria-selected": "false", "aria-disabled": why ? "true" : null, class: task.status },
      make("span", { class: "foreign" }, make("span", { class: "sign", "aria-hidden": "true" }, signOf(task.status)), ` ${task.id} `, make("span", { class: "hint" }, cut(task.description, TEXT))),
      make("span", { class: "hint" }, why || task.status),
    );
    option.addEventListener("mousedown", (event) => {
      event.preventDefault();
      take(place);
    });
    return option;
  }

  function move(step) {
    active = (active + step + options.length + (active < 0 && step < 0 ? 1 : 0)) % options.length;
    [...list.children].forEach((option, place) => setAttribute(option, "aria-selected", String(place === active)));
    setAttribute(input, "aria-activedescendant", `${listId}-${active}`);
  }

  function take(place) {
    const { task, why } = options[place];
    if (why) {
      setNote(problem, `${cut(task.id, TEXT)} cannot be chosen: it ${why}.`);
      return;
    }
    input.value = "";
    setNote(problem, "");
    offer([]);
    show([...chosen, task.id]);
    changed();
  }

  function show(ids) {
    chosen = ids;
    chips.replaceChildren(
      ...chosen.map((id) => {
        const remove = button("✕", () => {
          show(chosen.filter((other) => other !== id));
          changed();
          input.focus();
        }, { class: "quiet", "aria-label": `Do not wait for ${id}` });
        return make("li", { class: "chip foreign" }, make("span", {}, id), remove);
      }),
    );
    chips.hidden = !chosen.length;
  }

  input.addEventListener("input", () => {
    setNote(problem, "");
    search.soon();
  });
  input.addEventListener("blur", () => offer([]));
  input.addEventListener("keydown", (event) => {
    if ((event.key === "ArrowDown" || event.key === "ArrowUp") && options.length) {
      move(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Enter") {
      if (options.length) {
        take(Math.max(0, active));
      }
    } else if (event.key === "Escape" && options.length) {
      offer([]);
    } else if (event.key === "Backspace" && !input.value && chosen.length) {
      show(chosen.slice(0, -1));
      changed();
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  });
  setText(problem, "");

  return {
    node,
    input,
    get value() {
      return chosen.join("\n");
    },
    set value(text) {
      show(text.split("\n").filter(Boolean));
    },
  };
}
