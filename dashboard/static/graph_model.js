/**
 * What a graph of tasks tells: who is related to whom, the longest way, where an arrow key leads;
 * pure.
 *
 * Owns those questions, and the graph as a text for Mermaid. Must not know where a node stands
 * unless it is told, nor how anything is drawn.
 */

import { signOf } from "./format.js";

const FINISHED = new Set(["done", "failed", "cancelled"]);

/** The nodes by id, with who depends on whom: `{byId, before, after}`. */
export function relationsOf(nodes) {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const before = new Map();
  const after = new Map(nodes.map(({ id }) => [id, []]));
  for (const { id, dependencies } of nodes) {
    const known = dependencies.filter((name) => byId.has(name));
    before.set(id, known);
    known.forEach((name) => after.get(name).push(id));
  }
  return { byId, before, after };
}

/** The node, all that it depends on and all that depend on it: a set of ids. */
export function lineageOf({ before, after }, id) {
  const found = new Set([id]);
  for (const edges of [before, after]) {
    const rest = [id];
    const seen = new Set(rest);
    while (rest.length) {
      for (const next of edges.get(rest.pop()) ?? []) {
        if (!seen.has(next)) {
          seen.add(next);
          found.add(next);
          rest.push(next);
        }
      }
    }
  }
  return found;
}

/** The longest chain of tasks that are not finished, from its first one on: no plan is shorter. */
export function criticalPath({ byId, before, after }) {
  const open = [...byId.values()].filter(({ status }) => !FINISHED.has(status)).map(({ id }) => id);
  const isOpen = new Set(open);
  const missing = new Map(open.map((id) => [id, before.get(id).filter((name) => isOpen.has(name)).length]));
  const length = new Map();
  const from = new Map();
  const ready = open.filter((id) => missing.get(id) === 0);
  let last = null;
  for (let place = 0; place < ready.length; place += 1) {
    const id = ready[place];
    length.set(id, (length.get(id) ?? 0) + 1);
    if (last === null || length.get(id) > length.get(last)) {
      last = id;
    }
    for (const next of after.get(id).filter((name) => isOpen.has(name))) {
      if (length.get(id) > (length.get(next) ?? 0)) {
        length.set(next, length.get(id));
        from.set(next, id);
      }
      missing.set(next, missing.get(next) - 1);
      if (missing.get(next) === 0) {
        ready.push(next);
      }
    }
  }
  const path = [];
  for (let id = last; id !== null && id !== undefined; id = from.get(id)) {
    path.unshift(id);
  }
  return path;
}

/**
 * Where an arrow key leads from a node: to a dependent, to a dependency, or to the next one of the
 * same layer. `places` maps ids to `{x, y, layer}`. The node itself where there is nothing.
 */
export function nodeBeside({ before, after }, places, id, key) {
  const here = places.get(id);
  if (!here) {
    return places.keys().next().value ?? "";
  }
  if (key === "ArrowRight" || key === "ArrowLeft") {
    const next = (key === "ArrowRight" ? after : before).get(id) ?? [];
    return nearest(next.filter((name) => places.has(name)), places, here) ?? id;
  }
  const down = key === "ArrowDown";
  const beside = [...places].filter(([name, { x, y }]) => name !== id && x === here.x && (down ? y > here.y : y < here.y)).map(([name]) => name);
  return nearest(beside, places, here) ?? id;
}

function nearest(ids, places, here) {
  const distance = (id) => Math.abs(places.get(id).y - here.y);
  return [...ids].sort((one, other) => distance(one) - distance(other))[0];
}

/**
 * Nodes as they were read, with how many depend on each; what did not change is the same object as
 * before.
 */
export function withKnown(nodes, known) {
  const dependents = new Map();
  for (const name of nodes.flatMap(({ dependencies }) => dependencies)) {
    dependents.set(name, (dependents.get(name) ?? 0) + 1);
  }
  return nodes.map((node) => {
    const next = { ...node, overdue: node.overdue ?? false, dependents: dependents.get(node.id) ?? 0 };
    const before = known.get(node.id);
    return before && isSame(before, next) ? before : next;
  });
}

function isSame(one, other) {
  const names = ["version", "dependents", "hiddenDependencies", "hiddenDependents", "overdue"];
  return names.every((name) => one[name] === other[name]) && one.dependencies.join("\n") === other.dependencies.join("\n");
}

/** What a node is, in one sentence: for whoever cannot see where it stands. */
export function wordsOf({ id, title, status, dependencies, dependents, hiddenDependencies, hiddenDependents }) {
  const waits = dependencies.length + hiddenDependencies;
  const wait = dependents + hiddenDependents;
  const relations = [waits && `depends on ${waits}`, wait && `${wait} depend on it`].filter(Boolean).join(", ");
  return [id, status, title, relations].filter(Boolean).join(", ");
}

/** The graph as Mermaid draws it. Every character of a title that could mean something is a code. */
export function toMermaid(nodes) {
  const names = new Map(nodes.map(({ id }, place) => [id, `n${place}`]));
  const lines = nodes.map(({ id, title, status }) => {
    const words = title && title !== id ? `${id}: ${title}` : id;
    return `  ${names.get(id)}["${safe(`${signOf(status).replace("\uFE0E", "")} ${words}`)}"]:::${status}`;
  });
  const edges = nodes.flatMap(({ id, dependencies }) =>
    dependencies.filter((name) => names.has(name)).map((name) => `  ${names.get(name)} --> ${names.get(id)}`),
  );
  const styles = Object.entries(COLOURS).map(([status, colour]) => `  classDef ${status} stroke:${colour}`);
  return ["flowchart LR", ...lines, ...edges, ...styles, ""].join("\n");
}

/** The colours of the light theme, for pictures that leave the page. */
export const COLOURS = Object.freeze({
  working: "#1d55c4",
  available: "#0f6b68",
  scheduled: "#6d3fa8",
  blocked: "#7d5400",
  failed: "#b3261e",
  done: "#2a6b31",
  cancelled: "#59636f",
});

function safe(text) {
  return Array.from(text, (character) =>
    /[\p{L}\p{N} ]/u.test(character) ? character : `#${character.codePointAt(0)};`,
  ).join("");
}
