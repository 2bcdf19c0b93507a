/**
 * The dialog in which tasks are added: one in one line, or many at once.
 *
 * Owns what is typed there, the preview, and adding. The server reads the texts, by the same rules
 * as `task-coordinator import`. What was typed stays until it is added. Must not know the
 * connection.
 */

import { button, element, keyed, make, setAttribute, setText } from "./dom.js";
import { keepDraft, keptDraft } from "./drafts.js";
import { count, cut, signOf } from "./format.js";
import { Pace } from "./pace.js";
import { addParams, listOf, statusOf } from "./quick_add.js";
import { ConnectionLost, RpcError } from "./rpc.js";
import { keptToken } from "./token.js";
import { View } from "./view.js";

const GAP_MS = 250;
const SHOWN_MAX = 200;
const TITLE_LENGTH = 140;
const TEXT_MAX = 900_000;
const EMPTY = Object.freeze({ mode: "one", line: "", text: "", format: "auto", output: "", deadline: "", maxAttempts: "" });
const FORMATS = Object.freeze({ auto: "as it looks", md: "Markdown list", yaml: "YAML", json: "JSON", jsonl: "JSON Lines" });

export class AddDialog extends View {
  #draft = EMPTY;
  /** What the server read: `{of, tasks, problems, outside}`; `of` is the text that it was asked for. */
  #read = null;
  #refusal = "";
  #busy = false;
  #done = "";
  #preview = new Pace(() => this.#ask(), GAP_MS, (error) => this.#failed(error));

  // --- building ---------------------------------------------------------------------------------

  setUp() {
    this.modes = {
      one: button("One task", () => this.#change({ mode: "one" }), { "aria-pressed": "true" }),
      many: button("Many at once", () => this.#change({ mode: "many" }), { "aria-pressed": "false" }),
    };
    this.one = this.#onePart();
    this.many = this.#manyPart();
    this.told = make("p", { class: "told", role: "status" });
    this.problems = make("ul", { class: "problem" });
    this.wrong = make("div", { data: { part: "problems" }, role: "alert" }, this.problems);
    this.caption = make("h3", {});
    this.rows = make("tbody", { data: { part: "preview" } });
    this.table = make(
      "div",
      { class: "preview", tabindex: "0", role: "region", "aria-label": "What will be added" },
      this.caption,
      make("table", {}, make("thead", { class: "unseen" }, make("tr", {}, ...["Status", "Task", "Waits for", "Tags", "Priority"].map((words) => make("th", { scope: "col" }, words)))), this.rows),
    );
    this.submit = make("button", { type: "submit", class: "primary", data: { live: "" } }, "Add");
    const form = make(
      "form",
      {},
      make("h2", { id: "add-title" }, "New task"),
      make("p", { class: "toolbar modes", role: "group", "aria-label": "How many" }, ...Object.values(this.modes)),
      this.one,
      this.many,
      this.wrong,
      this.table,
      this.told,
      make("p", { class: "buttons" }, button("Close", () => this.dialog.close()), this.submit),
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

  #onePart() {
    this.line = make("input", { type: "text", id: "add-line", autocomplete: "off", spellcheck: "true", maxlength: 5_000, placeholder: "Fix the login page #ui !5 (needs: T3, T4)" });
    this.output = make("textarea", { id: "add-output", rows: 2 });
    this.deadline = make("input", { type: "datetime-local", id: "add-deadline", step: 1 });
    this.maxAttempts = make("input", { type: "number", id: "add-attempts", min: 1, max: 1_000, step: 1 });
    const code = (words) => make("code", {}, words);
    return make(
      "div",
      { class: "part" },
      make("p", { class: "field" }, make("label", { for: "add-line" }, "What is to be done"), this.line),
      make("p", { class: "hint" }, code("#tag"), ", ", code("!5"), " the priority, ", code("(needs: T3, T4)"), " what it waits for, all at the end; ", code("name:"), " before it gives it an id."),
      make(
        "details",
        {},
        make("summary", {}, "More"),
        make("p", { class: "field" }, make("label", { for: "add-output" }, "Expected output"), this.output),
        make("p", { class: "field" }, make("label", { for: "add-deadline" }, "Deadline"), this.deadline),
        make("p", { class: "field" }, make("label", { for: "add-attempts" }, "Attempts at most"), this.maxAttempts),
      ),
    );
  }

  #manyPart() {
    this.text = make("textarea", { id: "add-text", rows: 10, spellcheck: "false", placeholder: "- [ ] db: Set up the database\n- [ ] api: Write the API (needs: db) #backend !5" });
    this.format = make("select", { id: "add-format" }, ...Object.entries(FORMATS).map(([value, words]) => make("option", { value }, words)));
    this.file = make("input", { type: "file", id: "add-file", accept: ".md,.markdown,.yaml,.yml,.json,.jsonl,.txt" });
    this.file.addEventListener("change", () => this.#take(this.file.files[0]));
    this.text.addEventListener("dragover", (event) => event.preventDefault());
    this.text.addEventListener("drop", (event) => {
      const [file] = event.dataTransfer.files;
      if (file) {
        event.preventDefault();
        this.#take(file);
      }
    });
    return make(
      "div",
      { class: "part" },
      make("p", { class: "field" }, make("label", { for: "add-text" }, "A plan: a Markdown list, YAML or JSON"), this.text),
      make("p", { class: "toolbar" }, make("label", { for: "add-format" }, "Read it"), this.format, make("label", { for: "add-file" }, "or from a file"), this.file),
    );
  }

  async #take(file) {
    if (!file) {
      return;
    }
    if (file.size > TEXT_MAX) {
      this.#refuse(`${file.name} is too large: at most ${Math.floor(TEXT_MAX / 1000)} KB are read here. Use task-coordinator import.`);
      return;
    }
    this.#change({ text: await file.text() });
    this.file.value = "";
  }

  // --- what is typed ----------------------------------------------------------------------------

  /** Open it, with what was typed before. */
  show() {
    if (this.dialog.open) {
      return;
    }
    this.#done = "";
    this.#change({ ...EMPTY, ...keptDraft(this.page.route.project, "add") });
    this.dialog.showModal();
    (this.#draft.mode === "one" ? this.line : this.text).focus();
  }

  #typed() {
    this.#done = "";
    this.#change({
      line: this.line.value,
      text: this.text.value,
      format: this.format.value,
      output: this.output.value,
      deadline: this.deadline.value,
      maxAttempts: this.maxAttempts.value,
    });
  }

  #change(changes) {
    this.#draft = { ...this.#draft, ...changes };
    this.#refusal = "";
    const { line, text } = this.#draft;
    keepDraft(this.page.route.project, "add", line || text ? this.#draft : null);
    this.#fill();
    if (this.#source.trim()) {
      this.#preview.soon();
    } else {
      this.#read = null;
    }
    this.page.plan();
  }

  #fill() {
    for (const name of ["line", "text", "format", "output", "deadline", "maxAttempts"]) {
      if (this[name].value !== this.#draft[name]) {
        this[name].value = this.#draft[name];
      }
    }
  }

  /** The text that the server reads. */
  get #source() {
    const { mode, line, text } = this.#draft;
    if (mode === "many") {
      return text;
    }
    return line.trim() ? listOf(line) : "";
  }

  get #asked() {
    const { mode, format } = this.#draft;
    return { text: this.#source, format: mode === "many" ? format : "md" };
  }

  // --- preview ----------------------------------------------------------------------------------

  async #ask() {
    const asked = this.#asked;
    if (!asked.text.trim()) {
      return;
    }
    const of = JSON.stringify(asked);
    const read = await readPlan(asked);
    let refusal = "";
    if (!read.problems.length && this.page.live) {
      refusal = await this.#tried(read.tasks);
    }
    if (of === JSON.stringify(this.#asked)) {
      this.#read = { ...read, of };
      this.#refusal = refusal;
      this.page.plan();
    }
  }

  /** Whether the server would take these tasks: empty, or why it would not. */
  async #tried(tasks) {
    try {
      await this.page.call("import_tasks", { tasks: this.#named(tasks), dryRun: true });
      return "";
    } catch (error) {
      if (error instanceof RpcError) {
        return error.message;
      }
      throw error;
    }
  }

  /** One task without an id of its own gets a free one from the server: no name can be taken. */
  #named(tasks) {
    return this.#draft.mode === "one" ? tasks.map((task) => addParams(this.#draft.line, task, {})) : tasks;
  }

  #failed(error) {
    this.#refuse(error.message);
  }

  #refuse(words) {
    this.#refusal = words;
    this.page.plan();
  }

  // --- adding -----------------------------------------------------------------------------------

  async #add() {
    if (this.#busy || !this.page.live || !this.#source.trim()) {
      return;
    }
    this.#busy = true;
    this.page.plan();
    try {
      if (this.#read?.of !== JSON.stringify(this.#asked)) {
        await this.#ask(); // who is fast does not wait for the preview
      }
      if (this.#read && !this.#read.problems.length && this.#read.tasks.length) {
        await this.#send(this.#read.tasks);
      }
    } catch (error) {
      const lost = error instanceof ConnectionLost ? "the server cannot be reached; what you typed stays here" : error.message;
      this.#refuse(`Not added: ${lost}`);
    } finally {
      this.#busy = false;
      this.page.plan();
    }
  }

  async #send(tasks) {
    const { mode, line } = this.#draft;
    if (mode === "one") {
      const { task } = await this.page.mutate("add_task", addParams(line, tasks[0], this.#draft));
      this.#done = `${task.id} is added (${task.status}).`;
      this.#clear({ line: "", output: "", deadline: "", maxAttempts: "" });
      this.line.focus();
    } else {
      await this.page.mutate("import_tasks", { tasks });
      this.#clear({ text: "" });
      this.dialog.close();
      this.page.say(`${count(tasks.length, "task")} added.`);
    }
  }

  #clear(changes) {
    this.#read = null;
    this.#change(changes);
  }

  // --- drawing ----------------------------------------------------------------------------------

  draw({ live, state }) {
    if (!this.dialog.open) {
      return;
    }
    const { mode } = this.#draft;
    const current = this.#read?.of === JSON.stringify(this.#asked);
    const tasks = this.#read && this.#source.trim() ? this.#read.tasks : [];
    for (const [name, press] of Object.entries(this.modes)) {
      setAttribute(press, "aria-pressed", String(name === mode));
    }
    this.one.hidden = mode !== "one";
    this.many.hidden = mode !== "many";
    this.#drawProblems(current);
    this.table.hidden = !tasks.length;
    setText(this.caption, mode === "one" ? "Will be added" : `${count(tasks.length, "task")} will be added at once`);
    const done = new Set(tasks.filter(({ status }) => status === "done").map(({ id }) => id));
    keyed(this.rows, tasks.slice(0, SHOWN_MAX), (task) => task.id, () => createRow(), { always: true });
    tasks.slice(0, SHOWN_MAX).forEach((task) => this.rows.keyedParts.get(task.id).show(task, mode === "one" && !addParams(this.#draft.line, task, {}).id, done));
    setText(this.told, this.#toldOf(live, state, tasks));
    const wrong = this.#refusal || (current && (this.#read.problems.length || !tasks.length));
    this.submit.toggleAttribute("data-off", Boolean(this.#busy || wrong || !this.#source.trim()));
    setText(this.submit, mode === "one" ? "Add" : `Add ${count(tasks.length, "task")}`);
  }

  #toldOf(live, state, tasks) {
    if (!live) {
      return "Not connected: what you type stays, and can be added when the server is back.";
    }
    const more = tasks.length > SHOWN_MAX ? `The first ${SHOWN_MAX} of them are shown.` : "";
    return this.#done || more;
  }

  #drawProblems(current) {
    const told = current ? this.#read.problems.map(({ line, text }) => (this.#draft.mode === "many" && line ? `Line ${line}: ${text}` : text)) : [];
    const all = [...told, ...(this.#refusal ? [this.#refusal] : [])];
    keyed(this.problems, all, (words) => words, (words) => ({ node: make("li", { class: "foreign" }, words), update: () => {} }));
    this.problems.hidden = !all.length;
  }
}

/** Ask the server what a text holds. It is a question of this page alone, so it is no method. */
async function readPlan(asked) {
  const token = keptToken();
  const headers = { "Content-Type": "application/json", ...(token ? { Authorization: `Bearer ${token}` } : {}) };
  const answer = await fetch("/plan", { method: "POST", headers, body: JSON.stringify(asked) }).catch(() => {
    throw new ConnectionLost("the server cannot be reached");
  });
  if (!answer.ok) {
    throw new Error((await answer.text()).trim());
  }
  return answer.json();
}

function createRow() {
  const sign = make("span", { class: "sign", "aria-hidden": "true" });
  const word = element("span");
  const id = element("strong", "foreign");
  const title = element("span", "foreign");
  const waits = element("td", "foreign hint");
  const tags = element("td", "foreign hint");
  const priority = element("td", "number");
  const node = make("tr", {}, make("td", { class: "status" }, sign, " ", word), make("td", {}, id, " ", title), waits, tags, priority);
  const show = (task, unnamed, done) => {
    const status = statusOf(task, done);
    node.className = status;
    setText(sign, signOf(status));
    setText(word, status);
    setText(id, unnamed ? "" : task.id);
    setText(title, cut(task.description, TITLE_LENGTH));
    setText(waits, task.dependencies?.length ? `after ${cut(task.dependencies.join(", "), TITLE_LENGTH)}` : "");
    setText(tags, (task.tags ?? []).map((tag) => `#${tag}`).join(" "));
    setText(priority, task.priority ? `!${task.priority}` : "");
  };
  return { node, update: () => {}, show };
}
