/**
 * The form in which a task is edited.
 *
 * Owns its fields, the draft, saving, and what happens when somebody else changed the task
 * meanwhile: what only they changed is kept, and where both did, both are shown. What the fields
 * mean is in task_edit.js. Must not know the drawer around it.
 */

import { button, make, setAttribute, setNote } from "./dom.js";
import { keepDraft, keptDraft } from "./drafts.js";
import { RpcError } from "./rpc.js";
import { changedFields, editOf, fieldOf, FIELDS, merge, valuesOf } from "./task_edit.js";
import { createPicker } from "./task_picker.js";

/** So many times a save is sent again after changes of others that do not touch mine. */
const RESENT_MAX = 5;

export class TaskForm {
  #page;
  #id;
  #version;
  /** The fields as they were when editing began, or when both sides were last put together. */
  #before;
  #inputs = {};
  #notes = {};
  #choices = {};
  /** What somebody else wrote into fields that were changed here too, until one is chosen. */
  #conflicts = new Map();
  #seen = null;
  #restoredWords = "";
  #closed;
  #saving = false;

  /** A form for a task; `closed(saved)` is called when it was saved or thrown away. */
  constructor(page, task, closed) {
    this.#page = page;
    this.#id = task.id;
    this.#version = task.version;
    this.#before = valuesOf(task);
    this.#closed = closed;
    this.news = make("p", { class: "notice", role: "status", hidden: true });
    this.problem = make("p", { class: "problem", role: "alert", hidden: true });
    this.all = make(
      "p",
      { class: "buttons all", hidden: true },
      button("Take all of theirs", () => this.#chooseAll(true)),
      button("Keep all of mine", () => this.#chooseAll(false)),
    );
    this.save = make("button", { type: "submit", class: "primary", data: { live: "" } }, "Save");
    this.node = make(
      "form",
      { class: "task-form", "aria-label": "Edit the task", novalidate: true },
      this.news,
      ...Object.keys(FIELDS).map((name) => this.#field(name)),
      make(
        "div",
        { class: "foot" },
        this.problem,
        this.all,
        make("p", { class: "buttons" }, button("Discard", () => this.discard()), this.save),
      ),
    );
    this.node.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.node.addEventListener("input", () => this.#changed());
    this.node.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        this.node.requestSubmit();
      } else if (event.key === "Escape" && !event.defaultPrevented) {
        event.preventDefault();
        event.target.blur();
      }
    });
    this.#fill(this.#restored());
    this.#showConflicts();
  }

  /** Whether there is something of this task that was typed and not saved. */
  static hasDraft(project, id) {
    return keptDraft(project, `edit ${id}`) !== null;
  }

  /** Put the caret into the first field. */
  focus() {
    this.#inputs.description.focus();
  }

  /** The task is another by now: say so if it is in what can be edited; touch nothing. */
  isNow(task) {
    if (task === this.#seen) {
      return;
    }
    this.#seen = task;
    const theirs = task.version > this.#version ? changedFields(this.#before, valuesOf(task)) : [];
    const words = theirs.length
      ? `Somebody changed it meanwhile: ${labelsOf(theirs)}. What you typed stays; saving keeps both, or asks where both changed the same.`
      : this.#restoredWords;
    setNote(this.news, words);
  }

  /** Throw away what was typed, after a question if there is something. */
  async discard() {
    const changed = changedFields(this.#before, this.#values());
    const sure =
      !changed.length ||
      (await this.#page.ask({
        title: "Throw away your changes?",
        text: `Not saved: ${labelsOf(changed)}.`,
        action: "Throw them away",
        danger: true,
      }));
    if (sure) {
      this.#keep(null);
      this.#closed(false);
    }
  }

  // --- fields -----------------------------------------------------------------------------------

  #field(name) {
    const { label, hint } = FIELDS[name];
    const id = `field-${name}`;
    const { input, node } = this.#control(name, id);
    const note = make("p", { class: "problem", id: `${id}-problem`, hidden: true });
    const choice = make("div", { class: "conflict", role: "group", "aria-label": "Changed by both", hidden: true });
    this.#inputs[name] = input;
    this.#notes[name] = note;
    this.#choices[name] = choice;
    setAttribute(input.input ?? input, "aria-describedby", note.id);
    const words = [label, hint ? make("span", { class: "hint" }, ` (${hint})`) : ""];
    const title = name === "dependencies" ? make("span", { class: "label" }, ...words) : make("label", { for: id }, ...words);
    return make("div", { class: `field ${name}` }, title, node, note, choice);
  }

  #control(name, id) {
    const { kind, rows } = FIELDS[name];
    if (name === "dependencies") {
      const picker = createPicker(this.#page, { own: () => this.#id, changed: () => this.#changed() });
      return { input: picker, node: picker.node };
    }
    const input = rows
      ? make("textarea", { id, rows, spellcheck: kind === "text" ? "true" : "false" })
      : make("input", { id, ...TYPES[kind] });
    return { input, node: input };
  }

  #values() {
    return Object.fromEntries(Object.entries(this.#inputs).map(([name, input]) => [name, input.value]));
  }

  #fill(values) {
    for (const [name, input] of Object.entries(this.#inputs)) {
      if (input.value !== values[name]) {
        input.value = values[name];
      }
    }
  }

  // --- the draft --------------------------------------------------------------------------------

  #restored() {
    const draft = keptDraft(this.#page.route.project, `edit ${this.#id}`);
    if (draft?.values === undefined) {
      return this.#before;
    }
    this.#before = draft.before;
    this.#version = draft.version;
    this.#conflicts = new Map(draft.conflicts);
    this.#restoredWords = "You had not saved this yet.";
    return { ...this.#before, ...draft.values };
  }

  #changed() {
    const values = this.#values();
    const changed = changedFields(this.#before, values).length > 0;
    const draft = { values, before: this.#before, version: this.#version, conflicts: [...this.#conflicts] };
    this.#keep(changed ? draft : null);
  }

  #keep(draft) {
    keepDraft(this.#page.route.project, `edit ${this.#id}`, draft);
  }

  // --- saving -----------------------------------------------------------------------------------

  async #submit() {
    if (this.#saving || this.save.disabled) {
      return;
    }
    this.#complain(this.#unfinished());
    if (this.#conflicts.size) {
      this.#askToChoose();
      return;
    }
    if (Object.values(this.#notes).some((note) => !note.hidden)) {
      return;
    }
    this.#saving = true;
    try {
      await this.#send(RESENT_MAX);
    } catch (error) {
      this.#complain(this.#placed(error));
    } finally {
      this.#saving = false;
    }
  }

  /** Fields in which something stands that a browser keeps to itself, as half a date. */
  #unfinished() {
    const unfinished = Object.entries(this.#inputs).filter(([, input]) => input.validity?.badInput);
    return Object.fromEntries(unfinished.map(([name]) => [name, "is not complete: give date and time, or clear it"]));
  }

  async #send(again) {
    const { params, errors } = editOf(this.#before, this.#values());
    if (Object.keys(errors).length) {
      this.#complain(errors);
      return;
    }
    if (Object.keys(params).length) {
      try {
        await this.#page.mutate("edit_task", { taskId: this.#id, version: this.#version, ...params });
      } catch (error) {
        if (!(error instanceof RpcError) || error.reason !== "version_conflict" || again === 0) {
          throw error;
        }
        if (await this.#putTogether()) {
          await this.#send(again - 1);
        }
        return;
      }
      this.#page.say(`${this.#id} is saved.`);
    }
    this.#keep(null);
    this.#closed(true);
  }

  /** Read the task again and put both sides together; whether no field was changed by both. */
  async #putTogether() {
    const { task } = await this.#page.call("get_task", { taskId: this.#id });
    const theirs = valuesOf(task);
    const { values, conflicts } = merge(this.#before, theirs, this.#values());
    this.#before = theirs;
    this.#version = task.version;
    this.#seen = null;
    this.#conflicts = new Map(conflicts.map((name) => [name, theirs[name]]));
    this.#fill(values);
    this.#changed();
    this.#showConflicts();
    if (conflicts.length) {
      this.#askToChoose();
    }
    return !conflicts.length;
  }

  #askToChoose() {
    const [first] = this.#conflicts.keys();
    setNote(this.problem, "Nothing was saved: somebody else changed the same meanwhile. Choose for each field, then save again.");
    this.#choices[first].querySelector("button").focus();
  }

  #showConflicts() {
    for (const [name, place] of Object.entries(this.#choices)) {
      place.hidden = !this.#conflicts.has(name);
      place.replaceChildren(...(place.hidden ? [] : this.#choiceOf(name, this.#conflicts.get(name))));
    }
    this.all.hidden = this.#conflicts.size < 2;
  }

  #choiceOf(name, theirs) {
    return [
      make("p", {}, "Above is yours. Somebody else changed it to:"),
      make("pre", { class: "foreign", tabindex: "0", "aria-label": "Theirs" }, theirs || "(nothing)"),
      make(
        "p",
        { class: "buttons" },
        button("Take theirs", () => this.#choose(name, true)),
        button("Keep mine", () => this.#choose(name, false)),
      ),
    ];
  }

  #choose(name, takeTheirs) {
    if (takeTheirs) {
      this.#inputs[name].value = this.#conflicts.get(name);
    }
    this.#conflicts.delete(name);
    this.#changed();
    this.#showConflicts();
    const [next] = this.#conflicts.keys();
    if (next) {
      this.#choices[next].querySelector("button").focus();
    } else {
      setNote(this.problem, "");
      this.save.focus();
    }
  }

  #chooseAll(takeTheirs) {
    for (const name of [...this.#conflicts.keys()]) {
      this.#choose(name, takeTheirs);
    }
  }

  /** Errors by field; one without a field is the form's. */
  #complain(errors) {
    for (const [name, note] of Object.entries(this.#notes)) {
      setNote(note, errors[name] ? `${FIELDS[name].label} ${errors[name]}` : "");
      const input = this.#inputs[name].input ?? this.#inputs[name];
      setAttribute(input, "aria-invalid", errors[name] ? "true" : null);
    }
    setNote(this.problem, errors.form ?? "");
    const first = Object.keys(FIELDS).find((name) => errors[name]);
    if (first) {
      (this.#inputs[first].input ?? this.#inputs[first]).focus();
    }
  }

  #placed(error) {
    const field = fieldOf(error);
    return field ? { [field]: `was refused: ${error.message}` } : { form: `Not saved: ${error.message}` };
  }
}

function labelsOf(names) {
  return names.map((name) => FIELDS[name].label.toLowerCase()).join(", ");
}

/** Numbers are typed as text: of what is none, a number's control would say that it is empty. */
export const TYPES = Object.freeze({
  integer: { type: "text", inputmode: "numeric", autocomplete: "off" },
  number: { type: "text", inputmode: "decimal", autocomplete: "off" },
  moment: { type: "datetime-local", step: 1 },
});
