/**
 * A row that tells an event in words.
 *
 * Owns that row, for whoever shows events. What an event says is in format.js. Must not know which
 * events are shown.
 */

import { element, make, setText } from "./dom.js";
import { describe, signOf, timeOfDay } from "./format.js";
import { inFull } from "./moments.js";

/** A row, and how it is brought up to date: `{node, update}`. */
export function createEvent(page, { seq }) {
  const time = element("time", "since");
  const sign = make("span", { class: "sign", "aria-hidden": "true" });
  const subject = element("span", "foreign task-id");
  const link = make("a", { class: "foreign task-id" });
  const what = element("span", "foreign happened");
  const who = element("span", "foreign who hint");
  const node = make("li", { data: { seq } }, time, " ", sign, make("p", { class: "what" }, link, subject, " ", what, " ", who));
  link.addEventListener("click", (event) => {
    if (!event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      page.go({ task: link.textContent });
    }
  });
  const update = (event) => {
    const told = describe(event);
    const task = event.taskId !== undefined && told.subject === event.taskId;
    time.dateTime = event.time;
    time.title = inFull(event.time);
    node.title = `#${event.seq}`;
    node.className = event.status ?? "";
    setText(time, timeOfDay(Date.parse(event.time)));
    setText(sign, event.status ? signOf(event.status) : "·");
    link.hidden = !task;
    subject.hidden = task;
    setText(task ? link : subject, told.subject);
    if (task) {
      link.href = `?view=tasks&task=${encodeURIComponent(event.taskId)}`;
    }
    setText(what, told.what);
    setText(who, told.who);
  };
  return { node, update };
}
