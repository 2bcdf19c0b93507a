/**
 * The worker slots and what each works on.
 *
 * Owns how a slot is shown: its worker, its task, and the lease that runs down. Must not know how
 * slots are read.
 */

import { releaseSlot } from "./actions.js";
import { button, element, keyed, make, setText } from "./dom.js";
import { age, count, cut, percent } from "./format.js";

const SHOWN_MAX = 200;
const TITLE_LENGTH = 160;
const LATE_MS = 10_000;

/** The slots: `{node, show(state, now)}`, to be shown again whenever time went on. */
export function createSlots(page) {
  const list = make("ul", { class: "slots", data: { part: "slots" } });
  const note = make("p", { class: "hint" });
  const node = make("div", {}, list, note);
  /** The longest that a slot's lease was seen to last yet: the whole of its bar. */
  const longest = new Map();

  return {
    node,
    show(state, now) {
      const held = state.slots.filter(({ status }) => status !== "free");
      const free = state.slots.length - held.length;
      const items = held.slice(0, SHOWN_MAX).map((slot) => {
        const left = Date.parse(slot.leaseExpiresAt) - now;
        const whole = Math.max(longest.get(slot.slot) ?? 0, left, 1);
        longest.set(slot.slot, whole);
        return { slot, task: state.working.get(slot.taskId), left, part: left / whole, now };
      });
      keyed(list, items, ({ slot }) => slot.slot, (item) => createSlot(page, item), { always: true });
      setText(note, noteOf(state, held, free));
    },
  };
}

function noteOf(state, held, free) {
  if (!state.loaded) {
    return "";
  }
  const hidden = held.length - SHOWN_MAX;
  const parts = [
    hidden > 0 && `${count(hidden, "more slot")} taken.`,
    held.length ? "" : "No worker is here. An agent takes a slot before its first task.",
    free ? `${count(free, "slot")} free.` : "No slot is free.",
    state.waiting ? `${count(state.waiting, "request")} for a task waiting.` : "",
  ];
  return parts.filter(Boolean).join(" ");
}

function createSlot(page, { slot: { slot: number } }) {
  let now = null;
  const worker = element("strong", "foreign worker");
  const state = element("span", "hint");
  const id = make("a", { class: "foreign task-id", href: "?view=tasks" });
  const title = element("span", "foreign");
  const what = make("p", { class: "what" }, id, " ", title);
  const progress = make("span", { class: "bar-track", "aria-hidden": "true" }, element("span", "bar-fill"));
  const share = element("span");
  const lease = make("span", { class: "bar-track lease", "aria-hidden": "true" }, element("span", "bar-fill"));
  const left = element("span", "hint");
  const release = button("Release…", () => releaseSlot(page, now.slot), { live: true, class: "quiet" });
  const node = make(
    "li",
    { class: "slot", data: { slot: number } },
    make("p", { class: "who" }, make("span", { class: "slot-number", title: `Slot ${number}` }, String(number)), worker, state, release),
    what,
    make("p", { class: "bars" }, make("span", {}, progress, share), make("span", {}, lease, left)),
  );
  id.addEventListener("click", (event) => {
    if (!event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      page.go({ task: now.slot.taskId });
    }
  });
  const update = (item) => {
    now = item;
    const { slot, task } = item;
    const busy = slot.status === "working";
    const known = busy && typeof task?.progress === "number";
    node.dataset.state = conditionOf(item);
    setText(worker, slot.workerId ?? "not named yet");
    setText(state, `${busy ? workingTime(item) : "idle"}${CONDITIONS[node.dataset.state]}`);
    what.hidden = !busy;
    setText(id, slot.taskId ?? "");
    id.href = `?view=tasks&task=${encodeURIComponent(slot.taskId ?? "")}`;
    setText(title, cut(task?.description ?? "", TITLE_LENGTH));
    progress.parentElement.hidden = !known;
    progress.style.setProperty("--part", known ? task.progress : 0);
    setText(share, known ? percent(task.progress) : "");
    lease.parentElement.hidden = Number.isNaN(item.left);
    lease.style.setProperty("--part", Math.max(0, item.part).toFixed(3));
    setText(left, `lease ${age(item.left)}`);
  };
  return { node, update };
}

const CONDITIONS = Object.freeze({
  well: "",
  late: " · ⚠ late: little of its lease is left",
  lost: " · ⚠ lost: its connection is gone",
});

function conditionOf({ slot, left }) {
  if (slot.connected === false) {
    return "lost";
  }
  return left < LATE_MS ? "late" : "well";
}

function workingTime({ slot, task, now }) {
  const claimed = Date.parse(task?.claimedAt ?? slot.claimedAt ?? "");
  return Number.isNaN(claimed) ? "working" : `working for ${age(now - claimed)}`;
}
