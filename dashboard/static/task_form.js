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
import { changedFields, editOf, FIELDS, merge, valuesOf } from "./task_edit.js";
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
    this.save = make("button", { type: "submit", class: "primary", data: { live: "" } }, "Save");
    this.node = make(
      "form",
      { class: "task-form", "aria-label": "Edit the task", novalidate: true },
      this.news,
      ...Object.keys(FIELDS).map((name) => this.#field(name)),
      this.problem,
      make("p", { class: "buttons" }, button("Discard", () => this.discard()), this.save),
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
    const theirs = changedFields(this.#before, valuesOf(task));
    const names = theirs.map((name) => FIELDS[name].label.toLowerCase()).join(", ");
    const words = names && `It was changed meanwhile: ${names}. Saving keeps both, or asks where both changed the same.`;
    setNote(this.news, task.version > this.#version ? words : "");
  }

  /** Throw away what was typed, after a question if there is something. */
  async discard() {
    const changed = changedFields(this.#before, this.#values());
    const sure =
      !changed.length ||
      (await this.#page.ask({
        title: "Throw away your changes?",
        text: `Not saved: ${changed.map((name) => FIELDS[name].label.toLowerCase()).join(", ")}.`,
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
    const { label, hint, required } = FIELDS[name];
    const id = `field-${name}`;
    const { input, node } = this.#control(name, id);
    const note = make("p", { class: "problem", id: `${id}-problem`, hidden: true });
    const choice = make("div", { class: "conflict", hidden: true });
    this.#inputs[name] = input;
    this.#notes[name] = note;
    this.#choices[name] = choice;
    setAttribute(input.input ?? input, "aria-describedby", note.id);
    const words = [label, required ? "" : "", hint ? make("span", { class: "hint" }, ` (${hint})`) : ""];
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
    const now = this.#before;
    this.#before = draft.before;
    this.#version = draft.version;
    setNote(this.news, changedFields(draft.before, now).length ? "The task changed since you typed this." : "You had not saved this yet.");
    return { ...now, ...draft.values };
  }

  #changed() {
    const values = this.#values();
    const changed = changedFields(this.#before, values).length > 0;
    this.#keep(changed ? { values, before: this.#before, version: this.#version } : null);
  }

  #keep(draft) {
    keepDraft(this.#page.route.project, `edit ${this.#id}`, draft);
  }

  // --- saving -----------------------------------------------------------------------------------

  async #submit() {
    if (this.#saving || this.save.disabled) {
      return;
    }
    this.#saving = true;
    this.#complain({});
    try {
      await this.#send(RESENT_MAX);
    } catch (error) {
      this.#complain(this.#placed(error));
    } finally {
      this.#saving = false;
    }
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
    this.#fill(values);
    this.#changed();
    setNote(this.news, "");
    for (const name of Object.keys(FIELDS)) {
      this.#showConflict(name, theirs[name], conflicts.includes(name));
    }
    if (conflicts.length) {
      this.problem.hidden = false;
      this.problem.textContent = "Nothing was saved: somebody else changed the same meanwhile. Choose for each field, then save again.";
      this.#choices[conflicts[0]].querySelector("button").focus();
    }
    return !conflicts.length;
  }

  #showConflict(name, theirs, shown) {
    const place = this.#choices[name];
    place.hidden = !shown;
    if (!shown) {
      place.replaceChildren();
      return;
    }
    const choose = (value) => {
      if (value !== null) {
        this.#inputs[name].value = value;
      }
      place.hidden = true;
      this.#changed();
      if (!Object.values(this.#choices).some((other) => !other.hidden)) {
        setNote(this.problem, "");
      }
    };
    place.replaceChildren(
      make("p", {}, "Changed by somebody else to:"),
      make("pre", { class: "foreign" }, theirs || "(nothing)"),
      make("p", { class: "buttons" }, button("Take theirs", () => choose(theirs)), button("Keep mine", () => choose(null))),
    );
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
    const field = error.data?.field ?? PLACES[error.reason];
    return field in FIELDS ? { [field]: `was refused: ${error.message}` } : { form: `Not saved: ${error.message}` };
  }
}

const PLACES = Object.freeze({
  unknown_dependency: "dependencies",
  dependency_cycle: "dependencies",
  invalid_resource: "resources",
});

const TYPES = Object.freeze({
  integer: { type: "number", step: 1 },
  number: { type: "number", step: "any", min: 0 },
  moment: { type: "datetime-local", step: 1 },
});
