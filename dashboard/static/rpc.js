/**
 * The connection to the server: JSON-RPC 2.0 on a WebSocket that comes back by itself.
 *
 * Owns the ticket, the socket, calls and their answers, and reconnecting with jitter. Must not
 * know what the methods are about, nor the document.
 */

const SUBPROTOCOL = "task-coordinator.v1";
const TICKET_MS = 5_000;
const OPEN_MS = 10_000;
const ANSWER_MS = 10_000;
const WAIT_FIRST_MS = 500;
const WAIT_MAX_MS = 5_000;
const STEADY_MS = 5_000;
/** How long a change waits for a connection that broke, before it is given up. */
const RESEND_MS = 20_000;
const PROBE_MS = 3_000;

/** The server's answer to a call was an error. */
export class RpcError extends Error {
  constructor({ message, data }) {
    super(message);
    this.reason = data?.reason;
    this.data = data ?? {};
  }
}

/** There is no connection, or it ended before the answer came. */
export class ConnectionLost extends Error {
  constructor(reason) {
    super(reason || "the connection was lost");
  }
}

/** The server said no with an HTTP status, before there was a connection. */
class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** How long to wait before an attempt: longer each time, and never in step with other pages. */
export function backoff(attempt, random = Math.random) {
  const most = Math.min(WAIT_MAX_MS, WAIT_FIRST_MS * 2 ** attempt);
  return most / 2 + (random() * most) / 2;
}

/** A text that nobody else makes. `crypto.randomUUID` is missing on plain http of another host. */
export function randomKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** One WebSocket, from its opening to its end. */
class Channel {
  #socket;
  #calls = new Map();
  #nextId = 1;
  #end;

  constructor(url, onNotification) {
    this.#socket = new WebSocket(url, SUBPROTOCOL);
    this.opened = new Promise((resolve) => {
      this.#socket.onopen = resolve;
    });
    /** Resolves to the reason, as a text, once the channel is closed from either side. */
    this.closed = new Promise((resolve) => {
      this.#end = resolve;
    });
    this.#socket.onclose = ({ reason }) => this.close(reason);
    this.#socket.onmessage = ({ data }) => this.#take(JSON.parse(data), onNotification);
  }

  call(method, params, patienceMs = ANSWER_MS) {
    return new Promise((resolve, reject) => {
      const id = this.#nextId;
      this.#nextId += 1;
      // Whatever the socket says: a server that does not answer is not there.
      const timer = setTimeout(() => this.close("the server did not answer"), patienceMs);
      this.#calls.set(id, { resolve, reject, timer });
      this.#socket.send(JSON.stringify({ jsonrpc: "2.0", id, method, params }));
    });
  }

  /** End it now, also when the other side is not heard any more. Idempotent. */
  close(reason) {
    this.#end(reason);
    this.#socket.onmessage = null;
    this.#socket.close();
    for (const { reject, timer } of this.#calls.values()) {
      clearTimeout(timer);
      reject(new ConnectionLost(reason));
    }
    this.#calls.clear();
  }

  #take(message, onNotification) {
    if (message.method !== undefined) {
      onNotification(message.method, message.params);
      return;
    }
    const call = this.#calls.get(message.id);
    if (call === undefined) {
      return;
    }
    this.#calls.delete(message.id);
    clearTimeout(call.timer);
    if (message.error === undefined) {
      call.resolve(message.result);
    } else {
      call.reject(new RpcError(message.error));
    }
  }
}

/**
 * One connection that is made again whenever it breaks.
 *
 * `onState(name, message)` hears `live`, `lost`, `refused`, `token` (the server wants one) or
 * `connecting` (it got one).
 * `onOpen()` is awaited after each opening; if it fails, the connection is made again.
 * `onNotification(method, params)` gets what the server sends by itself.
 */
export class Connection {
  #path;
  #token;
  #handlers;
  #channel = null;
  #wake = () => {};
  /** Who waits for the connection to be open again. */
  #opening = new Set();

  constructor(project, token, handlers) {
    this.#path = project === "default" ? "/rpc" : `/rpc/projects/${encodeURIComponent(project)}`;
    this.#token = token;
    this.#handlers = handlers;
  }

  /** Connect, and connect again, for as long as the page lives. */
  async run() {
    let attempt = 0;
    for (;;) {
      const began = performance.now();
      const error = await this.#serve().catch((reason) => reason);
      const name = this.#nameOf(error);
      this.#handlers.onState(name, this.#messageOf(error));
      attempt = performance.now() - began > STEADY_MS ? 0 : attempt + 1;
      await this.#pause(name === "token" ? null : backoff(attempt));
    }
  }

  /** Try again now instead of waiting on. */
  retry() {
    this.#wake();
  }

  /** Go on with this token. */
  authorize(token) {
    this.#token = token;
    this.#handlers.onState("connecting", "");
    this.#wake();
  }

  /** The result of a method. Throws `RpcError` or `ConnectionLost`. */
  async call(method, params = {}) {
    if (this.#channel === null) {
      throw new ConnectionLost("not connected");
    }
    return this.#channel.call(method, params);
  }

  /**
   * The result of a change. It carries an idempotency key: where the connection breaks before the
   * answer, it is sent again once, as the same change. Whoever gives a key of its own can send it
   * again later, too. Throws `RpcError` or `ConnectionLost`.
   */
  async mutate(method, params = {}) {
    const keyed = { idempotencyKey: randomKey(), ...params };
    try {
      return await this.call(method, keyed);
    } catch (error) {
      if (!(error instanceof ConnectionLost) || !(await this.#reopened())) {
        throw error;
      }
      return this.call(method, keyed);
    }
  }

  /** Find out now whether the server is still there, as after a sleep of the machine. */
  probe() {
    this.#channel?.call("get_snapshot", { limit: 0 }, PROBE_MS).catch(() => {});
    this.retry();
  }

  /** Whether there is a connection again, within `RESEND_MS`. */
  #reopened() {
    return new Promise((resolve) => {
      const done = (open) => {
        this.#opening.delete(done);
        resolve(open);
      };
      this.#opening.add(done);
      setTimeout(() => done(false), RESEND_MS);
    });
  }

  /** One connection; always ends by an error that says why. */
  async #serve() {
    const channel = new Channel(await this.#url(), this.#handlers.onNotification);
    const lost = channel.closed.then((reason) => {
      throw new ConnectionLost(reason);
    });
    lost.catch(() => {}); // it is awaited below, unless something else fails first
    const timer = setTimeout(() => channel.close("the server did not answer"), OPEN_MS);
    try {
      await Promise.race([channel.opened, lost]);
      clearTimeout(timer);
      this.#channel = channel;
      await Promise.race([this.#handlers.onOpen(), lost]);
      this.#handlers.onState("live", "");
      for (const waiting of this.#opening) {
        waiting(true);
      }
      return await lost;
    } finally {
      clearTimeout(timer);
      this.#channel = null;
      channel.close("");
    }
  }

  /** The socket's address. Where a token is set, it holds a ticket that is good for one use. */
  async #url() {
    const headers = this.#token ? { Authorization: `Bearer ${this.#token}` } : {};
    const signal = AbortSignal.timeout(TICKET_MS);
    const answer = await fetch("/ticket", { method: "POST", headers, signal }).catch(() => {
      throw new ConnectionLost("the server cannot be reached");
    });
    if (!answer.ok) {
      throw new Refused(answer.status, (await answer.text()).trim());
    }
    const url = new URL(this.#path, location.href);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    if (answer.status !== 204) {
      url.searchParams.set("ticket", (await answer.json()).ticket);
    }
    return url;
  }

  #nameOf(error) {
    if (!(error instanceof Refused)) {
      return "lost";
    }
    return error.status === 401 ? "token" : "refused";
  }

  #messageOf(error) {
    const told = [Refused, RpcError, ConnectionLost].some((kind) => error instanceof kind);
    if (!told) {
      console.error(error); // a mistake of this page, not of the network
    }
    return told ? error.message : "";
  }

  #pause(milliseconds) {
    return new Promise((resolve) => {
      this.#wake = resolve;
      if (milliseconds !== null) {
        setTimeout(resolve, milliseconds);
      }
    });
  }
}
