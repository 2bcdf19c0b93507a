/**
 * What is typed for one task, as what is sent; pure.
 *
 * Owns how one line becomes the text that the server reads, and which fields of a task are sent.
 * The notation itself is the server's: that of its Markdown lists. Must not know the document or
 * the connection.
 */

import { editOf, FIELDS } from "./task_edit.js";

/** A line that begins with an id of its own, as the server's Markdown has it. */
const NAMED = /^(?:`[^`]+`:?|[^\s`:]\S*?:)\s/;
const BOX = /^\s*(?:[-*+]\s+)?(?:\[.\]\s+)?/;

/** The fields beside the line, as they are named in task_edit.js: the line has the others. */
export const MORE = Object.freeze(
  Object.keys(FIELDS).filter((name) => !["description", "dependencies", "priority", "tags"].includes(name)),
);

/** One line as a Markdown list with one task. */
export function listOf(line) {
  return `- [ ] ${line.replace(BOX, "").trim()}`;
}

/**
 * The task that is sent for a line that was read as `task`: `{task, errors}`, the errors by field.
 * `details` go on with its description, `more` holds the other fields as texts. An id that the line
 * does not give is left to the server.
 */
export function taskOf(line, task, { details = "", more = {} } = {}) {
  const { id, description, ...fields } = task;
  const named = NAMED.test(line.replace(BOX, "").trimStart());
  const { params, errors } = editOf(Object.fromEntries(MORE.map((name) => [name, ""])), filled(more));
  const { expectedOutput, ...others } = params;
  return {
    task: {
      ...(named ? { id } : {}),
      description: details.trim() ? `${description}\n\n${details.trim()}` : description,
      ...fields,
      ...(expectedOutput === undefined ? {} : { output: expectedOutput }),
      ...others,
    },
    errors,
  };
}

/** Spaces alone are nothing. */
function filled(more) {
  return Object.fromEntries(MORE.map((name) => [name, more[name]?.trim() ? more[name] : ""]));
}
