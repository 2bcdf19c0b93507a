/**
 * Editing a task: what its fields are as texts, what of them changed, and who wins; pure.
 *
 * Owns the fields of the form, how each is read, and the comparison of three states of a task:
 * as it was when editing began, as it is now, as it shall be. Must not know the document or the
 * connection.
 */

/** Every field that can be edited, in the order of the form. */
export const FIELDS = Object.freeze({
  description: { label: "Description", kind: "text", rows: 6, required: true },
  expectedOutput: { label: "Expected output", kind: "text", rows: 2 },
  dependencies: { label: "Waits for", kind: "ids" },
  priority: { label: "Priority", kind: "integer", required: true, hint: "higher is claimed first" },
  tags: { label: "Tags", kind: "list", rows: 2, hint: "one per line" },
  resources: { label: "Resources", kind: "list", rows: 2, hint: "what only its worker may touch, one per line" },
  notBefore: { label: "Not before", kind: "moment" },
  deadline: { label: "Deadline", kind: "moment" },
  maxAttempts: { label: "Attempts at most", kind: "integer" },
  retryDelaySeconds: { label: "Seconds between attempts", kind: "number", hint: "doubles with each attempt" },
  timeoutSeconds: { label: "Seconds an attempt may take", kind: "number" },
  metadata: { label: "Metadata", kind: "json", rows: 3, hint: "a JSON object" },
});

const NAMES = Object.keys(FIELDS);

const WRITE = Object.freeze({
  text: (value) => value.replace(/\r\n?/g, "\n"),
  integer: String,
  number: String,
  list: (value) => value.join("\n"),
  ids: (value) => value.join("\n"),
  json: (value) => JSON.stringify(value, null, 2),
  moment: localMoment,
});

/**
 * The fields of a task as texts, as a browser's controls hand them back: what nobody touched must
 * not look changed. An empty text where there is nothing.
 */
export function valuesOf(task) {
  return Object.fromEntries(
    NAMES.map((name) => {
      const value = task[name];
      const none = value === undefined || value === null;
      return [name, none ? "" : WRITE[FIELDS[name].kind](value)];
    }),
  );
}

/** The names of the fields in which two sets of texts differ. */
export function changedFields(before, after) {
  return NAMES.filter((name) => before[name] !== after[name]);
}

/**
 * What `edit_task` has to be told: `{params, errors}`, each by field. A field that is empty now is
 * cleared.
 */
export function editOf(before, after) {
  const params = {};
  const errors = {};
  for (const name of changedFields(before, after)) {
    const { kind, required } = FIELDS[name];
    const text = after[name];
    if (kind !== "list" && kind !== "ids" && text.trim() === "") {
      if (required) {
        errors[name] = "cannot be empty";
      } else {
        params[name] = null;
      }
      continue;
    }
    const { value, error } = READ[kind](text);
    if (error) {
      errors[name] = error;
    } else {
      params[name] = value;
    }
  }
  return { params, errors };
}

/**
 * Mine after somebody else changed the task: `{values, conflicts}`. What only one side changed is
 * that side's; where both did, and not alike, mine stays and is named as a conflict.
 */
export function merge(before, theirs, mine) {
  const values = {};
  const conflicts = [];
  for (const name of NAMES) {
    const [was, their, my] = [before[name], theirs[name], mine[name]];
    values[name] = my === was ? their : my;
    if (my !== was && their !== was && my !== their) {
      conflicts.push(name);
    }
  }
  return { values, conflicts };
}

/** The field that a refusal of `edit_task` is about; an empty text if it is about none of them. */
export function fieldOf({ reason, data }) {
  const named = String(data?.field ?? "").split(/[.[]/)[0];
  const field = Object.hasOwn(FIELDS, named) ? named : PLACES[reason];
  return field ?? "";
}

const PLACES = Object.freeze({
  unknown_dependency: "dependencies",
  dependency_cycle: "dependencies",
  invalid_status: "dependencies",
  invalid_resource: "resources",
  resource_conflict: "resources",
});

// --- reading ------------------------------------------------------------------------------------

const READ = Object.freeze({
  text: (text) => ({ value: text }),
  integer: (text) => numberOf(text, /^-?\d+$/, "has to be a whole number"),
  number: (text) => numberOf(text, /^\d+(\.\d+)?$/, "has to be a number"),
  list: (text) => ({ value: [...new Set(text.split("\n").map((line) => line.trim()).filter(Boolean))] }),
  // An id may begin and end with a space.
  ids: (text) => ({ value: [...new Set(text.split("\n").filter(Boolean))] }),
  json: readObject,
  moment: (text) => {
    const moment = new Date(text);
    return Number.isNaN(moment.getTime())
      ? { error: "has to be a date and a time" }
      : { value: moment.toISOString() };
  },
});

function numberOf(text, pattern, error) {
  return pattern.test(text.trim()) ? { value: Number(text) } : { error };
}

function readObject(text) {
  try {
    const value = JSON.parse(text);
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject ? { value } : { error: "has to be a JSON object" };
  } catch (error) {
    return { error: `is not JSON: ${error.message}` };
  }
}

/** A moment as `datetime-local` has it: this machine's time, without seconds where they are zero. */
function localMoment(moment) {
  const time = new Date(moment);
  const local = new Date(time.getTime() - time.getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 19).replace(/:00$/, "");
}
