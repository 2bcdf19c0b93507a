/**
 * What happened, the newest first: being built.
 *
 * Owns the rows. Must not know the connection.
 */

import { element, keyed, make, setNote, setText } from "./dom.js";
import { describe, signOf, timeOfDay } from "./format.js";
import { View } from "./view.js";

const EVENTS_SHOWN = 40;

export class EventsView extends View {
  setUp() {
    this.list = make("ol", { class: "events" });
    this.nothing = make("p", { class: "empty", hidden: true });
    this.append(make("section", { class: "panel" }, make("h2", {}, "Events"), this.list, this.nothing));
  }

  draw({ state }) {
    keyed(this.list, state.events.slice(0, EVENTS_SHOWN), ({ seq }) => seq, createEvent);
    setNote(this.nothing, state.loaded && !state.events.length ? "Nothing has happened yet." : "");
  }
}

/** A row that tells an event in words. */
export function createEvent() {
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
