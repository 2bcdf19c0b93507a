/**
 * What the server says of tasks that are not added yet.
 *
 * Owns the questions of the add dialog: what a text holds, which ids are there already, whether
 * the server would take the tasks. Adds nothing. Must not know the document.
 */

import { bytesOf, isPlain, tooMuch } from "./add_draft.js";
import { ConnectionLost, RpcError } from "./rpc.js";
import { keptToken } from "./token.js";

const IDS_AT_ONCE = 500;
const ANSWER_MS = 30_000;

/** The text cannot be read as it is; the message says why, and what to do. */
export class NotRead extends Error {}

/**
 * What a text holds: `{tasks, lines, outside, problems}`. It is a question of this page alone, so
 * it is no method. Throws `NotRead` or `ConnectionLost`.
 */
export async function readPlan(asked) {
  const much = tooMuch(bytesOf(asked));
  if (much) {
    throw new NotRead(much);
  }
  const token = keptToken();
  const headers = { "Content-Type": "application/json", ...(token ? { Authorization: `Bearer ${token}` } : {}) };
  const signal = AbortSignal.timeout(ANSWER_MS);
  const answer = await fetch("/plan", { method: "POST", headers, body: JSON.stringify(asked), signal }).catch(() => {
    throw new ConnectionLost("the server cannot be reached");
  });
  if (!answer.ok) {
    throw new NotRead((await answer.text()).trim());
  }
  return answer.json();
}

/** Which of these ids the server knows: a map from each to its status. */
export async function knownOf(page, ids) {
  const known = new Map();
  for (let first = 0; first < ids.length; first += IDS_AT_ONCE) {
    const some = ids.slice(first, first + IDS_AT_ONCE);
    const { tasks } = await page.call("list_tasks", { ids: some, limit: IDS_AT_ONCE, textMax: 0 });
    tasks.forEach(({ id, status }) => known.set(id, status));
  }
  return known;
}

/** Why the server would not take these tasks; empty if it would. */
export async function refusalOf(page, tasks) {
  if (!tasks.length) {
    return "";
  }
  try {
    await page.call("import_tasks", { tasks, dryRun: true });
    return "";
  } catch (error) {
    if (!(error instanceof RpcError)) {
      throw error;
    }
    // Who may only add new tasks cannot try an import: it is told when it adds them.
    return error.reason === "forbidden" && tasks.every(isPlain) ? "" : error.message;
  }
}
