/**
 * The page: one connection, one feed, and the views that show what is known.
 *
 * Owns when the page is drawn: at most once in a frame, however many events came. Must not know
 * how anything is shown or asked.
 */

import { part, setNote } from "./dom.js";
import { createEvents } from "./events.js";
import { Feed } from "./feed.js";
import { createHeader } from "./header.js";
import { createCounts, createQueue, createSlots } from "./overview.js";
import { Connection } from "./rpc.js";
import { createTasks } from "./tasks.js";
import { createToken, keptToken } from "./token.js";

const TICK_MS = 1_000;
const PROJECT = /^[a-z0-9._-]{1,64}$/;

const project = new URLSearchParams(location.search).get("project") || "default";
let connectionState = PROJECT.test(project)
  ? { name: "connecting", message: "", since: Date.now() }
  : {
      name: "refused",
      message: "This cannot be the name of a project: it has 1 to 64 of a-z 0-9 . _ -",
      since: Date.now(),
    };
let planned = false;

const feed = new Feed((method, params) => connection.call(method, params), plan);
const connection = new Connection(project, keptToken(), {
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

const views = [
  view("header", createHeader),
  view("token", createToken, (token) => connection.authorize(token)),
  view("counts", createCounts),
  view("slots", createSlots),
  view("queue", createQueue),
  view("tasks", createTasks, () => feed.more()),
  view("events", createEvents),
];

/** A view whose failure is told in its own place and does not blank the others. */
function view(id, create, ...more) {
  const root = document.getElementById(id);
  const draw = create(root, ...more);
  return (model) => {
    try {
      draw(model);
    } catch (error) {
      console.error(error);
      setNote(part(root, "problem"), `This part cannot be shown: ${error.message}`);
    }
  };
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
  const localNow = Date.now();
  // Without a connection nothing is known to have gone on: ages stand still too.
  const knownAt = connectionState.name === "live" ? localNow : (feed.heardAt ?? localNow);
  const model = {
    project,
    connection: connectionState,
    state: feed.state,
    heardAt: feed.heardAt,
    problem: feed.problem,
    localNow,
    serverNow: knownAt + feed.state.clockOffset,
  };
  for (const show of views) {
    show(model);
  }
}

setInterval(plan, TICK_MS);
addEventListener("online", () => connection.retry());
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible") {
    connection.retry();
  }
});
plan();
if (connectionState.name === "connecting") {
  connection.run();
}
