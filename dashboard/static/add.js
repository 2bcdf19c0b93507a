/**
 * Adding tasks: being built.
 *
 * Owns the dialog. Must not know the connection.
 */

import { View } from "./view.js";

export class AddDialog extends View {
  show() {}
}
