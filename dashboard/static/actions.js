/**
 * What a person can do to tasks and slots, asked about first where it cannot be taken back.
 *
 * Owns the questions, the requests and what is said afterwards, so that a key, a button and a menu
 * do the same. Each takes the page and resolves to whether it was done; a refusal is told to the
 * person and is no exception. Must not know where it was started from.
 */

import { count, cut } from "./format.js";

const ID_LENGTH = 60;
const PRIORITY_MAX = 1_000_000;

/** Call tasks off. */
export async function cancelTasks(page, ids) {
  return attempt(page, "cancel", async () => {
    const waiting = await waitingFor(page, ids);
    const sure = await page.ask({
      title: `Cancel ${named(ids)}?`,
      text: [
        waiting ? `Cancelling blocks ${waiting} until it is reset.` : "Nothing waits for it.",
        "Who works on it is told to stop. What was reported so far stays in the history.",
      ],
      action: "Cancel the work",
      danger: true,
    });
    return sure && changeAll(page, "cancel_tasks", ids, "cancelled");
  });
}

/** Put tasks back into the queue; with `force` also those that are done or worked on. */
export async function resetTasks(page, ids, { force = false } = {}) {
  return attempt(page, "reset", async () => {
    const sure = await page.ask({
      title: `Reset ${named(ids)}?`,
      text: force
        ? "Also what is done or worked on starts again: its worker's claim ends, and what waits for it is blocked again."
        : "It goes back into the queue. Its attempts stay in the history.",
      action: "Reset",
      danger: force,
    });
    return sure && changeAll(page, "reset_tasks", ids, "reset", { force });
  });
}

/** Give tasks another priority, which is asked for. */
export async function prioritizeTasks(page, ids, now = 0) {
  return attempt(page, "change the priority", async () => {
    const answer = await page.ask({
      title: `Priority of ${named(ids)}`,
      text: "Higher is claimed first.",
      action: "Set the priority",
      field: {
        label: "Priority",
        value: String(now),
        type: "number",
        more: { min: -PRIORITY_MAX, max: PRIORITY_MAX, step: 1, required: true },
      },
    });
    if (answer === null || answer.trim() === "") {
      return false;
    }
    return changeAll(page, "edit_tasks", ids, "changed", { priority: Number(answer) });
  });
}

/** Remove a task for good. */
export async function deleteTask(page, id) {
  return attempt(page, "delete", async () => {
    const sure = await page.ask({
      title: `Delete ${named([id])}?`,
      text: "The task is removed; its history stays until it is pruned. It is refused while another task depends on it.",
      action: "Delete",
      danger: true,
    });
    if (!sure) {
      return false;
    }
    await page.mutate("delete_task", { taskId: id });
    page.say(`${cut(id, ID_LENGTH)} is deleted.`);
    return true;
  });
}

/** Take a task away from its worker, which keeps its slot. */
export async function releaseTask(page, { id, workerId }) {
  return attempt(page, "take the task back", async () => {
    const note = await page.ask({
      title: `Take ${named([id])} back from ${cut(workerId, ID_LENGTH)}?`,
      text: "It goes back into the queue, and what its worker still reports is refused. The worker keeps its slot.",
      action: "Take it back",
      danger: true,
      field: { label: "Note for whoever takes it next", more: { maxlength: 10_000 } },
    });
    if (note === null) {
      return false;
    }
    await page.mutate("release_task", { taskId: id, workerId, ...(note.trim() ? { note: note.trim() } : {}) });
    page.say(`${named([id])} is back in the queue.`);
    return true;
  });
}

/** Leave a note on a task, which is asked for. */
export async function addNote(page, id) {
  return attempt(page, "add the note", async () => {
    const note = await page.ask({
      title: `Add a note to ${named([id])}`,
      text: "Whoever works on it, or takes it next, reads it.",
      action: "Add the note",
      field: { label: "Note", more: { maxlength: 10_000, required: true } },
    });
    if (!note?.trim()) {
      return false;
    }
    await page.mutate("add_note", { taskId: id, note: note.trim() });
    page.say("The note is added.");
    return true;
  });
}

/** Take a slot away from its worker. */
export async function releaseSlot(page, { slot, workerId, taskId }) {
  return attempt(page, "release the slot", async () => {
    const sure = await page.ask({
      title: `Release slot ${slot}${workerId ? ` of ${cut(workerId, ID_LENGTH)}` : ""}?`,
      text: taskId
        ? `Its task ${cut(taskId, ID_LENGTH)} goes back into the queue, and what its worker still reports is refused.`
        : "It holds no task now.",
      action: "Release the slot",
      danger: true,
    });
    if (!sure) {
      return false;
    }
    await page.mutate("release_worker_slot", { slot, ...(workerId ? { workerId } : {}) });
    page.say(`Slot ${slot} is free.`);
    return true;
  });
}

/** Let nobody claim for now, or let them again. */
export async function setPaused(page, paused) {
  return attempt(page, paused ? "pause" : "resume", async () => {
    if (!paused) {
      await page.mutate("resume_claims");
      page.say("Workers may claim again.");
      return true;
    }
    const reason = await page.ask({
      title: "Pause claims?",
      text: "Nobody may claim a task until you resume. Work that is under way goes on.",
      action: "Pause",
      field: { label: "Reason, told to whoever asks for work", more: { maxlength: 200 } },
    });
    if (reason === null) {
      return false;
    }
    await page.mutate("pause_claims", reason.trim() ? { reason: reason.trim() } : {});
    page.say("Claims are paused.");
    return true;
  });
}

/** Change how many worker slots there are, which is asked for. */
export async function setSlots(page, now) {
  return attempt(page, "change the slots", async () => {
    const answer = await page.ask({
      title: "Worker slots",
      text: "How many workers may work at a time. Slots that are at work go when their task ends.",
      action: "Set the number",
      field: {
        label: "Slots",
        value: String(now),
        type: "number",
        more: { min: 1, max: 10_000, step: 1, required: true },
      },
    });
    if (answer === null || answer.trim() === "") {
      return false;
    }
    const { slots, draining } = await page.mutate("set_worker_slots", { slots: Number(answer) });
    const later = draining.length ? ` ${count(draining.length, "slot")} more until its task ends.` : "";
    page.say(`There are ${count(slots, "slot")} now.${later}`);
    return true;
  });
}

/** How an action names the tasks it is about: "T9", or "14 tasks". */
export function named(ids) {
  return ids.length === 1 ? cut(ids[0], ID_LENGTH) : count(ids.length, "task");
}

/** Do something; what the server refuses is told, not thrown. */
async function attempt(page, doing, act) {
  try {
    return await act();
  } catch (error) {
    page.complain(error, doing);
    return false;
  }
}

async function waitingFor(page, ids) {
  if (ids.length > 1) {
    return "what waits for them";
  }
  const { waiting } = await page.call("explain_task", { taskId: ids[0] });
  return waiting ? count(waiting, "task") : "";
}

/** One bulk change of these tasks; says what was done, and why the others were left. */
async function changeAll(page, method, ids, done, more = {}) {
  const filter = { ids };
  const { changed, skipped } = await page.mutate(method, { filter, ...more });
  if (changed) {
    page.say(`${ids.length === 1 ? named(ids) : count(changed, "task")} ${done}.`);
  }
  if (skipped.length) {
    const [{ taskId, reason }] = skipped;
    const others = skipped.length - 1;
    const rest = others ? ` (and ${count(others, "other")})` : "";
    page.say(`${cut(taskId, ID_LENGTH)} was left as it is${rest}: ${reason}`, "problem");
  }
  return changed > 0;
}
