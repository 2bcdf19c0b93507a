/**
 * Where the tasks of a graph stand: in layers from left to right; pure.
 *
 * Owns the layout, after Sugiyama, Tagawa, Toda: "Methods for Visual Understanding of Hierarchical
 * System Structures" (1981): layers by the longest path, long edges led through points of their
 * own, the order within a layer by the median of the neighbours (Eades, Wormald 1994), heights by
 * isotonic regression, which puts each node as near to its neighbours as the order allows. Every
 * step is bounded by the number of edges, whatever the graph looks like. Must not know what a node
 * is, nor how it is drawn.
 */

export const NODE = Object.freeze({ width: 190, height: 46 });
const GAP = Object.freeze({ x: 70, y: 14, part: 40 });
/** A point that an edge is led through needs less room than a node. */
const POINT_HEIGHT = 8;
/** Edges over more layers than this, or when there are too many points, go straight. */
const SPAN_MAX = 12;
const POINTS_MAX = 20_000;
const ORDER_SWEEPS = 8;
const PLACE_SWEEPS = 6;

/**
 * The places of all nodes: `{places, routes, width, height}`.
 *
 * `nodes` is `[{id, dependencies}]`; a dependency that is not among them is left out. `places` maps
 * an id to `{x, y, layer}`, the left upper corner and the layer; `routes` is `[{from, to, points}]`
 * with the points from the right side of one node to the left side of another.
 */
export function layOut(nodes) {
  const graph = graphOf(nodes);
  const places = new Map();
  const routes = [];
  let bottom = 0;
  let width = 0;
  const { connected, alone } = partsOf(graph);
  for (const part of connected) {
    const laid = layOutPart(graph, part);
    for (const [id, { x, y, layer }] of laid.places) {
      places.set(id, { x, y: y + bottom, layer });
    }
    for (const { from, to, points } of laid.routes) {
      routes.push({ from, to, points: points.map(([x, y]) => [x, y + bottom]) });
    }
    bottom += laid.height + GAP.part;
    width = Math.max(width, laid.width);
  }
  const grid = gridOf(alone, width);
  for (const [id, { x, y }] of grid.places) {
    places.set(id, { x, y: y + bottom, layer: 0 });
  }
  const height = grid.height ? bottom + grid.height : Math.max(0, bottom - GAP.part);
  return { places, routes, width: Math.max(width, grid.width), height };
}

// --- the graph ----------------------------------------------------------------------------------

function graphOf(nodes) {
  const ids = new Set(nodes.map(({ id }) => id));
  const before = new Map();
  const after = new Map([...ids].map((id) => [id, []]));
  for (const { id, dependencies } of nodes) {
    const known = [...new Set(dependencies)].filter((name) => ids.has(name) && name !== id);
    before.set(id, known);
    known.forEach((name) => after.get(name).push(id));
  }
  return { before, after };
}

/** The parts that are connected, the largest first, and the nodes without any edge. */
function partsOf({ before, after }) {
  const seen = new Set();
  const connected = [];
  const alone = [];
  for (const start of before.keys()) {
    if (seen.has(start)) {
      continue;
    }
    const part = [start];
    seen.add(start);
    for (let place = 0; place < part.length; place += 1) {
      for (const next of [...before.get(part[place]), ...after.get(part[place])]) {
        if (!seen.has(next)) {
          seen.add(next);
          part.push(next);
        }
      }
    }
    if (part.length === 1) {
      alone.push(start);
    } else {
      connected.push(part);
    }
  }
  connected.sort((one, other) => other.length - one.length);
  return { connected, alone };
}

/** Nodes without edges, in rows as wide as the rest, or as a square where there is no rest. */
function gridOf(ids, width) {
  const places = new Map();
  if (!ids.length) {
    return { places, width: 0, height: 0 };
  }
  const stepX = NODE.width + GAP.y;
  const stepY = NODE.height + GAP.y;
  const square = Math.ceil(Math.sqrt((ids.length * stepY * 1.6) / stepX));
  const columns = Math.max(1, Math.min(ids.length, Math.max(square, Math.floor((width + GAP.y) / stepX))));
  ids.forEach((id, place) => {
    places.set(id, { x: (place % columns) * stepX, y: Math.floor(place / columns) * stepY });
  });
  const rows = Math.ceil(ids.length / columns);
  return { places, width: columns * stepX - GAP.y, height: rows * stepY - GAP.y };
}

// --- one part -----------------------------------------------------------------------------------

function layOutPart(graph, part) {
  const layerOf = layersOf(graph, part);
  const { layers, chains } = withPoints(graph, part, layerOf);
  orderLayers(layers);
  placeLayers(layers);
  const nodes = layers.flat();
  const top = Math.min(...nodes.map(({ y }) => y));
  const places = new Map();
  let height = 0;
  for (const node of nodes) {
    node.y -= top;
    height = Math.max(height, node.y + node.height);
    if (node.id !== null) {
      places.set(node.id, { x: xOf(node.layer), y: node.y, layer: node.layer });
    }
  }
  const routes = chains.map(({ from, to, points }) => ({ from, to, points: routeOf(places, from, to, points) }));
  return { places, routes, width: xOf(layers.length - 1) + NODE.width, height };
}

const xOf = (layer) => layer * (NODE.width + GAP.x);

function routeOf(places, from, to, points) {
  const begin = places.get(from);
  const end = places.get(to);
  const middle = NODE.height / 2;
  return [
    [begin.x + NODE.width, begin.y + middle],
    ...points.map(({ layer, y, height }) => [xOf(layer) + NODE.width / 2, y + height / 2]),
    [end.x, end.y + middle],
  ];
}

/** Layers by the longest path from the left; what nothing precedes stands as far right as it can. */
function layersOf({ before, after }, part) {
  const missing = new Map(part.map((id) => [id, before.get(id).length]));
  const layerOf = new Map();
  const ready = part.filter((id) => missing.get(id) === 0);
  for (let place = 0; place < ready.length; place += 1) {
    const id = ready[place];
    layerOf.set(id, Math.max(-1, ...before.get(id).map((name) => layerOf.get(name))) + 1);
    for (const next of after.get(id)) {
      missing.set(next, missing.get(next) - 1);
      if (missing.get(next) === 0) {
        ready.push(next);
      }
    }
  }
  // A circle cannot be, but must not make anything hang: what is left stands at the left.
  part.filter((id) => !layerOf.has(id)).forEach((id) => layerOf.set(id, 0));
  for (const id of ready) {
    if (!before.get(id).length && after.get(id).length) {
      layerOf.set(id, Math.min(...after.get(id).map((next) => layerOf.get(next))) - 1);
    }
  }
  return layerOf;
}

/** The layers as lists of nodes and of the points that long edges are led through. */
function withPoints({ before }, part, layerOf) {
  const layers = Array.from({ length: Math.max(...layerOf.values()) + 1 }, () => []);
  const byId = new Map();
  const put = (id, layer, height) => {
    const node = { id, layer, height, y: 0, left: [], right: [] };
    layers[layer].push(node);
    return node;
  };
  for (const id of inDepth(before, part)) {
    byId.set(id, put(id, layerOf.get(id), NODE.height));
  }
  const join = (one, other) => {
    one.right.push(other);
    other.left.push(one);
  };
  const chains = [];
  let count = 0;
  for (const id of part) {
    for (const name of before.get(id)) {
      const [from, to] = [byId.get(name), byId.get(id)];
      const span = to.layer - from.layer;
      const points = [];
      if (span > 1 && span <= SPAN_MAX && count + span <= POINTS_MAX) {
        count += span - 1;
        for (let layer = from.layer + 1; layer < to.layer; layer += 1) {
          points.push(put(null, layer, POINT_HEIGHT));
        }
      }
      if (points.length || span === 1) {
        [from, ...points, to].reduce((one, other) => {
          join(one, other);
          return other;
        });
      }
      chains.push({ from: name, to: id, points });
    }
  }
  return { layers, chains };
}

/** The nodes so that what hangs together begins together: depth first, from the right end. */
function inDepth(before, part) {
  const seen = new Set();
  const found = [];
  for (const start of [...part].reverse()) {
    const stack = [start];
    while (stack.length) {
      const id = stack.pop();
      if (!seen.has(id)) {
        seen.add(id);
        found.push(id);
        stack.push(...before.get(id));
      }
    }
  }
  return found;
}

// --- order --------------------------------------------------------------------------------------

/** Sort every layer by the medians of its neighbours, from both sides in turn; keep the best. */
function orderLayers(layers) {
  number(layers);
  let best = layers.map((layer) => [...layer]);
  let fewest = crossingsOf(layers);
  for (let sweep = 0; sweep < ORDER_SWEEPS && fewest > 0; sweep += 1) {
    const fromLeft = sweep % 2 === 0;
    const side = fromLeft ? "left" : "right";
    const order = fromLeft ? layers.slice(1) : layers.slice(0, -1).reverse();
    for (const layer of order) {
      for (const node of layer) {
        node.median = medianOf(node[side], node.order);
      }
      layer.sort((one, other) => one.median - other.median || one.order - other.order);
      layer.forEach((node, place) => {
        node.order = place;
      });
    }
    const crossings = crossingsOf(layers);
    if (crossings < fewest) {
      fewest = crossings;
      best = layers.map((layer) => [...layer]);
    }
  }
  best.forEach((layer, place) => {
    layers[place] = layer;
  });
  number(layers);
}

function number(layers) {
  for (const layer of layers) {
    layer.forEach((node, place) => {
      node.order = place;
    });
  }
}

function medianOf(neighbours, otherwise) {
  if (!neighbours.length) {
    return otherwise;
  }
  const orders = neighbours.map(({ order }) => order).sort((a, b) => a - b);
  const half = orders.length >> 1;
  return orders.length % 2 ? orders[half] : (orders[half - 1] + orders[half]) / 2;
}

/** How many edges cross, counted with a binary indexed tree (Barth, Mutzel, Juenger 2002). */
function crossingsOf(layers) {
  let crossings = 0;
  for (let place = 0; place + 1 < layers.length; place += 1) {
    const size = layers[place + 1].length;
    const tree = new Int32Array(size + 1);
    let seen = 0;
    for (const node of layers[place]) {
      const ends = node.right.map(({ order }) => order).sort((a, b) => a - b);
      for (const end of ends) {
        let notBehind = 0;
        for (let at = end + 1; at > 0; at -= at & -at) {
          notBehind += tree[at];
        }
        crossings += seen - notBehind;
      }
      for (const end of ends) {
        for (let at = end + 1; at <= size; at += at & -at) {
          tree[at] += 1;
        }
      }
      seen += ends.length;
    }
  }
  return crossings;
}

// --- heights ------------------------------------------------------------------------------------

function placeLayers(layers) {
  for (const layer of layers) {
    let y = 0;
    for (const node of layer) {
      node.y = y;
      y += node.height + GAP.y;
    }
  }
  for (let sweep = 0; sweep < PLACE_SWEEPS; sweep += 1) {
    const fromLeft = sweep % 2 === 0;
    const order = fromLeft ? layers : [...layers].reverse();
    const last = sweep >= PLACE_SWEEPS - 2;
    for (const layer of order) {
      placeLayer(layer, last ? ["left", "right"] : [fromLeft ? "left" : "right"]);
    }
  }
}

/** Put each node at the mean height of its neighbours, as near as order and room allow. */
function placeLayer(layer, sides) {
  let offset = 0;
  const blocks = [];
  for (const node of layer) {
    const neighbours = sides.flatMap((side) => node[side]);
    const wanted = neighbours.length
      ? neighbours.reduce((sum, one) => sum + one.y + one.height / 2, 0) / neighbours.length - node.height / 2
      : node.y;
    // Pool adjacent violators: blocks that would overlap become one, at their mean.
    let block = { sum: wanted - offset, count: 1, nodes: [[node, offset]] };
    while (blocks.length && mean(blocks.at(-1)) > mean(block)) {
      const before = blocks.pop();
      before.nodes.push(...block.nodes);
      block = { sum: before.sum + block.sum, count: before.count + block.count, nodes: before.nodes };
    }
    blocks.push(block);
    offset += node.height + GAP.y;
  }
  for (const block of blocks) {
    for (const [node, at] of block.nodes) {
      node.y = mean(block) + at;
    }
  }
}

const mean = ({ sum, count }) => sum / count;
