/**
 * The overview: how many tasks there are, who works on what, and what comes next.
 *
 * Owns those three views. Must not know the connection.
 */

import { element, keyed, part, setNote, setText } from "./dom.js";
import { age, count, cut, percent, signOf, STATUSES } from "./format.js";

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
  const waits = state.waiting ? ` ${count(state.waiting, "request")} for a task waiting.` : "";
  return more + (free ? `${count(free, "slot")} free.` : "No slot is free.") + waits;
}

function createSlot() {
  const sign = element("span", "sign");
  const worker = element("strong", "foreign worker");
  const since = element("span", "since");
  const task = element("span", "foreign task-id");
  const title = element("span", "foreign title");
  const what = element("p", "what", task, " ", title);
  const lease = element("p", "lease");
  sign.setAttribute("aria-hidden", "true");
  const node = element("li", "slot", element("p", "who", sign, worker, " ", since), what, lease);
  const update = (item) => {
    const { slot } = item;
    const busy = slot.status === "working";
    node.classList.toggle("working", busy);
    node.classList.toggle("lost", slot.connected === false);
    what.hidden = !busy;
    setText(sign, busy ? signOf("working") : "·");
    setText(worker, slot.workerId ?? "not named yet");
    setText(since, `slot ${slot.slot} · ${busy ? workingTime(item) : "idle"}`);
    setText(task, slot.taskId ?? "");
    setText(title, cut(item.task?.description ?? "", TITLE_LENGTH));
    setNote(lease, leaseOf(item));
  };
  return { node, update };
}

/** How far the work is, how long the slot is held without a sign of life, and what is wrong. */
function leaseOf({ slot, task, serverNow }) {
  const ends = Date.parse(slot.leaseExpiresAt ?? "");
  return [
    percent(task?.progress),
    slot.connected === false ? "connection lost" : "",
    Number.isNaN(ends) ? "" : `lease ${age(ends - serverNow)}`,
    task?.overdue ? "overdue" : "",
  ]
    .filter(Boolean)
    .join(" · ");
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
  const paused = part(root, "paused");

  return function draw({ state }) {
    setNote(paused, state.paused ? pauseOf(state) : "");
    keyed(list, state.queue, ({ id }) => id, createQueued);
    const available = state.counts?.available ?? 0;
    const hidden = available - state.queue.length;
    setText(aside, hidden > 0 ? `first ${state.queue.length} of ${count(available, "task")}` : "");
    setNote(nothing, state.loaded && !state.queue.length ? emptyQueue(state.counts) : "");
  };
}

function pauseOf({ pauseReason }) {
  const reason = pauseReason ? `: ${cut(pauseReason, TITLE_LENGTH)}` : ".";
  return `Paused, nobody may claim${reason}`;
}

function emptyQueue(counts) {
  if (counts.working) {
    return "Nothing is ready; more may be when current work is done.";
  }
  if (counts.scheduled) {
    return "Nothing is ready: open tasks wait for their time.";
  }
  return counts.blocked ? "Nothing is ready: every open task waits for another one." : "No task is ready.";
}

function remarksOf({ priority, overdue }) {
  const remarks = [priority ? `priority ${priority}` : "", overdue ? "overdue" : ""];
  return remarks.filter(Boolean).join(", ");
}

function createQueued() {
  const id = element("span", "foreign task-id");
  const title = element("span", "foreign title");
  const priority = element("span", "priority");
  const node = element("li", "", element("p", "what", id, " ", title, " ", priority));
  const update = (task) => {
    setText(id, task.id);
    setText(title, cut(task.description, TITLE_LENGTH));
    setText(priority, remarksOf(task));
  };
  return { node, update };
}
