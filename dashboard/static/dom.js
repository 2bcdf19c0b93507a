/**
 * The few steps from data to elements.
 *
 * Owns how elements are made and kept. Texts only ever become text nodes: nothing here, nor
 * anywhere else on the page, turns a string into HTML. Must not know tasks or connections.
 */

const SVG = "http://www.w3.org/2000/svg";

/** The element with `data-part="name"` below `root`. */
export function part(root, name) {
  const found = root.querySelector(`[data-part="${name}"]`);
  if (found === null) {
    throw new Error(`the page has no part ${name}`);
  }
  return found;
}

/** A new element of a class, with children (elements, or strings as text). */
export function element(tag, className = "", ...children) {
  const made = document.createElement(tag);
  if (className) {
    made.className = className;
  }
  made.append(...children);
  return made;
}

/**
 * A new element with properties and children.
 *
 * `on` holds listeners by the name of their event, `data` what goes into the dataset, `class` the
 * classes; everything else is an attribute: true sets it empty, false, null and undefined leave it
 * out. Children that are false, null or undefined are left out.
 */
export function make(tag, properties = {}, ...children) {
  return finished(document.createElement(tag), properties, children);
}

/** The same for a part of a picture. */
export function draw(tag, properties = {}, ...children) {
  return finished(document.createElementNS(SVG, tag), properties, children);
}

/** A text of the server as nodes: what stands between backticks is a name. */
export function named(text) {
  return text.split(/`([^`]*)`/).map((part, place) => (place % 2 ? element("code", "foreign", part) : part));
}

/** A button with a word on it. `live: true`: it needs the server, and is off while that is away. */
export function button(words, run, { live = false, class: name = "", ...more } = {}) {
  const data = { ...(live ? { live: "" } : {}), ...more.data };
  return make("button", { type: "button", class: name, ...more, data, on: { click: run } }, words);
}

function finished(made, { on = {}, data = {}, ...attributes }, children) {
  for (const [name, value] of Object.entries(attributes)) {
    setAttribute(made, name, value);
  }
  Object.assign(made.dataset, data);
  for (const [name, listener] of Object.entries(on)) {
    made.addEventListener(name, listener);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

/** Set an attribute, touching the document only where it changes. */
export function setAttribute(target, name, value) {
  if (value === false || value === null || value === undefined) {
    target.removeAttribute(name);
    return;
  }
  const text = value === true ? "" : String(value);
  if (target.getAttribute(name) !== text) {
    target.setAttribute(name, text);
  }
}

/** Set an element's text, touching the document only where it changes. */
export function setText(target, text) {
  if (target.textContent !== text) {
    target.textContent = text;
  }
}

/** Show an element with a text, or hide it where the text is empty. */
export function setNote(target, text) {
  target.hidden = !text;
  setText(target, text);
}

/**
 * Make the children of `parent` match `items`, keeping the elements of those that stay.
 *
 * `create(item)` makes an element and returns it with a function that updates it: `{node, update}`.
 * An item that is the same object as last time is not updated, unless `always` is set.
 */
export function keyed(parent, items, keyOf, create, { always = false } = {}) {
  const before = parent.keyedParts ?? new Map();
  const after = new Map();
  for (const item of items) {
    const key = keyOf(item);
    const kept = before.get(key) ?? { ...create(item), item: undefined };
    if (always || kept.item !== item) {
      kept.update(item);
      kept.item = item;
    }
    after.set(key, kept);
    before.delete(key);
  }
  for (const { node } of before.values()) {
    node.remove(); // first: what stays is in its order then, and need not move
  }
  let place = parent.firstElementChild;
  for (const { node } of after.values()) {
    if (node !== place && node === place?.nextElementSibling) {
      place = node; // the one between goes on, to where its turn comes
    }
    if (node === place) {
      place = node.nextElementSibling;
    } else {
      parent.insertBefore(node, place);
    }
  }
  parent.keyedParts = after;
}
