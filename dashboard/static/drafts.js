/**
 * What somebody typed and has not saved.
 *
 * Owns where it is kept: in this tab, until it is saved or thrown away, so that neither a reload
 * nor a dead server takes it. Must not know what was typed.
 */

const PREFIX = "task-coordinator-draft";

/** The draft of this name in this project; null if there is none. */
export function keptDraft(project, name) {
  const kept = sessionStorage.getItem(keyOf(project, name));
  try {
    return kept === null ? null : JSON.parse(kept);
  } catch {
    return null; // somebody else's text under our name
  }
}

/** Keep a draft; null throws it away. */
export function keepDraft(project, name, draft) {
  const key = keyOf(project, name);
  if (draft === null) {
    sessionStorage.removeItem(key);
    return;
  }
  try {
    sessionStorage.setItem(key, JSON.stringify(draft));
  } catch {
    // No room for it: it stays in the form as long as the page does.
  }
}

function keyOf(project, name) {
  return `${PREFIX}:${project}:${name}`;
}
