/**
 * The filter's language: one for every view, for the address and for links; pure.
 *
 * Owns what a filter's text means and the server's params that say the same. The server decides
 * which tasks pass; nothing here compares a task. Must not know the document or the connection.
 *
 *     fix "login page"              words of the id or the description, all of them
 *     status:available,failed       any of these; -status:done all but this
 *     worker:w1   tag:api  -tag:docs   id:T1,T2   is:overdue
 *     priority:>3   priority:2..5   >, >=, <, <=, or just the number
 *     up:T9  down:T9                T9 and all it waits for, or all that wait for it
 *     needs:T9                      what names T9 as a dependency
 *     age:>5m  idle:<2h             since it was added, since it last changed: s, m, h, d
 */

import { STATUSES } from "./format.js";

const WORDS = Object.keys(STATUSES);
const UNITS_MS = Object.freeze({ s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 });
const TOKEN = /(-?)(?:([a-z]+):)?((?:"(?:[^"\\]|\\.)*"?|[^\s"]+)*)/giy;
/** The field of a word that stands alone. */
const WORD = "";
const PRIORITY = /^(?:(>=|<=|>|<)?(-?\d{1,7})|(-?\d{1,7})\.\.(-?\d{1,7}))$/;
const AGE = /^([<>])(\d{1,6})([smhd])$/;

/** What stands before a colon, and what it is for. */
export const FIELDS = Object.freeze({
  status: "in one of these statuses",
  worker: "held or finished by this worker",
  tag: "with this tag",
  priority: "with a priority: >3, 2..5, 0",
  up: "this task and all it waits for",
  down: "this task and all that wait for it",
  needs: "with this task as a dependency",
  id: "one of these tasks",
  is: "overdue",
  age: "added longer ago than: >5m, <2h",
  idle: "unchanged for longer than: >5m, <2h",
});

/**
 * A text as `{text, terms, errors}`. A term is `{field, value, values, not, start, end}`; a word
 * has an empty field. An error is `{start, end, message}`; terms with errors are not among the
 * terms. Never throws.
 */
export function parse(text) {
  const terms = [];
  const errors = [];
  for (const token of tokens(text)) {
    const message = problemOf(token, terms);
    if (message) {
      errors.push({ start: token.start, end: token.end, message });
    } else {
      terms.push(token);
    }
  }
  return { text, terms, errors };
}

/** The filter as params of `list_tasks` and of every method that takes the same filter. */
export function paramsOf(filter, now) {
  const params = {};
  for (const term of filter.terms) {
    PARAMS[term.field](params, term, now);
  }
  if (params.status?.length === 0) {
    // An empty list would mean all, but no status is left: say what no task can pass.
    const { status, ...rest } = params;
    return { ...rest, priorityMin: 1, priorityMax: 0 };
  }
  return params;
}

/** Whether every task passes. */
export function isEmpty(filter) {
  return filter.terms.length === 0;
}

/** The statuses that the filter names, in the order they are shown. */
export function statusesOf(filter) {
  const params = {};
  for (const term of filter.terms.filter(({ field }) => field === "status")) {
    PARAMS.status(params, term);
  }
  return params.status ?? [];
}

/** The text with a status added to those it names, or taken out. */
export function withStatusToggled(text, status) {
  const filter = parse(text);
  const named = statusesOf(filter);
  const wanted = WORDS.filter((name) => named.includes(name) !== (name === status));
  const rest = without(filter, "status");
  return [wanted.length ? `status:${wanted.join(",")}` : "", rest].filter(Boolean).join(" ");
}

/** The text with a term added; one that is there already stays once. */
export function withTerm(text, field, value) {
  const term = `${field}:${quoted(value)}`;
  const there = parse(text).terms.some(
    (known) => known.field === field && !known.not && known.value === value,
  );
  return there ? text : [text.trim(), term].filter(Boolean).join(" ");
}

/** A value as it stands in a filter: between quotes where it has to. */
export function quoted(value) {
  return /^[^\s",\\-][^\s",\\]*$/.test(value)
    ? value
    : `"${value.replace(/[\\"]/g, (mark) => `\\${mark}`)}"`;
}

/**
 * What may stand where the caret is: `{from, to, options: [{text, hint}]}`.
 *
 * `known` holds the words to offer: `{tags, workers, ids}`, each a list. `text` replaces what
 * stands between `from` and `to`.
 */
export function complete(text, caret, known) {
  const from = text.slice(0, caret).search(/\S*$/);
  const begun = text.slice(from, caret);
  const not = begun.startsWith("-") ? "-" : "";
  const [field, rest] = begun.slice(not.length).split(/:(.*)/s);
  const options =
    rest === undefined
      ? fieldsFor(field, not)
      : valuesFor(field, rest, known).map((value) => ({
          text: `${not}${field}:${value}`,
          hint: "",
        }));
  return { from, to: caret, options };
}

// --- reading ------------------------------------------------------------------------------------

function* tokens(text) {
  TOKEN.lastIndex = 0;
  let place = 0;
  while (place < text.length) {
    if (/\s/.test(text[place])) {
      place += 1;
      continue;
    }
    TOKEN.lastIndex = place;
    const [whole, minus, name, value] = TOKEN.exec(text);
    const field = name?.toLowerCase() ?? WORD;
    yield term(field, value, minus === "-", place, place + whole.length);
    place += whole.length;
  }
}

function term(field, raw, not, start, end) {
  const values = split(raw);
  return { field, value: values.join(","), values, not, start, end };
}

/** The parts of a value between commas; what is between quotes stays as it is. */
function split(raw) {
  const parts = raw.match(/"(?:[^"\\]|\\.)*"?|[^",]+|,/g) ?? [];
  const values = [""];
  for (const piece of parts) {
    if (piece === ",") {
      values.push("");
    } else {
      values[values.length - 1] += piece.startsWith('"') ? unquoted(piece) : piece;
    }
  }
  return values.filter((value) => value !== "");
}

function unquoted(piece) {
  const end = piece.length > 1 && piece.endsWith('"') ? -1 : undefined;
  return piece.slice(1, end).replace(/\\(.)/g, "$1");
}

function problemOf(token, terms) {
  const { field, values, not } = token;
  if (field !== WORD && !Object.hasOwn(FIELDS, field)) {
    return `there is no “${field}:”; it may be ${Object.keys(FIELDS).join(", ")}`;
  }
  if (!values.length) {
    return field === WORD ? "a word is missing" : `“${field}:” needs a value`;
  }
  if (not && field !== "tag" && field !== "status") {
    return "only tag: and status: can be excluded with a minus";
  }
  if (ONCE.has(field) && terms.some((other) => other.field === field)) {
    return `“${field}:” can be given once`;
  }
  return CHECKS[field]?.(token) ?? "";
}

const ONCE = new Set(["worker", "up", "down", "needs", "is"]);

const CHECKS = Object.freeze({
  status: ({ values }) => unknownOf(values, WORDS, "status"),
  is: ({ values }) => unknownOf(values, ["overdue"], "property"),
  worker: single,
  up: single,
  down: single,
  needs: single,
  priority: ({ value }) => (PRIORITY.test(value) ? "" : "write a priority as >3, <=0, 2..5 or 4"),
  age: ({ value }) => (AGE.test(value) ? "" : "write an age as >5m or <2h (s, m, h, d)"),
  idle: ({ value }) => (AGE.test(value) ? "" : "write an age as >5m or <2h (s, m, h, d)"),
});

function unknownOf(values, known, what) {
  const odd = values.find((value) => !known.includes(value));
  return odd === undefined ? "" : `there is no ${what} “${odd}”; it may be ${known.join(", ")}`;
}

function single({ field, values }) {
  return values.length === 1 ? "" : `“${field}:” takes one value; put it between quotes`;
}

// --- params -------------------------------------------------------------------------------------

const PARAMS = Object.freeze({
  [WORD]: (params, { value }) => {
    params.search = params.search ? `${params.search} ${value}` : value;
  },
  status: (params, { values, not }) => {
    // Named twice, either may be; what is excluded is taken from what was named before it.
    const before = params.status ?? (not ? WORDS : []);
    params.status = WORDS.filter((status) =>
      not
        ? before.includes(status) && !values.includes(status)
        : before.includes(status) || values.includes(status),
    );
  },
  worker: (params, { value }) => {
    params.workerId = value;
  },
  tag: (params, { values, not }) => {
    const name = not ? "excludeTags" : "tags";
    params[name] = [...(params[name] ?? []), ...values];
  },
  priority: (params, { value }) => {
    const [low, high] = rangeOf(value);
    Object.assign(params, low === null ? {} : { priorityMin: low });
    Object.assign(params, high === null ? {} : { priorityMax: high });
  },
  up: (params, { value }) => {
    params.upstreamOf = value;
  },
  down: (params, { value }) => {
    params.downstreamOf = value;
  },
  needs: (params, { value }) => {
    params.dependsOn = value;
  },
  id: (params, { values }) => {
    params.ids = [...(params.ids ?? []), ...values];
  },
  is: (params) => {
    params.overdue = true;
  },
  age: (params, { value }, now) => {
    params[value.startsWith(">") ? "createdBefore" : "createdAfter"] = momentBefore(value, now);
  },
  idle: (params, { value }, now) => {
    params[value.startsWith(">") ? "updatedBefore" : "updatedAfter"] = momentBefore(value, now);
  },
});

function rangeOf(value) {
  const [, sign, number, low, high] = PRIORITY.exec(value);
  if (low !== undefined) {
    return [Number(low), Number(high)];
  }
  const figure = Number(number);
  return {
    ">": [figure + 1, null],
    ">=": [figure, null],
    "<": [null, figure - 1],
    "<=": [null, figure],
  }[sign] ?? [figure, figure];
}

function momentBefore(value, now) {
  const [, , figure, unit] = AGE.exec(value);
  return new Date(now - Number(figure) * UNITS_MS[unit]).toISOString();
}

function without(filter, field) {
  let text = filter.text;
  for (const { start, end } of filter.terms.filter((known) => known.field === field).reverse()) {
    text = `${text.slice(0, start)}${text.slice(end)}`;
  }
  return text.replace(/\s+/g, " ").trim();
}

// --- completion ---------------------------------------------------------------------------------

function fieldsFor(begun, not) {
  const fields = not ? ["status", "tag"] : Object.keys(FIELDS);
  return fields
    .filter((field) => begun !== "" && field.startsWith(begun.toLowerCase()))
    .map((field) => ({ text: `${not}${field}:`, hint: FIELDS[field] }));
}

const OFFERED = 12;

function valuesFor(field, rest, known) {
  const comma = rest.lastIndexOf(",");
  const before = field === "status" ? rest.slice(0, comma + 1) : "";
  const begun = rest.slice(before.length).replace(/^"/, "").toLowerCase();
  return (
    {
      status: WORDS,
      worker: known.workers,
      tag: known.tags,
      up: known.ids,
      down: known.ids,
      needs: known.ids,
      id: known.ids,
      is: ["overdue"],
      priority: [">0", "<0", "0"],
      age: [">5m", ">1h", "<1h", "<1d"],
      idle: [">5m", ">1h", "<5m"],
    }[field] ?? []
  )
    .filter((value) => value.toLowerCase().startsWith(begun))
    .slice(0, OFFERED)
    .map((value) => before + (STATUSES[value] || /^[<>]/.test(value) ? value : quoted(value)));
}
