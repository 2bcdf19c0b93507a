/**
 * The counters above every view: how many tasks there are in each status.
 *
 * Owns the row of buttons; each puts its status into the filter or takes it out. Must not know
 * the connection.
 */

import { element, keyed, make, part, setAttribute, setText } from "./dom.js";
import { statusesOf } from "./filter.js";
import { STATUSES } from "./format.js";

/** The counters; `toggle(status)` is called when one is pressed. */
export function createCounts(root, toggle) {
  const list = part(root, "list");

  return function draw({ state, filter }) {
    const named = statusesOf(filter);
    const items = Object.keys(STATUSES).map((status) => ({
      status,
      number: state.counts?.[status],
      on: named.includes(status),
    }));
    keyed(list, items, ({ status }) => status, (item) => createCount(item, toggle), { always: true });
  };
}

function createCount({ status }, toggle) {
  const number = element("strong", "figure");
  const sign = make("span", { class: "sign", "aria-hidden": "true" }, STATUSES[status].sign);
  const press = make(
    "button",
    {
      type: "button",
      class: `count ${status}`,
      title: `${STATUSES[status].hint}; press to show only these`,
      data: { status },
      on: { click: () => toggle(status) },
    },
    sign,
    number,
    " ",
    element("span", "word", status),
  );
  const update = (item) => {
    setText(number, item.number === undefined ? "–" : item.number.toLocaleString("en"));
    press.classList.toggle("none", !item.number);
    setAttribute(press, "aria-pressed", String(item.on));
  };
  return { node: element("li", "", press), update };
}
