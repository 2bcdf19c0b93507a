/**
 * The three forms of the add dialog: one task, a plan, a template.
 *
 * Owns their controls, and how a draft gets into them and out again. Must not know the server, nor
 * what becomes of what is typed.
 */

import { button, make, setAttribute, setNote, setText } from "./dom.js";
import { count } from "./format.js";
import { TASKS_MAX } from "./add_draft.js";
import { MORE } from "./quick_add.js";
import { FIELDS } from "./task_edit.js";
import { TYPES } from "./task_form.js";

const LINE_LENGTH_MAX = 5_000;
const FORMATS = Object.freeze({ auto: "as it looks", md: "Markdown list", yaml: "YAML", json: "JSON", jsonl: "JSON Lines" });
const FILES = ".md,.markdown,.yaml,.yml,.json,.jsonl,.ndjson,.txt";

/** Put a text into a control, leaving the caret alone where it is there already. */
function put(control, text) {
  if (control.value !== text) {
    control.value = text;
  }
}

function field(words, control, hint = "") {
  return make("p", { class: "field" }, make("label", { for: control.id }, words, hint && make("span", { class: "hint" }, ` (${hint})`)), control);
}

/** The form for one task; `pasted(text)` is called with a text of several lines. */
export function createOne(pasted) {
  const line = make("input", { type: "text", id: "add-line", autocomplete: "off", spellcheck: "true", maxlength: LINE_LENGTH_MAX, placeholder: "Fix the login page #ui !5 (needs: T3, T4)" });
  const details = make("textarea", { id: "add-details", rows: 3, spellcheck: "true" });
  const more = Object.fromEntries(MORE.map((name) => [name, control(name)]));
  const fold = make(
    "details",
    {},
    make("summary", {}, "More"),
    field("Details", details, "below its first line"),
    make("div", { class: "more" }, ...MORE.map((name) => field(FIELDS[name].label, more[name], FIELDS[name].hint))),
  );
  line.addEventListener("paste", (event) => {
    const text = event.clipboardData.getData("text/plain");
    if (line.value === "" && text.trim().includes("\n")) {
      event.preventDefault(); // a line would swallow the ends of the others
      pasted(text);
    }
  });
  const code = (words) => make("code", {}, words);
  const node = make(
    "div",
    { class: "part" },
    field("What is to be done", line),
    make("p", { class: "hint" }, code("#tag"), ", ", code("!5"), " the priority, ", code("(needs: T3, T4)"), " what it waits for, all at the end; ", code("name:"), " before it gives it an id."),
    fold,
  );
  return {
    node,
    focus: () => line.focus(),
    fill: (draft) => {
      put(line, draft.line);
      put(details, draft.details);
      MORE.forEach((name) => put(more[name], draft.more[name] ?? ""));
      if (draft.details || Object.values(draft.more).some(Boolean)) {
        fold.open = true;
      }
    },
    read: () => ({
      line: line.value,
      details: details.value,
      more: Object.fromEntries(MORE.filter((name) => more[name].value).map((name) => [name, more[name].value])),
    }),
  };
}

function control(name) {
  const { kind, rows } = FIELDS[name];
  const id = `add-${name}`;
  return rows ? make("textarea", { id, rows: 2, spellcheck: kind === "text" ? "true" : "false" }) : make("input", { id, ...TYPES[kind] });
}

/** The form for a plan; `take(file)` is called with a file that was chosen or dropped. */
export function createMany(take) {
  const text = make("textarea", { id: "add-text", rows: 10, spellcheck: "false", placeholder: "- [ ] db: Set up the database\n- [ ] api: Write the API (needs: db) #backend !5" });
  const format = make("select", { id: "add-format" }, ...Object.entries(FORMATS).map(([value, words]) => make("option", { value }, words)));
  const skip = make("input", { type: "checkbox", id: "add-skip" });
  const file = make("input", { type: "file", id: "add-file", accept: FILES });
  file.addEventListener("change", () => {
    take(file.files[0]);
    file.value = "";
  });
  text.addEventListener("dragover", (event) => event.preventDefault());
  text.addEventListener("drop", (event) => {
    const [dropped] = event.dataTransfer.files;
    if (dropped) {
      event.preventDefault();
      take(dropped);
    }
  });
  const node = make(
    "div",
    { class: "part" },
    field("A plan: a Markdown list, YAML or JSON", text, `at most ${count(TASKS_MAX, "task")} and 1 MB at once; a file can be dropped here`),
    make("p", { class: "toolbar" }, make("label", { for: "add-format" }, "Read it"), format, make("label", { for: "add-file" }, "or from a file"), file),
    make("p", { class: "toolbar" }, skip, make("label", { for: "add-skip" }, "Leave out tasks that are there already")),
  );
  return {
    node,
    focus: () => text.focus(),
    /** Select a line, counted from 1, and show it. */
    select: ([start, end]) => {
      text.focus();
      text.setSelectionRange(start, start); // a browser scrolls to a caret, not to a selection
      text.blur();
      text.focus();
      text.setSelectionRange(start, end);
    },
    fill: (draft) => {
      put(text, draft.text);
      put(format, draft.format);
      skip.checked = draft.skip;
    },
    read: () => ({ text: text.value, format: format.value, skip: skip.checked }),
  };
}

/** The form for a template; `show(templates)` says which there are. */
export function createTemplates() {
  const choice = make("select", { id: "add-template" });
  const about = make("p", { class: "hint foreign" });
  const prefix = make("input", { type: "text", id: "add-prefix", autocomplete: "off", spellcheck: "false", maxlength: 100 });
  const parameters = make("div", { class: "part" });
  const none = make("p", { class: "empty" }, "This project has no templates. ", make("code", {}, "task-coordinator template save NAME FILE"), " keeps one.");
  const chosen = make("div", { class: "part" }, field("Template", choice), about, parameters, field("Before the ids of its tasks", prefix, "left out, the server makes it"));
  let known = null;
  let inputs = new Map();

  function build(draft) {
    const template = known?.find(({ name }) => name === draft.template);
    const names = template?.parameters ?? [];
    if (names.join("\n") !== [...inputs.keys()].join("\n")) {
      inputs = new Map(names.map((name, place) => [name, make("input", { type: "text", id: `add-value-${place}`, autocomplete: "off" })]));
      parameters.replaceChildren(...[...inputs].map(([name, input]) => field(make("span", { class: "foreign" }, name), input)));
    }
    setNote(about, [template?.description, template && count(template.tasks.length, "task")].filter(Boolean).join(" · "));
  }

  return {
    node: make("div", { class: "part" }, none, chosen),
    focus: () => choice.focus(),
    show: (templates) => {
      known = templates;
      choice.replaceChildren(...templates.map(({ name }) => make("option", { value: name, class: "foreign" }, name)));
    },
    get known() {
      return known;
    },
    fill: (draft) => {
      none.hidden = known === null || known.length > 0;
      chosen.hidden = !known?.length;
      build(draft);
      put(choice, draft.template);
      put(prefix, draft.prefix);
      inputs.forEach((input, name) => put(input, draft.values[name] ?? ""));
    },
    read: (draft) => ({
      template: choice.value || draft.template,
      prefix: prefix.value,
      values: { ...draft.values, ...Object.fromEntries([...inputs].map(([name, input]) => [name, input.value])) },
    }),
  };
}

/** The buttons that choose between the forms: `{node, show(mode)}`. */
export function createModes(words, choose) {
  const buttons = Object.entries(words).map(([mode, said]) => [mode, button(said, () => choose(mode), { "aria-pressed": "false" })]);
  return {
    node: make("p", { class: "toolbar modes", role: "group", "aria-label": "What to add" }, ...buttons.map(([, press]) => press)),
    show: (mode) => buttons.forEach(([name, press]) => setAttribute(press, "aria-pressed", String(name === mode))),
  };
}

/** The button that adds: its words, and whether it is off for a reason of the dialog's own. */
export function createSubmit() {
  const node = make("button", { type: "submit", class: "primary", data: { live: "" } }, "Add");
  return {
    node,
    show: (words, off) => {
      setText(node, words);
      node.toggleAttribute("data-off", off);
    },
  };
}
