/**
 * Graph: being built.
 *
 * Owns its view. Must not know the connection.
 */

import { View } from "./view.js";

export class GraphView extends View {}
