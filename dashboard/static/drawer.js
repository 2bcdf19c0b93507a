/**
 * One task in full, beside whatever view is shown.
 *
 * Owns which task is read and when it is read again, the actions on it, and when it is edited
 * (task_form.js does that). How a task looks is in task_facts.js. Must not know the connection.
 */

import { cancelTasks, deleteTask, prioritizeTasks, resetTasks } from "./actions.js";
import { copyText } from "./copying.js";
import { button, element, keyed, make, named, setNote, setText } from "./dom.js";
import { count, percent, signOf } from "./format.js";
import { showTimes, timeUntil } from "./moments.js";
import { Pace } from "./pace.js";
import { RpcError } from "./rpc.js";
import { taskAfter } from "./store.js";
import { attemptsOf, createEntry, factsOf, taskLinks, textsOf } from "./task_facts.js";
import { TaskForm } from "./task_form.js";
import { View } from "./view.js";

const GAP_MS = 250;
const HISTORY_PAGE = 200;
const HISTORY_KEPT = 2_000;
const FINISHED = new Set(["done", "failed", "cancelled"]);

export class TaskDrawer extends View {
  #id = "";
  #task = null;
  #why = null;
  #attempts = [];
  #events = [];
  /** Event number that the next page of history begins after; null if all was read. */
  #historyFrom = 0;
  #problem = "";
  #form = null;
  #cameFrom = null;
  /** Whether somebody opened it, rather than the address that the page came with. */
  #byHand = false;
  #shown = new Map();
  #read = new Pace(() => this.#readAll(), GAP_MS, (error) => this.#failed(error));

  get keys() {
    return [
      { key: "e", words: "edit", run: () => this.#edit() },
      { key: "c", words: "cancel the task", run: () => this.#act(cancelTasks) },
      { key: "r", words: "reset the task", run: () => this.#reset() },
      { key: "g", words: "show it in the graph", run: () => this.#showInGraph() },
    ];
  }

  // --- building ---------------------------------------------------------------------------------

  setUp() {
    this.setAttribute("role", "complementary");
    this.setAttribute("aria-label", "Details of a task");
    this.sign = make("span", { class: "sign", "aria-hidden": "true" });
    this.word = element("span");
    this.heading = make("h2", { class: "foreign", tabindex: "-1" });
    this.state = make("p", { class: "state" }, make("span", { class: "status" }, this.sign, " ", this.word), (this.lease = element("span", "hint")), (this.bar = make("span", { class: "bar-track", "aria-hidden": "true" }, element("span", "bar-fill"))), (this.share = element("span")));
    const close = button("✕", () => this.page.go({ task: "" }), { class: "icon quiet", "aria-label": "Close the details" });
    this.problem = make("p", { class: "problem", role: "status", hidden: true });
    this.actions = this.#actions();
    this.sections = Object.fromEntries(
      ["why", "texts", "edges", "facts", "attempts"].map((name) => [name, make("div", { data: { part: name } })]),
    );
    this.history = make("ol", { class: "history" });
    this.later = button("Later events", () => this.#readHistory(), { live: true });
    this.past = make("details", { class: "past", data: { part: "history" } }, make("summary", {}, "History"), this.history, this.later);
    this.past.addEventListener("toggle", () => this.past.open && !this.#events.length && this.#read.soon());
    this.content = make("div", { class: "content" }, ...Object.values(this.sections), this.past);
    this.place = make("div", { data: { part: "form" } });
    this.append(
      make("header", {}, make("div", { class: "title" }, this.heading, close), this.state, this.actions),
      this.problem,
      this.place,
      this.content,
    );
  }

  #actions() {
    const live = { live: true };
    this.buttons = {
      edit: button("Edit", () => this.#edit(), live),
      cancel: button("Cancel…", () => this.#act(cancelTasks), { ...live, class: "danger" }),
      reset: button("Reset…", () => this.#reset(), live),
      priority: button("Priority…", () => this.#act((page, ids) => prioritizeTasks(page, ids, this.#task.priority)), live),
      note: button("Note…", () => this.#addNote(), live),
      graph: button("Graph", () => this.#showInGraph()),
      copy: button("Copy JSON", () => copyText(this.page, JSON.stringify(this.#task, null, 2), "The task as JSON")),
      remove: button("Delete…", () => this.#delete(), { ...live, class: "danger" }),
    };
    return make("p", { class: "toolbar" }, ...Object.values(this.buttons));
  }

  // --- which task -------------------------------------------------------------------------------

  opened() {
    const { task: id, edit } = this.page.route;
    if (id !== this.#id) {
      this.#change(id);
    }
    this.#byHand = true;
    if (edit && id) {
      this.page.go({ edit: "" }, { replace: true });
      this.#edit();
    }
  }

  #change(id) {
    if (!this.#id) {
      this.#cameFrom = document.activeElement;
    }
    this.#id = id;
    this.#task = this.#why = null;
    this.#attempts = [];
    this.#events = [];
    this.#historyFrom = 0;
    this.#problem = "";
    this.#wantsEdit = false;
    this.#closeForm();
    this.#shown.clear();
    this.hidden = !id;
    if (id) {
      this.#read.soon();
      setText(this.heading, id);
      this.scrollTop = 0;
      if (this.#byHand) {
        this.heading.focus({ preventScroll: true });
      }
    } else if (this.#cameFrom?.isConnected) {
      this.#cameFrom.focus({ preventScroll: true });
    }
  }

  reloaded() {
    if (this.#id) {
      this.#events = [];
      this.#historyFrom = 0;
      this.#read.soon();
    }
  }

  took(events) {
    if (!this.#id) {
      return;
    }
    const mine = events.filter(({ taskId }) => taskId === this.#id);
    for (const event of mine) {
      this.#task = this.#task && taskAfter(this.#task, event);
    }
    // What others do may change why it waits.
    const waits = this.#task?.status === "blocked" && events.some(({ taskId }) => this.#task.dependencies.includes(taskId));
    if (mine.length || waits || events.some(({ type }) => type === "tasks_cleaned" || type === "tasks_pruned")) {
      this.#read.soon();
    }
  }

  async #readAll() {
    const id = this.#id;
    const asked = { taskId: id };
    const [found, why] = await Promise.all([
      this.#unlessGone(this.page.call("get_task", asked)),
      this.#unlessGone(this.page.call("explain_task", asked)),
    ]);
    if (id !== this.#id) {
      return;
    }
    this.#task = found?.task ?? null;
    this.#why = why;
    this.#problem = found ? "" : "There is no task of this name, or not any more.";
    await this.#readHistory();
    this.#startEditing();
    this.page.plan();
  }

  async #unlessGone(answer) {
    try {
      return await answer;
    } catch (error) {
      if (error instanceof RpcError && error.reason === "task_not_found") {
        return null;
      }
      throw error;
    }
  }

  async #readHistory() {
    const id = this.#id;
    const since = this.#historyFrom ?? this.#events.at(-1)?.seq ?? 0;
    const page = await this.#unlessGone(this.page.call("get_task_history", { taskId: id, since, limit: HISTORY_PAGE }));
    if (id !== this.#id || page === null) {
      return;
    }
    this.#attempts = page.attempts;
    const last = this.#events.at(-1)?.seq ?? 0;
    this.#events = [...this.#events, ...page.events.filter(({ seq }) => seq > last)].slice(-HISTORY_KEPT);
    this.#historyFrom = page.nextSince ?? null;
    this.page.plan();
  }

  #failed(error) {
    this.#problem = `Could not read the task: ${error.message}`;
    this.page.plan();
  }

  // --- doing ------------------------------------------------------------------------------------

  #wantsEdit = false;

  #edit() {
    this.#wantsEdit = true;
    this.#startEditing();
  }

  /** Begin to edit as soon as the task is known; also where something was typed and not saved. */
  #startEditing() {
    const { project } = this.page.route;
    if (this.#form || !this.#task || !(this.#wantsEdit || TaskForm.hasDraft(project, this.#id))) {
      return;
    }
    const wanted = this.#wantsEdit;
    this.#form = new TaskForm(this.page, this.#task, () => {
      this.#wantsEdit = false;
      this.#closeForm();
      this.#read.soon();
      this.heading.focus({ preventScroll: true });
    });
    this.place.replaceChildren(this.#form.node);
    if (wanted) {
      this.#form.focus();
    }
    this.page.plan();
  }

  #closeForm() {
    this.#form = null;
    this.place.replaceChildren();
    this.page.plan();
  }

  async #act(action) {
    if (this.#task && this.page.live) {
      await action(this.page, [this.#id]);
    }
  }

  #reset() {
    const force = ["done", "working"].includes(this.#task?.status);
    return this.#act((page, ids) => resetTasks(page, ids, { force }));
  }

  async #delete() {
    if (await deleteTask(this.page, this.#id)) {
      this.page.go({ task: "" });
    }
  }

  async #addNote() {
    const id = this.#id;
    const note = await this.page.ask({
      title: "Add a note",
      text: "Whoever works on it, or takes it next, reads it.",
      action: "Add the note",
      field: { label: "Note", more: { maxlength: 10_000, required: true } },
    });
    if (note?.trim()) {
      try {
        await this.page.mutate("add_note", { taskId: id, note: note.trim() });
        this.page.say("The note is added.");
      } catch (error) {
        this.page.complain(error, "add the note");
      }
    }
  }

  #showInGraph() {
    this.page.go({ view: "graph" });
  }

  // --- drawing ----------------------------------------------------------------------------------

  draw(model) {
    if (!this.#id) {
      return;
    }
    const task = this.#task;
    setText(this.heading, this.#id);
    setNote(this.problem, this.#problem || (task ? "" : model.live ? "Loading…" : "Not connected."));
    this.problem.classList.toggle("hint", !this.#problem);
    this.actions.hidden = this.state.hidden = !task;
    this.content.hidden = !task && !this.#events.length;
    this.place.hidden = !this.#form;
    if (task) {
      this.#drawHead(task);
      this.#form?.isNow(task);
    }
    this.#drawSections(task);
    keyed(this.history, this.#events, ({ seq }) => seq, createEntry);
    this.later.hidden = this.#historyFrom === null;
    this.past.hidden = !this.#events.length;
    showTimes(this, model.serverNow);
  }

  #drawHead(task) {
    const { status, progress } = task;
    this.state.className = `state ${status}`;
    setText(this.sign, signOf(status));
    setText(this.word, status);
    const known = status === "working" && typeof progress === "number";
    this.bar.hidden = !known;
    this.bar.style.setProperty("--part", known ? progress : 0);
    setText(this.share, known ? percent(progress) : "");
    this.#section("lease", this.lease, [status, task.workerId, task.leaseExpiresAt, task.retryAt], () => leaseOf(task));
    this.buttons.edit.hidden = this.#form !== null;
    this.buttons.cancel.hidden = FINISHED.has(status);
    this.buttons.reset.hidden = status === "available" || status === "blocked" || status === "scheduled";
  }

  #drawSections(task) {
    const { why, texts, edges, facts, attempts } = this.sections;
    this.#section("why", why, task && this.#why, () => (task && this.#why ? this.#whyOf(this.#why) : []));
    this.#section("texts", texts, task && [task.error, task.output, task.note, task.description, task.expectedOutput, task.status], () => (task ? textsOf(task) : []));
    this.#section("edges", edges, task && [task.dependencies, task.blockedBy, this.#why?.unblocks, this.#why?.waiting], () => (task ? this.#edgesOf(task) : []));
    this.#section("facts", facts, task, () => (task ? [make("h3", {}, "All fields"), factsOf(task)] : []));
    this.#section("attempts", attempts, this.#attempts, () => (this.#attempts.length ? [make("h3", {}, "Attempts"), attemptsOf(this.#attempts)] : []));
  }

  /** Build a part anew only if what it is made of changed: whoever reads or tabs in it is not disturbed. */
  #section(name, place, from, build) {
    const key = JSON.stringify(from) ?? "";
    if (this.#shown.get(name) !== key) {
      this.#shown.set(name, key);
      place.replaceChildren(...build());
    }
  }

  #whyOf({ reason, blockedBy, rootCauses, conflicts }) {
    const parts = [make("p", { class: "reason foreign" }, ...named(reason))];
    const listed = (title, tasks) => [make("h3", {}, title), taskLinks(this.page, tasks)];
    const byName = (list) => list.map(({ taskId, status }) => ({ id: taskId, status }));
    const beyond = rootCauses.filter(({ taskId }) => !blockedBy.some((other) => other.taskId === taskId));
    if (blockedBy.length) {
      parts.push(...listed("Waits for", byName(blockedBy)));
    }
    if (beyond.length) {
      parts.push(...listed("In the end up to", byName(beyond)));
    }
    for (const { resource, taskId, workerId } of conflicts) {
      parts.push(make("p", { class: "foreign" }, `${resource} is held by ${workerId ?? taskId}`));
    }
    return parts;
  }

  #edgesOf({ dependencies, blockedBy }) {
    const open = new Map((blockedBy ?? []).map(({ taskId, status }) => [taskId, status]));
    const met = dependencies.filter((id) => !open.has(id)).map((id) => ({ id, status: open.size ? "" : "done" }));
    const { unblocks = [], waiting = 0 } = this.#why ?? {};
    return [
      met.length && make("section", {}, make("h3", {}, "Built on"), taskLinks(this.page, met)),
      unblocks.length && make("section", {}, make("h3", {}, `Unblocks (${count(waiting, "task")} wait for it in the end)`), taskLinks(this.page, unblocks.map((id) => ({ id, status: "" })))),
    ].filter(Boolean);
  }
}

function leaseOf({ status, workerId, leaseExpiresAt, retryAt }) {
  if (status === "working") {
    return ["by ", element("span", "foreign", workerId ?? "?"), leaseExpiresAt ? ", lease ends " : "", leaseExpiresAt ? timeUntil(leaseExpiresAt, "now") : ""];
  }
  return status === "scheduled" && retryAt ? ["next attempt ", timeUntil(retryAt)] : [];
}
