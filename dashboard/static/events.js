/**
 * What happened last, the newest first.
 *
 * Owns the rows. Must not know the connection.
 */

import { element, keyed, part, setNote, setText } from "./dom.js";
import { describe, signOf, timeOfDay } from "./format.js";

const EVENTS_SHOWN = 40;

/** A view of the recent events. */
export function createEvents(root) {
  const list = part(root, "list");
  const nothing = part(root, "empty");

  return function draw({ state }) {
    keyed(list, state.events.slice(0, EVENTS_SHOWN), ({ seq }) => seq, createEvent);
    setNote(nothing, state.loaded && !state.events.length ? "Nothing has happened yet." : "");
  };
}

function createEvent() {
  const time = element("time", "since");
  const sign = element("span", "sign");
  const subject = element("span", "foreign task-id");
  const what = element("span", "happened");
  const who = element("span", "foreign who");
  sign.setAttribute("aria-hidden", "true");
  const node = element("li", "", time, " ", sign, element("p", "what", subject, " ", what, " ", who));
  const update = (event) => {
    const told = describe(event);
    time.dateTime = event.time;
    node.title = `#${event.seq}  ${event.time}`;
    node.className = event.status ?? "";
    setText(time, timeOfDay(Date.parse(event.time)));
    setText(sign, event.status ? signOf(event.status) : "·");
    setText(subject, told.subject);
    setText(what, told.what);
    setText(who, told.who);
  };
  return { node, update };
}
