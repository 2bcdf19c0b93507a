/**
 * One task in full, beside whatever view is shown.
 *
 * Owns which task is read and when it is read again, the actions on it, and when it is edited
 * (task_form.js does that). How a task looks is in task_facts.js and task_why.js. Must not know
 * the connection.
 */

import { addNote, cancelTasks, deleteTask, prioritizeTasks, releaseTask, resetTasks } from "./actions.js";
import { copyText } from "./copying.js";
import { button, element, keyed, make, setNote, setText } from "./dom.js";
import { quoted } from "./filter.js";
import { percent, signOf } from "./format.js";
import { showTimes, timeUntil } from "./moments.js";
import { Pace } from "./pace.js";
import { readRoute } from "./route.js";
import { RpcError } from "./rpc.js";
import { taskAfter } from "./store.js";
import { attemptOf, attemptsOf, createText, factsOf, textsOf } from "./task_facts.js";
import { TaskForm } from "./task_form.js";
import { TaskHistory } from "./task_history.js";
import { edgesOf, explain, whyOf } from "./task_why.js";
import { View } from "./view.js";

const GAP_MS = 250;
const FINISHED = new Set(["done", "failed", "cancelled"]);
const RESTING = new Set(["available", "blocked", "scheduled"]);
/** What may change what waits for what, wherever it happens. */
const ANYWHERE = new Set(["task_added", "task_edited", "tasks_cleaned", "tasks_pruned"]);
const SECTIONS = ["why", "texts", "edges", "facts", "attempts"];
const TOLD = "Could not read the task";

export class TaskDrawer extends View {
  #id = "";
  #task = null;
  #why = null;
  #attempts = [];
  #problem = "";
  #form = null;
  #wantsEdit = false;
  /** Whether the task was told of since it was asked for. */
  #heard = false;
  #cameFrom = null;
  /** Whether somebody opened it, rather than the address that the page came with. */
  #byHand = false;
  #shown = new Map();
  #read = new Pace(() => this.#readAll(), GAP_MS, (error) => this.#failed(error));

  get keys() {
    return [
      { key: "e", words: "edit", run: () => this.#edit() },
      { key: "c", words: "cancel the task", run: () => this.#cancel() },
      { key: "r", words: "reset the task", run: () => this.#reset() },
      { key: "g", words: "show it in the graph", run: () => this.#showInGraph() },
    ];
  }

  // --- building ---------------------------------------------------------------------------------

  setUp() {
    const first = taskOfLoading();
    this.#byHand = first === "" || this.page.route.task !== first;
    this.setAttribute("role", "region");
    this.setAttribute("aria-label", "Details of a task");
    this.heading = make("h2", { class: "foreign", tabindex: "-1" });
    this.problem = make("p", { class: "problem", role: "status", hidden: true });
    this.actions = this.#actions();
    this.sections = Object.fromEntries(SECTIONS.map((name) => [name, make("div", { data: { part: name } })]));
    this.history = new TaskHistory(this.page);
    this.content = make("div", { class: "content" }, ...Object.values(this.sections), this.history.node);
    this.place = make("div", { data: { part: "form" } });
    this.append(
      make("div", { class: "head" }, this.#title(), this.#state(), this.actions),
      this.problem,
      this.place,
      this.content,
    );
  }

  #title() {
    const close = button("✕", () => this.page.go({ task: "" }), { class: "icon quiet", "aria-label": "Close the details", title: "Close (Esc)" });
    return make("div", { class: "title" }, this.heading, close);
  }

  #state() {
    this.sign = make("span", { class: "sign", "aria-hidden": "true" });
    this.word = element("span");
    this.lease = element("span", "hint");
    this.bar = make("span", { class: "bar-track", "aria-hidden": "true" }, element("span", "bar-fill"));
    this.share = element("span");
    this.brief = element("span", "hint");
    this.late = make("span", { class: "problem" });
    this.state = make("p", { class: "state", data: { part: "state" } }, make("span", { class: "status" }, this.sign, " ", this.word), this.late, this.lease, this.bar, this.share, this.brief);
    return this.state;
  }

  #actions() {
    const live = { live: true };
    const danger = { ...live, class: "danger" };
    this.buttons = {
      edit: button("Edit", () => this.#edit(), { ...live, title: "Edit (e)" }),
      priority: button("Priority…", () => this.#act((page, ids) => prioritizeTasks(page, ids, this.#task.priority)), live),
      note: button("Note…", () => this.#act((page, [id]) => addNote(page, id)), live),
      graph: button("Graph", () => this.#showInGraph(), { title: "Show it in the graph (g)" }),
      name: button("Copy id", () => copyText(this.page, this.#id, "The id")),
      copy: button("Copy JSON", () => copyText(this.page, JSON.stringify(this.#task, null, 2), "The task as JSON")),
      reset: button("Reset…", () => this.#reset(), live),
      release: button("Take back…", () => this.#act((page) => releaseTask(page, this.#task)), danger),
      cancel: button("Cancel…", () => this.#cancel(), danger),
      remove: button("Delete…", () => this.#delete(), danger),
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
    if (edit) {
      this.#wantsEdit = Boolean(id);
      this.page.go({ edit: "" }, { replace: true });
      this.#startEditing();
    }
  }

  #change(id) {
    const before = this.#id;
    if (!before) {
      this.#cameFrom = document.activeElement;
    }
    this.#id = id;
    this.#task = this.#why = null;
    this.#attempts = [];
    this.#problem = "";
    this.#wantsEdit = false;
    this.#closeForm();
    this.#shown.clear();
    this.sections.texts.replaceChildren();
    this.sections.texts.keyedParts = undefined;
    this.history.restart(id);
    this.hidden = !id;
    if (id) {
      setText(this.heading, id);
      this.#read.soon();
      this.#comeInto();
    } else {
      this.#goBack(before);
    }
  }

  #comeInto() {
    this.scrollTop = 0;
    if (this.#byHand) {
      this.heading.focus({ preventScroll: true });
    }
  }

  /** The focus goes back to where it was, or to what shows the task now. */
  #goBack(id) {
    const shown = () => document.querySelector(`.scene > :not([hidden]) [data-id="${CSS.escape(id)}"]`);
    const from = this.#cameFrom?.isConnected && this.#cameFrom !== document.body ? this.#cameFrom : shown();
    (from?.matches("a, button, [tabindex]") ? from : from?.querySelector("a, button"))?.focus();
    this.#cameFrom = null;
  }

  reloaded() {
    if (this.#id) {
      this.history.restart(this.#id);
      this.#read.soon();
    }
  }

  took(events) {
    if (!this.#id) {
      return;
    }
    const mine = events.filter(({ taskId }) => taskId === this.#id);
    this.#heard ||= mine.length > 0;
    for (const event of mine) {
      this.#task = this.#task && taskAfter(this.#task, event);
    }
    this.history.took(mine);
    if (mine.length || this.#concerns(events)) {
      this.#read.soon();
    }
  }

  /** Whether what others did may change why it waits, or what waits for it. */
  #concerns(events) {
    const { dependencies = [], status } = this.#task ?? {};
    const { rootCauses = [], unblocks = [] } = this.#why ?? {};
    const below = status === "blocked" ? [...dependencies, ...rootCauses.map(({ taskId }) => taskId)] : [];
    const near = new Set([...unblocks, ...below]);
    return events.some(({ type, taskId }) => near.has(taskId) || ANYWHERE.has(type));
  }

  async #readAll() {
    const id = this.#id;
    if (!id) {
      return;
    }
    const asked = { taskId: id };
    this.#heard = false;
    const [found, why, past] = await Promise.all([
      unlessGone(this.page.call("get_task", asked)),
      unlessGone(explain(this.page, id)),
      unlessGone(this.page.call("get_task_history", { ...asked, since: this.page.state.seq, limit: 1 })),
    ]);
    if (id !== this.#id) {
      return;
    }
    const { task = null } = found ?? {};
    // What was told while the answer was on its way is newer; it is read again soon.
    this.#task = task && this.#heard && this.#task?.version > task.version ? this.#task : task;
    this.#why = why;
    this.#attempts = past?.attempts ?? [];
    this.#problem = found ? "" : "There is no task of this name, or not any more.";
    this.#startEditing();
    this.page.plan();
  }

  #failed(error) {
    this.#problem = `${TOLD}: ${error.message}`;
    this.page.plan();
  }

  // --- doing ------------------------------------------------------------------------------------

  #edit() {
    this.#wantsEdit = true;
    this.#form?.focus();
    this.#startEditing();
  }

  /** Begin to edit as soon as the task is known; also where something was typed and not saved. */
  #startEditing() {
    const { project } = this.page.route;
    const wanted = this.#wantsEdit;
    if (this.#form || !this.#task || !(wanted || TaskForm.hasDraft(project, this.#id))) {
      return;
    }
    this.#form = new TaskForm(this.page, this.#task, () => {
      this.#wantsEdit = false;
      this.#closeForm();
      this.#read.soon();
      this.heading.focus({ preventScroll: true });
    });
    this.place.replaceChildren(this.#form.node);
    this.place.hidden = false;
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

  #cancel() {
    return this.#unless(FINISHED, "there is nothing to call off", () => this.#act(cancelTasks));
  }

  #reset() {
    const force = ["done", "working"].includes(this.#task?.status);
    return this.#unless(RESTING, "there is nothing to reset", () => this.#act((page, ids) => resetTasks(page, ids, { force })));
  }

  /** A key may ask for what no button offers now. */
  #unless(statuses, why, run) {
    const { status } = this.#task ?? {};
    if (statuses.has(status)) {
      this.page.say(`It is ${status}: ${why}.`, "problem");
      return undefined;
    }
    return run();
  }

  async #delete() {
    const id = this.#id;
    if (this.#task && (await deleteTask(this.page, id)) && id === this.#id) {
      this.page.go({ task: "" });
    }
  }

  /** The graph shows what is open by itself; of what is finished, only what a filter asks for. */
  #showInGraph() {
    const plain = this.#task && !FINISHED.has(this.#task.status) && !this.page.route.q;
    this.page.go({ view: "graph", q: plain ? "" : `up:${quoted(this.#id)}` });
  }

  // --- drawing ----------------------------------------------------------------------------------

  draw(model) {
    if (!this.#id) {
      return;
    }
    const task = this.#task;
    const readFailed = this.#problem.startsWith(TOLD);
    setNote(this.problem, this.#problem || (task ? "" : model.live ? "Loading…" : "Not connected."));
    this.problem.classList.toggle("hint", !this.#problem);
    this.actions.hidden = this.state.hidden = !task;
    this.content.hidden = !task && (!this.#problem || readFailed);
    this.place.hidden = !this.#form;
    if (task) {
      this.#drawHead(task);
      this.#form?.isNow(task);
    }
    this.#drawSections(task);
    this.history.draw();
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
    setText(this.late, task.overdue ? "⚠ overdue" : "");
    setText(this.brief, briefOf(task));
    this.#section("lease", this.lease, [status, task.workerId, task.leaseExpiresAt, task.retryAt, task.notBefore], () => leaseOf(task));
    this.buttons.edit.hidden = this.#form !== null;
    this.buttons.cancel.hidden = FINISHED.has(status);
    this.buttons.reset.hidden = RESTING.has(status);
    this.buttons.release.hidden = status !== "working" || !task.workerId;
  }

  #drawSections(task) {
    const { why, texts, edges, facts, attempts } = this.sections;
    keyed(texts, task ? textsOf(task) : [], ({ name }) => name, createText);
    this.#section("why", why, [task && this.#why], () => (task && this.#why ? whyOf(this.page, this.#why) : []));
    this.#section("edges", edges, [task?.dependencies, this.#why], () => (task ? edgesOf(this.page, task, this.#why) : []));
    this.#section("facts", facts, [task], () => (task ? [make("h3", {}, "All fields"), factsOf(task)] : []));
    this.#section("attempts", attempts, [this.#attempts], () => (this.#attempts.length ? [make("h3", {}, "Attempts"), attemptsOf(this.#attempts)] : []));
  }

  /** Build a part anew only if what it is made of changed: whoever reads or tabs in it is not disturbed. */
  #section(name, place, from, build) {
    const known = this.#shown.get(name);
    if (known && from.every((value, index) => value === known.from[index])) {
      return;
    }
    const text = JSON.stringify(from);
    if (known?.text !== text) {
      place.replaceChildren(...build());
    }
    this.#shown.set(name, { from, text });
  }
}

/** The task that the page was loaded with; somebody may have opened another one since. */
function taskOfLoading() {
  const [navigation] = performance.getEntriesByType("navigation");
  return readRoute(new URL(navigation?.name ?? location.href).search).task;
}

async function unlessGone(answer) {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof RpcError && error.reason === "task_not_found") {
      return null;
    }
    throw error;
  }
}

function briefOf(task) {
  const attempt = task.attempt ? `attempt ${attemptOf(task)}` : "";
  return [task.priority && `priority ${task.priority}`, attempt].filter(Boolean).join(" · ");
}

function leaseOf({ status, workerId, leaseExpiresAt, retryAt, notBefore }) {
  if (status === "working") {
    return ["by ", element("span", "foreign", workerId ?? "?"), leaseExpiresAt ? ", lease ends " : "", leaseExpiresAt ? timeUntil(leaseExpiresAt, "now") : ""];
  }
  if (status !== "scheduled" || !(retryAt ?? notBefore)) {
    return [];
  }
  return [retryAt ? "next attempt " : "may begin ", timeUntil(retryAt ?? notBefore)];
}
