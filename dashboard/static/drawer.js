/**
 * One task in full: being built.
 *
 * Owns the drawer. Must not know the connection.
 */

import { make } from "./dom.js";
import { View } from "./view.js";

export class TaskDrawer extends View {
  opened() {
    this.hidden = !this.page.route.task;
    this.replaceChildren(make("h2", { class: "foreign" }, this.page.route.task));
  }
}
