/**
 * What is typed into the add dialog, as what is sent; pure.
 *
 * Owns how one line becomes the text that the server reads, and which fields of a task are sent.
 * The notation itself is the server's: that of its Markdown lists. Must not know the document or
 * the connection.
 */

/** A line that begins with an id of its own, as the server's Markdown has it. */
const NAMED = /^(?:`[^`]+`:?|[^\s`:]\S*?:)\s/;
const BOX = /^\s*(?:[-*+]\s+)?(?:\[.\]\s+)?/;

/** One line as a Markdown list with one task. */
export function listOf(line) {
  return `- [ ] ${line.replace(BOX, "").trim()}`;
}

/**
 * The params of `add_task` for a line that was read as `task`, with more fields. An id that the
 * line does not give is left to the server.
 */
export function addParams(line, task, more) {
  const { id, ...fields } = task;
  const named = NAMED.test(line.replace(BOX, "").trimStart());
  return { ...(named ? { id } : {}), ...fields, ...moreFields(more) };
}

function moreFields({ output = "", deadline = "", maxAttempts = "" }) {
  return {
    ...(output.trim() ? { output } : {}),
    ...(deadline ? { deadline: new Date(deadline).toISOString() } : {}),
    ...(maxAttempts ? { maxAttempts: Number(maxAttempts) } : {}),
  };
}

/** Which of these tasks wait for another: what they will be when they are added. */
export function statusOf({ status, dependencies = [] }, done) {
  if (status) {
    return status;
  }
  return dependencies.every((id) => done.has(id)) ? "available" : "blocked";
}
