/**
 * The dialog in which tasks are added: one in one line, many at once, or those of a template.
 *
 * Owns what happens there: the draft is kept while it is typed, previewed, and added by one request
 * that can be sent again without adding anything twice. The server reads the texts, by the same
 * rules as `task-coordinator import`. Must not know the connection.
 */

import { askedOf, BYTES_MAX, bytesOf, changed, EMPTY, isTyped, itemsWithoutBox, judged, placeOf, requestOf, restored, rowOf, saidOf, tooMuch, withBoxes } from "./add_draft.js";
import { createMany, createModes, createOne, createSubmit, createTemplates } from "./add_forms.js";
import { createPreview, createProblems } from "./add_preview.js";
import { button, make, setText } from "./dom.js";
import { keepDraft, keptDraft } from "./drafts.js";
import { count } from "./format.js";
import { Pace } from "./pace.js";
import { knownOf, NotRead, readPlan, refusalOf } from "./plan.js";
import { taskOf } from "./quick_add.js";
import { writeRoute } from "./route.js";
import { ConnectionLost, randomKey, RpcError } from "./rpc.js";
import { FIELDS } from "./task_edit.js";
import { View } from "./view.js";

const GAP_MS = 250;
const MODES = Object.freeze({ one: "One task", many: "Many at once", template: "From a template" });
const NOTHING = Object.freeze({ rows: [], problems: [], taken: 0, request: null });
const UNANSWERED = "This was sent, and no answer came: it may be added or not. Sending it again adds nothing twice.";

export class AddDialog extends View {
  #draft = EMPTY;
  /** What it comes to, `{of, rows, problems, taken, request}`; `of` is the draft it was made of. */
  #preview = NOTHING;
  #refusal = "";
  #done = "";
  #busy = false;
  #live = false;
  #pace = new Pace(() => this.#ask(), GAP_MS, (error) => this.#refuse(error.message));

  // --- building ---------------------------------------------------------------------------------

  setUp() {
    this.modes = createModes(MODES, (mode) => this.#choose(mode));
    this.forms = {
      one: createOne((text) => this.#pasted(text)),
      many: createMany((file) => this.#take(file)),
      template: createTemplates(),
    };
    this.problems = createProblems((line) => this.forms.many.select(placeOf(this.#draft.text, line)));
    this.boxes = button("", () => this.#change({ text: withBoxes(this.#draft.text) }), { hidden: true });
    this.preview = createPreview();
    this.told = make("span", { class: "foreign" });
    this.open = make("a", { href: "?", hidden: true, on: { click: () => this.dialog.close() } }, "Open it");
    this.submit = createSubmit();
    const form = make(
      "form",
      { novalidate: true },
      make("h2", { id: "add-title" }, "New task"),
      this.modes.node,
      ...Object.values(this.forms).map(({ node }) => node),
      this.problems.node,
      make("p", { class: "fix" }, this.boxes),
      this.preview.node,
      make("p", { class: "told", role: "status" }, this.told, " ", this.open),
      make("p", { class: "buttons" }, button("Close", () => this.dialog.close()), this.submit.node),
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#add();
    });
    form.addEventListener("input", () => this.#typed());
    form.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        form.requestSubmit();
      }
    });
    this.dialog = make("dialog", { class: "dialog wide add", "aria-labelledby": "add-title" }, form);
    this.append(this.dialog);
  }

  // --- what is typed ----------------------------------------------------------------------------

  /** Open it, with what was typed before. */
  show() {
    if (this.dialog.open) {
      return;
    }
    this.#done = "";
    this.#change({ ...restored(keptDraft(this.page.route.project, "add")) });
    this.dialog.showModal();
    this.#enter();
  }

  #choose(mode) {
    this.#done = "";
    this.#change({ mode });
    this.#enter();
  }

  /** Put the caret where one goes on. */
  async #enter() {
    this.page.plan();
    for (const [name, { node }] of Object.entries(this.forms)) {
      node.hidden = name !== this.#draft.mode; // what is hidden takes no caret
    }
    await this.#offer();
    this.forms[this.#draft.mode].focus();
  }

  /** Templates are asked for when somebody wants one. */
  async #offer() {
    if (this.#draft.mode !== "template") {
      return;
    }
    try {
      const { templates } = await this.page.call("list_templates");
      this.forms.template.show(templates);
      const there = templates.some(({ name }) => name === this.#draft.template);
      this.#change(there ? {} : { template: templates[0]?.name ?? "" });
    } catch (error) {
      this.#refuseUnlessLost(error);
    }
  }

  #pasted(text) {
    if (this.#draft.text.trim()) {
      this.#refuse("These are several lines. “Many at once” takes them, and holds something else already.");
      return;
    }
    this.#change({ mode: "many", text });
    this.#enter();
  }

  async #take(file) {
    if (!file) {
      return;
    }
    if (file.size > BYTES_MAX) {
      this.#refuse(`${file.name}: ${tooMuch(file.size)}`);
      return;
    }
    try {
      this.#change({ text: await file.text() });
    } catch (error) {
      this.#refuse(`${file.name} cannot be read: ${error.message}`);
    }
  }

  #typed() {
    this.#done = "";
    this.#change(this.forms[this.#draft.mode].read(this.#draft));
  }

  #change(changes) {
    this.#draft = changed(this.#draft, changes);
    this.#keep();
    for (const form of Object.values(this.forms)) {
      form.fill(this.#draft);
    }
    this.#look();
  }

  #keep() {
    keepDraft(this.page.route.project, "add", isTyped(this.#draft) ? this.#draft : null);
  }

  #look() {
    this.#refusal = "";
    this.#pace.soon();
    this.page.plan();
  }

  // --- preview ----------------------------------------------------------------------------------

  async #ask() {
    const draft = this.#draft;
    const preview = await this.#previewOf(draft).catch(told);
    if (draft === this.#draft) {
      this.#preview = { ...preview, of: draft };
      this.page.plan();
    }
  }

  async #previewOf(draft) {
    if (draft.sent) {
      const tasks = draft.sent.params.tasks ?? [];
      return { ...NOTHING, rows: judged({ tasks, lines: [], outside: {} }, new Map()).rows };
    }
    return draft.mode === "template" ? this.#instance(draft) : this.#plan(draft);
  }

  async #plan(draft) {
    const asked = askedOf(draft);
    if (!asked) {
      return NOTHING;
    }
    const read = await readPlan(asked);
    if (read.problems.length) {
      return { ...NOTHING, problems: read.problems, rows: read.tasks.map((task) => rowOf(task, task.status ?? "available")) };
    }
    if (draft.mode === "one") {
      const { task, errors } = taskOf(draft.line, read.tasks[0], draft);
      const problems = Object.entries(errors).map(([name, error]) => ({ line: 0, text: `${FIELDS[name].label} ${error}.` }));
      read.tasks = [task];
      if (problems.length) {
        return { ...NOTHING, problems };
      }
    }
    const ids = [...read.tasks.map(({ id }) => id).filter(Boolean), ...Object.keys(read.outside)];
    const known = await knownOf(this.page, ids);
    const found = judged(read, known, { skip: draft.mode === "many" && draft.skip, now: this.page.serverNow() });
    const refusal = found.problems.length ? "" : tooMuch(bytesOf(found.tasks)) || (await refusalOf(this.page, found.tasks));
    return {
      ...found,
      problems: refusal ? [{ line: 0, text: refusal }] : found.problems,
      request: found.tasks.length ? requestOf(found.tasks) : null,
    };
  }

  async #instance({ template, values, prefix }) {
    const found = this.forms.template.known?.find(({ name }) => name === template);
    const open = found?.parameters.filter((name) => !values[name]?.trim()) ?? [];
    if (!found || open.length) {
      return NOTHING;
    }
    const parameters = Object.fromEntries(found.parameters.map((name) => [name, values[name]]));
    const params = { name: template, parameters, ...(prefix ? { prefix } : {}) };
    const { tasks } = await this.page.call("instantiate_template", { ...params, dryRun: true });
    const rows = tasks.map((task) => rowOf({ ...task, dependencies: (task.blockedBy ?? []).map(({ taskId }) => taskId) }, task.status));
    return { ...NOTHING, rows, request: { method: "instantiate_template", params } };
  }

  #refuse(words) {
    this.#refusal = words;
    this.page.plan();
  }

  #refuseUnlessLost(error) {
    if (!(error instanceof ConnectionLost)) {
      this.#refuse(error.message);
    }
  }

  // --- adding -----------------------------------------------------------------------------------

  /** What Add would send; null while there is nothing, or something is wrong, or not seen yet. */
  get #ready() {
    const { of, problems, request } = this.#preview;
    return this.#draft.sent ?? (of === this.#draft && !problems.length ? request : null);
  }

  async #add() {
    if (this.#busy || !this.page.live) {
      return;
    }
    this.#busy = true;
    this.#done = "";
    this.page.plan();
    try {
      if (this.#draft.mode === "one" && this.#preview.of !== this.#draft) {
        await this.#ask(); // who is fast does not wait for the preview of one line
      }
      if (this.#ready) {
        await this.#send(this.#ready);
      }
    } catch (error) {
      this.#refuseUnlessLost(error);
    } finally {
      this.#busy = false;
      this.page.plan();
    }
  }

  /** Send a request, as often as need be under one key, until it is answered. */
  async #send({ method, params, key = randomKey() }) {
    const { mode } = this.#draft;
    this.#draft = { ...this.#draft, sent: { method, params, key } };
    this.#keep();
    let result;
    try {
      result = await this.page.mutate(method, { ...params, idempotencyKey: key });
    } catch (error) {
      if (error instanceof RpcError) {
        this.#draft = { ...this.#draft, sent: null };
        this.#preview = { ...this.#preview, of: this.#draft };
        this.#keep();
        throw new Error(`Not added: ${error.message}`, { cause: error });
      }
      throw error;
    }
    this.#preview = NOTHING;
    if (mode === "one") {
      this.#addedOne(result.tasks[0]);
    } else {
      // An import does not tell the tasks, but it was told them.
      this.#addedAll(mode, Array.isArray(result.tasks) ? result.tasks : params.tasks);
    }
  }

  /** Stay open for the next one. */
  #addedOne({ id, status }) {
    this.#change({ line: "", details: "", more: {}, sent: null });
    this.#done = `${id} is added (${status}).`;
    this.open.href = writeRoute({ ...this.page.route, task: id });
    this.forms.one.focus();
  }

  #addedAll(mode, tasks) {
    const { words, q } = saidOf(tasks.map(({ id }) => id));
    this.#change(mode === "many" ? { text: "", sent: null } : { values: {}, prefix: "", sent: null });
    this.dialog.close();
    const address = writeRoute({ ...this.page.route, view: "tasks", task: "", q });
    this.page.say(`${words}.`, "done", q ? { words: "Show", address } : null);
  }

  // --- drawing ----------------------------------------------------------------------------------

  draw({ live }) {
    const back = live && !this.#live;
    this.#live = live;
    if (!this.dialog.open) {
      return;
    }
    if (back) {
      this.#offer();
      this.#look(); // what could not be asked, or is another by now
    }
    const { mode, text, sent } = this.#draft;
    const current = this.#preview.of === this.#draft;
    const { rows, problems } = this.#preview;
    this.modes.show(mode);
    for (const [name, { node }] of Object.entries(this.forms)) {
      node.hidden = name !== mode;
    }
    const refusals = this.#refusal ? [{ line: 0, text: this.#refusal }] : [];
    this.problems.show([...(current ? problems : []), ...refusals], mode === "many");
    const bare = mode === "many" && current && problems.length ? itemsWithoutBox(text) : 0;
    this.boxes.hidden = !bare;
    setText(this.boxes, `Make ${count(bare, "item")} a task`);
    this.preview.show(rows, this.#captionOf(problems));
    setText(this.told, this.#toldOf(live));
    this.open.hidden = !this.#done || this.told.textContent !== this.#done;
    const words = sent && !this.#busy ? "Send it again" : mode === "one" ? "Add" : `Add ${count(rows.length, "task")}`;
    const waits = mode === "one" && !current && askedOf(this.#draft) !== null; // Enter looks first
    this.submit.show(words, this.#busy || !(this.#ready || waits));
  }

  #captionOf(problems) {
    const { rows, taken } = this.#preview;
    const left = taken && this.#draft.skip ? ` ${count(taken, "task is", "tasks are")} left out.` : "";
    if (problems.length) {
      return `${count(rows.length, "task")} read; nothing can be added yet.`;
    }
    return this.#draft.mode === "one" ? "Will be added" : `${count(rows.length, "task")} will be added at once.${left}`;
  }

  #toldOf(live) {
    if (!live) {
      return "Not connected: what you type stays, and can be added when the server is back.";
    }
    if (this.#busy) {
      return "Adding…";
    }
    if (this.#draft.sent) {
      return UNANSWERED;
    }
    const { rows, taken, of } = this.#preview;
    if (of === this.#draft && taken && this.#draft.skip && !rows.length) {
      return "All of these tasks are there already.";
    }
    return this.#done;
  }
}

/** What cannot be read, or would be refused, is a preview too. A lost connection is not. */
function told(error) {
  if (error instanceof NotRead || error instanceof RpcError) {
    return { ...NOTHING, problems: [{ line: 0, text: error.message }] };
  }
  throw error;
}
