/**
 * What a task is, as elements: texts, fields, dependencies, attempts.
 *
 * Owns how each of them is shown. Must not know how a task is read or changed.
 */

import { button, element, make, setText } from "./dom.js";
import { age, count, cut, describe, momentOf, signOf } from "./format.js";
import { inFull, timeSince, timeUntil } from "./moments.js";

const TEXT_SHOWN = 2_000;
const LINES_SHOWN = 40;
const LISTED = 30;

/** A link that opens a task in the drawer, with its status where that is known. */
export function taskLink(page, id, status = "") {
  const link = make(
    "a",
    { class: `foreign task-link ${status}`, href: `?view=tasks&task=${encodeURIComponent(id)}` },
    status && make("span", { class: "sign", "aria-hidden": "true" }, signOf(status)),
    status && make("span", { class: "unseen" }, `${status} `),
    id,
  );
  link.addEventListener("click", (event) => {
    if (!event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      page.go({ task: id });
    }
  });
  return link;
}

/** A list of such links; of many, the first. `tasks` is `[{id, status}]`. */
export function taskLinks(page, tasks) {
  const more = tasks.length - LISTED;
  return make(
    "ul",
    { class: "links" },
    ...tasks.slice(0, LISTED).map(({ id, status }) => make("li", {}, taskLink(page, id, status))),
    more > 0 && make("li", { class: "hint" }, `and ${count(more, "other")}`),
  );
}

/** The texts of a task: what failed first, what came out, what was asked. `{name, title, text}`. */
export function textsOf({ error, output, note, description, expectedOutput, status }) {
  return [
    { name: "error", title: "Error", text: error },
    { name: "output", title: "Output", text: output },
    { name: "note", title: status === "working" ? "At it now" : "Last note", text: note },
    { name: "description", title: "Description", text: description },
    { name: "expected", title: "Expected output", text: expectedOutput },
  ].filter(({ text }) => text);
}

/** A section for a text, for `keyed`. Of a very long one the first part, and a button for the rest. */
export function createText({ name }) {
  const heading = make("h3");
  const shown = make("p", { class: `text foreign ${name}` });
  let whole = "";
  let all = false;
  const more = button("", () => {
    all = true;
    shown.tabIndex = -1;
    shown.focus({ preventScroll: true }); // the button, which had the focus, goes
    show();
  });
  function show() {
    const first = beginningOf(whole);
    const isLong = first.length < whole.length && !all;
    setText(shown, isLong ? first : whole);
    setText(more, `Show all of it (${count(whole.length, "character")})`);
    more.hidden = !isLong;
  }
  const update = ({ title, text }) => {
    setText(heading, title);
    if (text !== whole) {
      whole = text;
      show();
    }
  };
  return { node: make("section", {}, heading, shown, more), update };
}

/** What is shown at first: so many lines, and no more characters than is good. */
function beginningOf(text) {
  const start = text.slice(0, 2 * TEXT_SHOWN);
  const lines = start.split("\n", LINES_SHOWN + 1);
  return cut(lines.length > LINES_SHOWN ? lines.slice(0, LINES_SHOWN).join("\n") : start, TEXT_SHOWN);
}

/** All other fields, as a list of terms. */
export function factsOf(task) {
  const facts = [
    ["Worker", task.workerId && make("span", {}, element("span", "foreign", task.workerId), workerOf(task))],
    ["Priority", String(task.priority)],
    ["Attempt", task.attempt || task.maxAttempts ? attemptOf(task) : ""],
    ["Tags", task.tags.length && chips(task.tags)],
    ["Resources", task.resources?.length && chips(task.resources)],
    ["Reserved too", task.reserved?.length && chips(task.reserved)],
    ["Lease", task.leaseExpiresAt && make("span", {}, "ends ", timeUntil(task.leaseExpiresAt, "now: no sign of life"))],
    ["Next attempt", task.retryAt && timeUntil(task.retryAt)],
    ["Not before", task.notBefore && make("span", {}, inFull(task.notBefore), " ", make("span", { class: "hint" }, "(", timeUntil(task.notBefore, "past"), ")"))],
    ["Deadline", task.deadline && make("span", { class: task.overdue ? "problem" : "" }, inFull(task.deadline), " ", make("span", { class: task.overdue ? "" : "hint" }, "(", timeUntil(task.deadline, task.overdue ? "⚠ overdue" : "past"), ")"))],
    ["Time limit", task.timeoutSeconds && `${age(1000 * task.timeoutSeconds)} an attempt`],
    ["Between attempts", task.retryDelaySeconds && `${age(1000 * task.retryDelaySeconds)}, doubled each time`],
    ["Claimed", task.claimedAt && moment(task.claimedAt)],
    ["Finished", task.completedAt && moment(task.completedAt)],
    ["Changed", moment(task.updatedAt)],
    ["Added", make("span", {}, moment(task.createdAt), task.createdBy ? " by " : "", task.createdBy ? element("span", "foreign", task.createdBy) : "")],
    ["Version", String(task.version)],
    ["Metadata", task.metadata && make("pre", { class: "foreign", tabindex: "0" }, JSON.stringify(task.metadata, null, 2))],
  ].filter(([, value]) => value);
  return make("dl", { class: "facts" }, ...facts.flatMap(([term, value]) => [make("dt", {}, term), make("dd", {}, value)]));
}

function workerOf({ status, workerSlot }) {
  const slot = workerSlot === undefined ? "" : `, slot ${workerSlot}`;
  return status === "working" ? slot : " (the last one)";
}

/** Which attempt it is: "2 of at most 3". */
export function attemptOf({ attempt, maxAttempts }) {
  return maxAttempts ? `${attempt} of at most ${maxAttempts}` : String(attempt);
}

function chips(words) {
  return make("span", { class: "chips" }, ...words.map((word) => element("span", "chip foreign", word)));
}

function moment(value) {
  return make("span", {}, inFull(value), " ", make("span", { class: "hint" }, "(", timeSince(value), ")"));
}

/** The attempts at a task, the newest first. */
export function attemptsOf(attempts) {
  const rows = [...attempts].reverse().map((attempt) =>
    make(
      "li",
      { class: OUTCOMES[attempt.outcome]?.status ?? "working" },
      make("span", { class: "sign", "aria-hidden": "true" }, OUTCOMES[attempt.outcome]?.sign ?? signOf("working")),
      make(
        "p",
        {},
        make("strong", {}, `${attempt.attempt}. `),
        make("span", { class: "foreign" }, attempt.workerId),
        `: ${attempt.outcome ?? "goes on"}${attempt.cause ? ` (${attempt.cause})` : ""}`,
        make("span", { class: "hint" }, ` ${lasted(attempt)}`),
        attempt.error && make("span", { class: "foreign error" }, cut(attempt.error, TEXT_SHOWN)),
      ),
    ),
  );
  return make("ol", { class: "attempts" }, ...rows);
}

/** How an attempt ended: the sign, and the status whose colour it has. */
export const OUTCOMES = Object.freeze({
  done: { sign: "✓", status: "done" },
  failed: { sign: "✕", status: "failed" },
  retrying: { sign: "↻", status: "scheduled" },
  lapsed: { sign: "⚠", status: "blocked" },
  released: { sign: "↩", status: "available" },
  cancelled: { sign: "⊘", status: "cancelled" },
  reset: { sign: "↺", status: "cancelled" },
  deleted: { sign: "⌫", status: "cancelled" },
});

function lasted({ seconds, claimedAt, waitedSeconds }) {
  const took = seconds === undefined ? "" : `took ${age(1000 * seconds)}, `;
  const waited = waitedSeconds === undefined ? "" : `, waited ${age(1000 * waitedSeconds)} before`;
  return `${took}claimed ${momentOf(claimedAt)}${waited}`;
}

/** One event of a task's history. */
export function createEntry(event) {
  const { what, who } = describe(event);
  const by = who ? ` by ${who}` : "";
  const node = make(
    "li",
    { class: event.status ?? "", data: { seq: event.seq }, title: `#${event.seq} ${event.time}` },
    make("time", { datetime: event.time }, momentOf(event.time)),
    make("span", { class: "sign", "aria-hidden": "true" }, event.status ? signOf(event.status) : "·"),
    make("span", { class: "foreign" }, what, make("span", { class: "hint" }, by)),
  );
  return { node, update: () => {} };
}
