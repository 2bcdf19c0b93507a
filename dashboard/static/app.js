/**
 * The page: one connection, one feed, and the views that show what is known.
 *
 * Owns what is shown (the address decides), when it is drawn: at most once in a frame, however
 * many events came, and what views may use of the page (view.js says what that is). Must not know
 * how anything is shown or asked.
 */

import { afterFrame, Batch } from "./batch.js";
import { createCounts } from "./counts.js";
import { ask, createSaid } from "./dialogs.js";
import { part, setNote } from "./dom.js";
import { Feed } from "./feed.js";
import { createFilterBar } from "./filter_bar.js";
import { parse, withStatusToggled } from "./filter.js";
import { createHeader } from "./header.js";
import { createSheet, listen } from "./keys.js";
import { createProjects } from "./projects.js";
import { createPulse } from "./pulse.js";
import { isProject, readRoute, VIEWS, writeRoute } from "./route.js";
import { Connection, ConnectionLost } from "./rpc.js";
import { createTheme } from "./theme.js";
import { createToken, keptToken } from "./token.js";

const TICK_MS = 1_000;
/** Timers that come this late were held up: the machine slept, and the socket may be dead. */
const SLEPT_MS = 10_000;
const IDS_KNOWN_MAX = 500;

let route = readRoute(location.search);
let filter = parse(route.q);
let connectionState = isProject(route.project)
  ? { name: "connecting", message: "", since: Date.now() }
  : {
      name: "refused",
      message: "This cannot be the name of a project: it has 1 to 64 of a-z 0-9 . _ -",
      since: Date.now(),
    };
let planned = false;
let tickedAt = Date.now();
const known = { tags: new Set(), workers: new Set(), ids: new Set() };

const feed = new Feed((method, params) => connection.call(method, params), {
  onChange: plan,
  onEvents: (events) => {
    news.add(events);
    pulse.soon();
  },
  onFresh: () => {
    news.flush();
    tell(parts, (view) => view.reloaded());
    pulse.soon();
  },
});
const news = new Batch((events) => {
  tell(parts, (view) => view.took(events));
  plan();
}, afterFrame);
const connection = new Connection(route.project, keptToken(), {
  onOpen: () => feed.start(),
  onNotification: (method, params) => feed.notified(method, params),
  onState: (name, message) => {
    const since = connectionState.name === name ? connectionState.since : Date.now();
    connectionState = { name, message, since };
    if (name !== "live") {
      feed.stop();
    }
    plan();
  },
});

const said = createSaid(document.getElementById("said"));
const page = {
  call: (method, params) => connection.call(method, params),
  mutate: (method, params) => connection.mutate(method, params),
  say: said,
  complain: (error, doing) => said(complaint(error, doing), "problem"),
  ask,
  go,
  plan,
  learn,
  add,
  serverNow,
  get route() {
    return route;
  },
  get filter() {
    return filter;
  },
  get state() {
    return feed.state;
  },
  get live() {
    return connectionState.name === "live";
  },
};

const views = Object.fromEntries(VIEWS.map((name) => [name, document.querySelector(`${name}-view`)]));
const drawer = document.querySelector("task-drawer");
const addDialog = document.querySelector("add-dialog");
/** Where each part comes from. What is shown first is loaded first, the others as soon as it is there. */
const ROOMS = new Map([
  [views.overview, () => import("./overview.js").then(({ OverviewView }) => OverviewView)],
  [views.tasks, () => import("./tasks.js").then(({ TasksView }) => TasksView)],
  [views.graph, () => import("./graph.js").then(({ GraphView }) => GraphView)],
  [views.timeline, () => import("./timeline.js").then(({ TimelineView }) => TimelineView)],
  [views.events, () => import("./events.js").then(({ EventsView }) => EventsView)],
  [drawer, () => import("./drawer.js").then(({ TaskDrawer }) => TaskDrawer)],
  [addDialog, () => import("./add.js").then(({ AddDialog }) => AddDialog)],
]);
/** Everything that is told what happens: the parts that are loaded. */
const parts = [];
const loading = new Map();

const filterBar = createFilterBar(document.getElementById("filter"), {
  apply: (q) => go({ q }, { replace: true }),
  known: () => ({ tags: [...known.tags], workers: [...known.workers], ids: [...known.ids] }),
});
const pulse = createPulse(document.getElementById("pulse"), page);
const frame = [
  ["header", createHeader(document.getElementById("header"))],
  ["token", createToken(document.getElementById("token"), (token) => connection.authorize(token))],
  ["counts", createCounts(document.getElementById("counts"), toggleStatus)],
  ["filter", (model) => filterBar.draw(model)],
];

// --- what happens -------------------------------------------------------------------------------

/** Load a part, once; what was heard before that is nothing to it: it asks for itself. */
function load(part) {
  if (!loading.has(part)) {
    loading.set(part, ROOMS.get(part)().then((kind) => enter(part, kind)).catch((error) => {
      loading.delete(part); // the server was away: whoever wants it next tries again
      throw error;
    }));
  }
  return loading.get(part);
}

function enter(part, kind) {
  customElements.define(part.localName, kind);
  part.page = page;
  guard(part, () => part.setUp());
  parts.push(part);
  if (part === views[route.view] || part === drawer) {
    tell([part], (view) => view.opened());
  }
  plan();
}

/** Load what is shown now, then everything else, one after the other. */
async function loadAll() {
  for (const part of [views[route.view], ...(route.task ? [drawer] : []), ...ROOMS.keys()]) {
    await load(part).catch(() => {}); // it is tried again when it is wanted
  }
}

async function add() {
  try {
    await load(addDialog);
    addDialog.show();
  } catch (error) {
    page.complain(error, "open the dialog");
  }
}

/** Tell views something; what fails is told in its own place and does not blank the others. */
function tell(them, what) {
  for (const view of them.filter((one) => parts.includes(one))) {
    guard(view, () => what(view));
  }
}

function guard(root, run) {
  try {
    run();
  } catch (error) {
    const words = `This part cannot be shown: ${error.message}`;
    const problem = problemOf(root);
    if (problem.textContent !== words) {
      console.error(error); // once, not once a frame
      setNote(problem, words);
    }
  }
}

function problemOf(root) {
  const found = root.querySelector(':scope > [data-part="problem"]');
  if (found) {
    return found;
  }
  const made = document.createElement("p");
  made.className = "problem";
  made.dataset.part = "problem";
  root.prepend(made);
  return made;
}

/** Change the address, and with it what is shown: only the fields that are given change. */
function go(changes, { replace = false } = {}) {
  const next = { ...route, ...changes };
  const address = writeRoute(next);
  if (address !== writeRoute(route)) {
    history[replace ? "replaceState" : "pushState"](null, "", address);
  }
  show(next);
}

function show(next) {
  const before = route;
  if (next.project !== before.project) {
    location.reload(); // another project is another connection
    return;
  }
  route = next;
  if (before.q !== route.q) {
    filter = parse(route.q);
  }
  if (before.view !== route.view) {
    tell([views[before.view]], (view) => view.closed());
  }
  for (const [name, view] of Object.entries(views)) {
    view.hidden = name !== route.view;
  }
  for (const part of [views[route.view], ...(route.task ? [drawer] : [])]) {
    load(part).catch((error) => page.complain(error, "show this part"));
  }
  tell([views[route.view], drawer], (view) => view.opened());
  plan();
}

function toggleStatus(status) {
  go({ q: withStatusToggled(route.q, status) }, { replace: true });
}

function learn(words) {
  for (const [kind, list] of Object.entries(words)) {
    for (const word of list) {
      known[kind].add(word);
    }
    if (known[kind].size > IDS_KNOWN_MAX) {
      known[kind] = new Set([...known[kind]].slice(-IDS_KNOWN_MAX));
    }
  }
}

function complaint(error, doing) {
  const lost = error instanceof ConnectionLost ? "the server cannot be reached; " : "";
  return `Could not ${doing}: ${lost}${error.message}`;
}

// --- drawing ------------------------------------------------------------------------------------

/** The server's clock. Without a connection nothing is known to have gone on: ages stand still. */
function serverNow() {
  const knownAt = connectionState.name === "live" ? Date.now() : (feed.heardAt ?? Date.now());
  return knownAt + feed.state.clockOffset;
}

/** Draw with the next frame. */
function plan() {
  if (!planned) {
    planned = true;
    requestAnimationFrame(draw);
  }
}

function draw() {
  planned = false;
  const model = {
    project: route.project,
    route,
    filter,
    connection: connectionState,
    live: connectionState.name === "live",
    state: feed.state,
    heardAt: feed.heardAt,
    problem: feed.problem,
    localNow: Date.now(),
    serverNow: serverNow(),
  };
  for (const [id, show] of frame) {
    guard(document.getElementById(id), () => show(model));
  }
  tell([views[route.view], drawer, addDialog], (view) => view.draw(model));
  for (const control of document.querySelectorAll("body [data-live]")) {
    control.disabled = !model.live || control.dataset.off !== undefined;
  }
  document.documentElement.dataset.live = model.live && feed.state.loaded ? "live" : "";
}

// --- keys ---------------------------------------------------------------------------------------

const EVERYWHERE = [
  ...VIEWS.map((view, place) => ({
    key: String(place + 1),
    words: `show ${view}`,
    run: () => go({ view }),
  })),
  { key: "/", words: "type a filter", run: () => filterBar.focus() },
  { key: "n", words: "add tasks", run: () => add() },
  { key: "?", words: "this sheet", run: () => showSheet() },
  { key: "Escape", words: "close the details, or leave the selection", run: leave },
];

function keyGroups() {
  const here = views[route.view];
  const both = [
    { title: "Details", keys: (route.task && drawer.keys) || [] },
    { title: `In ${route.view}`, keys: here.keys ?? [] },
  ];
  // A key is about what has the focus: the details, unless somebody is in the view.
  return [
    ...(document.activeElement?.closest(".scene") ? both.reverse() : both),
    { title: "Everywhere", keys: EVERYWHERE },
  ];
}

function leave() {
  if (route.task) {
    go({ task: "" });
  }
}

const showSheet = createSheet(keyGroups);

// --- beginning ----------------------------------------------------------------------------------

createTheme(document.getElementById("theme"));
createProjects(document.getElementById("projects"), page);
listen(keyGroups);
document.getElementById("keys").addEventListener("click", showSheet);
document.getElementById("add").addEventListener("click", () => add());
document.addEventListener("click", followInPage);
addEventListener("popstate", () => show(readRoute(location.search)));
addEventListener("online", () => connection.retry());
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible") {
    connection.retry();
  }
});
setInterval(() => {
  const now = Date.now();
  if (now - tickedAt > SLEPT_MS) {
    connection.probe();
  }
  tickedAt = now;
  plan();
}, TICK_MS);
show(route);
loadAll();
if (connectionState.name === "connecting") {
  connection.run();
}

/** Links to other views of this page change the address without loading the page again. */
function followInPage(event) {
  const link = event.target.closest?.("a[href]");
  const plain = event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey;
  if (event.defaultPrevented || !link || !plain || link.target || link.origin !== location.origin) {
    return;
  }
  if (link.pathname === location.pathname && link.search && !link.hash) {
    event.preventDefault();
    history.pushState(null, "", link.search);
    show(readRoute(link.search));
  }
}
