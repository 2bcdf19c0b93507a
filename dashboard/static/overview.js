/**
 * The overview: how many tasks there are, who works on what, and what comes next.
 *
 * Owns those three views. Must not know the connection.
 */

import { element, keyed, part, setNote, setText } from "./dom.js";
import { age, count, cut, signOf, STATUSES } from "./format.js";

const SLOTS_SHOWN = 100;
const TITLE_LENGTH = 160;

/** The counters, one for each status. */
export function createCounts(root) {
  const list = part(root, "list");

  return function draw({ state }) {
    const items = Object.keys(STATUSES).map((status) => ({
      status,
      number: state.counts?.[status],
    }));
    keyed(list, items, ({ status }) => status, createCount, { always: true });
  };
}

function createCount({ status }) {
  const number = element("strong", "figure");
  const sign = element("span", "sign", signOf(status));
  sign.setAttribute("aria-hidden", "true");
  const node = element("li", `count ${status}`, sign, number, " ", element("span", "word", status));
  node.title = STATUSES[status].hint;
  const update = (item) => {
    setText(number, item.number === undefined ? "–" : item.number.toLocaleString("en"));
    node.classList.toggle("none", !item.number);
  };
  return { node, update };
}

/** The worker slots and what each works on. */
export function createSlots(root) {
  const list = part(root, "list");
  const aside = part(root, "aside");
  const nothing = part(root, "empty");

  return function draw({ state, serverNow }) {
    const held = state.slots.filter((slot) => slot.status !== "free");
    const free = state.slots.length - held.length;
    const shown = held.slice(0, SLOTS_SHOWN).map((slot) => ({
      slot,
      task: state.working.get(slot.taskId),
      serverNow,
    }));
    keyed(list, shown, ({ slot }) => slot.slot, createSlot, { always: true });
    setText(
      aside,
      state.loaded ? `${held.length} of ${count(state.slots.length, "slot")} taken` : "",
    );
    setNote(nothing, noteOf(state, held, free));
  };
}

function noteOf(state, held, free) {
  if (!state.loaded) {
    return "";
  }
  if (!held.length) {
    return "No worker is here. An agent takes a slot before its first task.";
  }
  const hidden = held.length - SLOTS_SHOWN;
  const more = hidden > 0 ? `${count(hidden, "more slot")} taken. ` : "";
  return more + (free ? `${count(free, "slot")} free.` : "No slot is free.");
}

function createSlot() {
  const sign = element("span", "sign");
  const worker = element("strong", "foreign worker");
  const since = element("span", "since");
  const task = element("span", "foreign task-id");
  const title = element("span", "foreign title");
  const what = element("p", "what", task, " ", title);
  sign.setAttribute("aria-hidden", "true");
  const node = element("li", "slot", element("p", "who", sign, worker, " ", since), what);
  const update = (item) => {
    const { slot } = item;
    const busy = slot.status === "working";
    node.classList.toggle("working", busy);
    what.hidden = !busy;
    setText(sign, busy ? signOf("working") : "·");
    setText(worker, slot.workerId ?? "not named yet");
    setText(since, `slot ${slot.slot} · ${busy ? workingTime(item) : "idle"}`);
    setText(task, slot.taskId ?? "");
    setText(title, cut(item.task?.description ?? "", TITLE_LENGTH));
  };
  return { node, update };
}

function workingTime({ task, serverNow }) {
  const claimed = Date.parse(task?.claimedAt ?? "");
  return Number.isNaN(claimed) ? "working" : age(serverNow - claimed);
}

/** What would be claimed next, in order. */
export function createQueue(root) {
  const list = part(root, "list");
  const aside = part(root, "aside");
  const nothing = part(root, "empty");

  return function draw({ state }) {
    keyed(list, state.queue, ({ id }) => id, createQueued);
    const available = state.counts?.available ?? 0;
    const hidden = available - state.queue.length;
    setText(aside, hidden > 0 ? `first ${state.queue.length} of ${count(available, "task")}` : "");
    setNote(nothing, state.loaded && !state.queue.length ? emptyQueue(state.counts) : "");
  };
}

function emptyQueue(counts) {
  if (counts.working) {
    return "Nothing is ready; more may be when current work is done.";
  }
  return counts.blocked ? "Nothing is ready: every open task waits for another one." : "No task is ready.";
}

function createQueued() {
  const id = element("span", "foreign task-id");
  const title = element("span", "foreign title");
  const priority = element("span", "priority");
  const node = element("li", "", element("p", "what", id, " ", title, " ", priority));
  const update = (task) => {
    setText(id, task.id);
    setText(title, cut(task.description, TITLE_LENGTH));
    setText(priority, task.priority ? `priority ${task.priority}` : "");
  };
  return { node, update };
}
