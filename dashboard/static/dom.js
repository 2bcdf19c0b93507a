/**
 * The few steps from data to elements.
 *
 * Owns how elements are made and kept. Texts only ever become text nodes: nothing here, nor
 * anywhere else on the page, turns a string into HTML. Must not know tasks or connections.
 */

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
  let place = parent.firstElementChild;
  for (const item of items) {
    const key = keyOf(item);
    const kept = before.get(key) ?? { ...create(item), item: undefined };
    if (always || kept.item !== item) {
      kept.update(item);
      kept.item = item;
    }
    if (kept.node === place) {
      place = place.nextElementSibling;
    } else {
      parent.insertBefore(kept.node, place);
    }
    after.set(key, kept);
    before.delete(key);
  }
  for (const { node } of before.values()) {
    node.remove();
  }
  parent.keyedParts = after;
}
