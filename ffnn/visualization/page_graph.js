// The graph: its edges' colours and widths, what is under the cursor, what was clicked.

let graph = null; // the figure; the sources of nodes and edges by the view they belong to
const nodes = {};
const edges = {};

// Where nothing is hidden, gradients need no view of their own.
function viewName() {
  return reader.mode in page.shown ? reader.mode : "weight";
}

async function drawGraph() {
  const [view] = await Bokeh.embed.embed_item(page.graph, "graph");
  graph = view.model;
  const sourceOf = (name) => graph.renderers.find((each) => each.name === name).data_source;
  for (const name of Object.keys(page.shown)) {
    nodes[name] = sourceOf(`nodes:${name}`);
    edges[name] = sourceOf(`edges:${name}`);
  }
  graph.toolbar.tools.find(({type}) => type === "HoverTool").tooltips = describeUnderCursor;
  graph.js_event_callbacks = {
    selectiongeometry: [({geometry: {x, y}}) => chooseHit("selected", x, y) || choose(null)],
    // Two clicks in quick succession, wherever they are: the second selects nothing.
    doubletap: [({x, y}) => chooseHit("inspected", x, y)],
    reset: [() => choose(null)],
  };
  showGraph();
}

// Follow the chosen mode and state.
function showGraph() {
  for (const renderer of graph.renderers) {
    const name = renderer.name?.split(":")[1];
    if (name) renderer.visible = name === viewName();
  }
  styleEdges();
  highlight();
}

function styleEdges() {
  const source = edges[viewName()];
  const all = vector(reader.mode);
  const number = source.get_length();
  const values = Float64Array.from({length: number}, (_, i) => all[edgeOffset(edgeAt(source, i))]);
  const largest = largestSize(values);
  const shares = Array.from(values, (value) => (
    Number.isFinite(value) ? Math.abs(value) / (largest || 1) : 1
  ));
  // The more edges there are, the more the weak ones stand back.
  const widest = Math.max(2.5, Math.min(6, 6 * Math.sqrt(150 / number)));
  const faintest = Math.max(0.06, Math.min(0.6, 60 / number));
  const width = shares.map((share) => 0.4 + (widest - 0.4) * share);
  const opacity = shares.map((share) => faintest + (0.85 - faintest) * share);
  source.data = {
    ...source.data,
    color: Array.from(values, edgeColour),
    width,
    chosen_width: width.map((each) => each + 1.5),
    opacity,
    faded: opacity.map((each) => 0.2 * each),
  };
  const scale = `The widest edge has a ${reader.mode} of ±${exact(largest)}.`;
  document.getElementById("shown").textContent = `${page.shown[viewName()]} ${scale}`;
}

function edgeColour(value) {
  if (value > 0) return page.colours.above;
  if (value < 0) return page.colours.below;
  return value === 0 ? page.colours.zero : page.colours.nan;
}

function edgeAt(source, index) {
  const {connection, source: from, target} = source.data;
  return {connection: connection[index], source: from[index], target: target[index]};
}

function nodeAt(source, index) {
  return {column: source.data.column[index], unit: source.data.unit[index]};
}

// -- under the cursor -----------------------------------------------------------------------

// Of edges that cross at a point, return the one whose middle line is nearest to it.
function nearestEdge(source, indices, x, y) {
  const {x0, y0, x1, y1} = source.data;
  const scaleX = graph.inner_width / (graph.x_range.end - graph.x_range.start);
  const scaleY = graph.inner_height / (graph.y_range.end - graph.y_range.start);
  const distance = (i) => {
    const [alongX, alongY] = [(x1[i] - x0[i]) * scaleX, (y1[i] - y0[i]) * scaleY];
    const across = (x - x0[i]) * scaleX * alongY - (y - y0[i]) * scaleY * alongX;
    return Math.abs(across) / Math.hypot(alongX, alongY);
  };
  return indices.reduce((best, i) => (distance(i) <= distance(best) ? i : best));
}

function describeUnderCursor(source, {index, indices, x, y}) {
  const name = viewName();
  if (source === nodes[name]) return tooltip(describeNode(nodeAt(source, index)));
  const isUnderNode = !nodes[name].inspected.is_empty();
  if (isUnderNode || index !== nearestEdge(source, [...indices], x, y)) return null;
  return tooltip(describeEdge(edgeAt(source, index)));
}

// Choose what was hit at a point, a neuron before an edge. Return whether there was any.
function chooseHit(hits, x, y) {
  const name = viewName();
  const [node] = nodes[name][hits].indices;
  const hit = [...edges[name][hits].indices];
  if (node !== undefined) {
    choose({node: nodeAt(nodes[name], node)});
  } else if (hit.length) {
    choose({edge: edgeAt(edges[name], nearestEdge(edges[name], hit, x, y))});
  }
  return node !== undefined || hit.length > 0;
}

// -- what is chosen -------------------------------------------------------------------------

function choose(chosen) {
  reader.chosen = chosen;
  highlight();
  showDetails();
}

// Return where a node is in the source, or the one that it is folded into.
function placeOfNode(column, unit) {
  const {column: columns, unit: units} = nodes[viewName()].data;
  const find = (wanted) => columns.findIndex((each, i) => each === column && units[i] === wanted);
  const place = find(unit);
  return place < 0 ? find(FOLDED) : place;
}

function highlight() {
  const {node, edge} = reader.chosen ?? {};
  const source = edges[viewName()];
  let chosenNodes = [];
  let isChosen = () => false;
  if (edge) {
    const {connection, source: from, target} = edge;
    chosenNodes = [placeOfNode(connection, from), placeOfNode(connection + 1, target)];
    isChosen = (each) => each.connection === connection && each.source === from
      && each.target === target;
  } else if (node) {
    chosenNodes = [placeOfNode(node.column, node.unit)];
    isChosen = (each) => (each.connection === node.column && each.source === node.unit)
      || (each.connection + 1 === node.column && each.target === node.unit);
  }
  const places = [...Array(source.get_length()).keys()];
  nodes[viewName()].selected.indices = chosenNodes;
  source.selected.indices = places.filter((i) => isChosen(edgeAt(source, i)));
}

function describeEdge(edge) {
  const {connection, source, target} = edge;
  return {
    heading: `${nodeName(connection, source)} → ${nodeName(connection + 1, target)}`,
    numbers: ["weight", "gradient"].map((mode) => [mode, exactAt(mode, edgeOffset(edge))]),
    words: [["entry", edgeEntry(edge)]],
  };
}

function describeNode({column, unit}) {
  const {kind, layer, activation, bias, gains} = page.columns[column];
  if (unit === FOLDED) return describeFolded(column);
  if (unit === BIAS) {
    const note = "Each of its edges is the bias of one neuron.";
    return {heading: nodeId(column, unit), numbers: [], words: [["kind", "bias"]], note};
  }
  const offsets = bias === null ? [] : [["bias", bias]];
  for (const {name, offset} of gains) offsets.push([name, offset]);
  const numbers = offsets.flatMap(([name, offset]) => [
    [name, exactAt("weight", offset + unit)],
    [`${name} gradient`, exactAt("gradient", offset + unit)],
  ]);
  const words = [["kind", kind], ["layer", layer]];
  if (activation) words.push(["activation", activation]);
  const place = placeOfNode(column, unit);
  const isFolded = nodes[viewName()].data.unit[place] === FOLDED;
  const note = isFolded ? "The graph does not draw it: it is one of the folded neurons." : "";
  return {heading: nodeName(column, unit), numbers, words, note};
}

function describeFolded(column) {
  const {ids, layer} = page.columns[column];
  const {column: columns, unit: units} = nodes[viewName()].data;
  const shown = columns.filter((each, i) => each === column && units[i] >= 0).length;
  const note = "Search for one of them to see its values.";
  return {heading: `${ids.length - shown} more of ${layer}`, numbers: [], words: [], note};
}

function showDetails() {
  const details = document.getElementById("details");
  details.replaceChildren();
  if (reader.chosen === null) {
    const hint = "Click an edge or a neuron to see its exact numbers here.";
    details.append(element("p", hint, "note"));
    return;
  }
  const {node, edge} = reader.chosen;
  const {heading, numbers, words, note} = node ? describeNode(node) : describeEdge(edge);
  details.append(
    element("h3", heading), definitions(numbers, "numbers"), definitions(words, "words"),
  );
  if (note) details.append(element("p", note, "note"));
  if (page.states.length > 1) {
    const {label, gradient_name: name} = page.states[reader.state];
    details.append(element("p", `Values: ${label}. The gradient is ${name}.`, "note"));
  }
}
