/**
 * What every view of the page is: a custom element that the page tells what happens.
 *
 * Owns the contract between the page and its views. Must not know any of them.
 *
 * A view builds its own elements in `setUp`, keeps what it has loaded itself, and touches the
 * document in `draw` only. It asks the server through `this.page`:
 *
 *     page.call(method, params)     a query's result; throws RpcError or ConnectionLost
 *     page.mutate(method, params)   the same for a change: with an idempotency key, sent again
 *                                   after a broken connection
 *     page.say(text)                tell what was done, or (complain) what could not be
 *     page.complain(error, doing)
 *     page.ask({...})               a question in a dialog; see dialogs.js
 *     page.go({view, q, task, ...}) change the address, and with it what is shown
 *     page.route                    the address as it is: {project, view, q, task, ...}
 *     page.filter                   the parsed filter; filter.js makes params of it
 *     page.state                    counters, slots, queue, recent events; see store.js
 *     page.live                     whether the server is there
 *     page.serverNow()              milliseconds of the server's clock
 *     page.plan()                   draw with the next frame
 *     page.learn({tags, workers})   words that the filter may offer while typing
 *
 * A button that needs the server is made with `live: true` (dom.js) and is off while it is away;
 * `data-off` keeps it off for a reason of the view's own.
 */

export class View extends HTMLElement {
  /** What the page offers; set before `setUp`. */
  page = null;

  /** Build what is inside. Called once. */
  setUp() {}

  /** It is the view that is shown now; also when the address changes while it is. */
  opened() {}

  /** Another view is shown now. */
  closed() {}

  /**
   * Events, each once and in order, whether the view is shown or not. While many come, they come
   * in batches: `page.state` may be ahead of them.
   */
  took(_events) {}

  /** What was loaded may have a gap: load it again. Also called for the first load. */
  reloaded() {}

  /** Show what is known. At most once a frame, only while the view is shown. */
  draw(_model) {}

  /** Keys that work while it is shown: `[{key, words, run}]`; `run(event)`. */
  get keys() {
    return [];
  }
}
