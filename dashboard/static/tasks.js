/**
 * The table of tasks: being built.
 *
 * Owns the rows. Must not know the connection.
 */

import { make } from "./dom.js";
import { paramsOf } from "./filter.js";
import { View } from "./view.js";

export class TasksView extends View {
  tasks = [];

  setUp() {
    this.rows = make("ul", { data: { part: "rows" } });
    this.append(this.rows);
  }

  opened() {
    this.reloaded();
  }

  async reloaded() {
    const page = await this.page.call("list_tasks", { sort: "-created", ...paramsOf(this.page.filter, this.page.serverNow()) });
    this.tasks = page.tasks;
    this.page.plan();
  }

  draw() {
    this.rows.replaceChildren(...this.tasks.map((task) => make("li", {}, make("a", { href: `?view=tasks&task=${encodeURIComponent(task.id)}` }, task.id), ` ${task.status}`)));
  }
}
