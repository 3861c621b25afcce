// What is drawn of the network: the strongest neurons, and the strongest edges between those.

// From little to much: neurons of a column, and the share of its edges' sum of squares.
const DETAILS = [[6, 0.5], [10, 0.6], [16, 0.7], [24, 0.8], [32, 0.9], [64, 1]];
const MOST_AT_REST = 110; // edges of a connection that can still be told apart
const MOST_EDGES = 3000; // of the whole network
const isPicture = page.pictures !== null;

const known = new Map(); // what was computed once

function once(key, compute) {
  if (!known.has(key)) known.set(key, compute());
  return known.get(key);
}

// Return for each unit of a column the sum of squares of all that leads to it and from it, in the
// last state, so that neurons keep their places from epoch to epoch. Of a row, what leads from a
// neuron counts: much may lead to one that stays silent.
function strengths(column) {
  const {mode, row} = reader;
  return once(`strengths ${mode} ${isRowMode(mode) ? row : ""} ${column}`, () => {
    const valueOf = edgeValues(mode, page.states.length - 1);
    const sums = new Float64Array(page.columns[column].ids.length);
    const [into, from] = [page.connections[column - 1], page.connections[column]];
    const targets = from ? page.columns[column + 1].ids.length : 0;
    sums.forEach((_, unit) => {
      let sum = 0;
      for (let target = 0; target < targets; target++) sum += valueOf(column, unit, target) ** 2;
      if (into && !(from && isRowMode(mode))) {
        for (let source = into.bias === null ? 0 : BIAS; source < into.inputs; source++) {
          sum += valueOf(column - 1, source, unit) ** 2;
        }
      }
      sums[unit] = sum;
    });
    return sums;
  });
}

// Return a function to compare sizes: what is no number comes first, to be seen.
function stronger(sizeOf) {
  const rank = (each) => {
    const size = Math.abs(sizeOf(each));
    return Number.isNaN(size) ? Infinity : size;
  };
  return (a, b) => (rank(a) === rank(b) ? 0 : rank(b) - rank(a));
}

// Return the units of a column that are drawn, in ascending order; the chosen ones are among them.
function shownUnits(column, most) {
  const size = page.columns[column].ids.length;
  const all = Array.from({length: size}, (_, unit) => unit);
  if (column === 0 && isPicture) return [];
  if (size <= most) return all;
  const sums = strengths(column);
  const shown = new Set(all.sort(stronger((unit) => sums[unit])).slice(0, most));
  for (const node of chosenNodes()) {
    if (node.column === column && node.unit >= 0) shown.add(node.unit);
  }
  return [...shown].sort((a, b) => a - b);
}

function chosenNodes() {
  const {node, edge} = reader.chosen ?? {};
  if (node) return [node];
  if (!edge) return [];
  const {connection, source, target} = edge;
  return [{column: connection, unit: source}, {column: connection + 1, unit: target}];
}

function isChosenEdge({connection, source, target}) {
  const {node, edge} = reader.chosen ?? {};
  if (edge) {
    return connection === edge.connection && source === edge.source && target === edge.target;
  }
  return node !== undefined && (isSame(node, {column: connection, unit: source})
    || isSame(node, {column: connection + 1, unit: target}));
}

// Return the edges of a connection that are drawn, the strongest first, with their share of all.
function shownEdges(connection, units, [, share]) {
  const sources = [...units[connection]];
  if (page.connections[connection].bias !== null && !(connection === 0 && isPicture)) {
    sources.push(BIAS);
  }
  if (connection === 0 && isPicture) return bundles(units[1]);
  const valueOf = edgeValues(reader.mode);
  const all = units[connection + 1].flatMap((target) => sources.map((source) => (
    {connection, source, target, value: valueOf(connection, source, target)}
  )));
  all.sort(stronger(({value}) => value));
  const squares = all.map(({value}) => (Number.isFinite(value) ? value ** 2 : 0));
  const wanted = share * squares.reduce((sum, square) => sum + square, 0);
  const most = Math.ceil(MOST_EDGES / page.connections.length);
  let [sum, number] = [0, 0];
  while (number < Math.min(all.length, most) && (share === 1 || sum < wanted
    || !Number.isFinite(all[number].value))) {
    sum += squares[number++];
  }
  return all.filter((edge, place) => place < number || isChosenEdge(edge));
}

// Return an edge from the picture of all inputs to each unit, which stands for all its weights.
function bundles(targets) {
  return targets.map((target) => (
    {connection: 0, source: PICTURE, target, value: bundleValue(reader.mode, reader.state, target)}
  ));
}

// Return the norm of all weights or gradients that lead from the inputs to a unit, or their sum.
function bundleValue(mode, state, target) {
  const valueOf = edgeValues(mode, state);
  let [sum, squares] = [0, 0];
  for (let source = 0; source < page.columns[0].ids.length; source++) {
    const value = valueOf(0, source, target);
    sum += value;
    squares += value * value;
  }
  return mode === "forward" ? sum : Math.sqrt(squares);
}

// Return the share of a layer's sum of squares that edges carry.
function shareOf(connection, edges) {
  if (connection === 0 && isPicture) return 1;
  const valueOf = edgeValues(reader.mode);
  let total = 0;
  const {inputs, bias} = page.connections[connection];
  for (let target = 0; target < page.columns[connection + 1].ids.length; target++) {
    for (let source = bias === null ? 0 : BIAS; source < inputs; source++) {
      const value = valueOf(connection, source, target);
      if (Number.isFinite(value)) total += value * value;
    }
  }
  const carried = edges.reduce((sum, {value}) => (
    sum + (Number.isFinite(value) ? value * value : 0)
  ), 0);
  return total ? Math.min(1, carried / total) : 1;
}

// Return what is drawn: units by column, edges by connection.
function selection(detail = DETAILS[reader.detail]) {
  const units = page.columns.map((_, column) => shownUnits(column, detail[0]));
  return {units, edges: page.connections.map((_, number) => shownEdges(number, units, detail))};
}

// Return the most detail at which the edges can still be told apart.
function detailAtRest() {
  for (let detail = DETAILS.length - 1; detail > 0; detail--) {
    const {edges} = selection(DETAILS[detail]);
    if (edges.every((each) => each.length <= MOST_AT_REST)) return detail;
  }
  return 0;
}

// Return the largest sizes of edges: of all epochs, so that widths can be compared, or of a row.
function scales() {
  const {mode, row, state} = reader;
  if (isRowMode(mode)) return once(`scales ${mode} ${row} ${state}`, () => largestEdges(state));
  return once(`scales ${mode}`, () => {
    const states = [...page.states.keys()].filter((number) => page.states[number][mode] !== null);
    const all = states.map(largestEdges);
    return {
      edge: Math.max(...all.map(({edge}) => edge)),
      bundle: Math.max(...all.map(({bundle}) => bundle)),
    };
  });
}

function largestEdges(state) {
  let [largest, bundle] = [0, 0];
  const valueOf = edgeValues(reader.mode, state);
  page.connections.forEach(({inputs, bias}, connection) => {
    for (let target = 0; target < page.columns[connection + 1].ids.length; target++) {
      if (connection === 0 && isPicture) {
        bundle = Math.max(bundle, Math.abs(bundleValue(reader.mode, state, target)) || 0);
        continue;
      }
      for (let source = bias === null ? 0 : BIAS; source < inputs; source++) {
        const size = Math.abs(valueOf(connection, source, target));
        if (size > largest && size < Infinity) largest = size;
      }
    }
  });
  return {edge: largest, bundle};
}

// Say what is drawn of each layer, and how much is not.
function describeSelection({units, edges}) {
  const parts = [];
  page.columns.forEach(({ids, kind, layer}, column) => {
    if (column === 0 && isPicture) return;
    if (units[column].length < ids.length) {
      const noun = kind === "neuron" ? `neurons of ${layer}` : `${kind}s`;
      parts.push(`${units[column].length} of ${grouped(ids.length)} ${noun}`);
    }
  });
  page.connections.forEach(({layer, inputs, bias}, connection) => {
    if (connection === 0 && isPicture) return;
    const targets = page.columns[connection + 1].ids.length;
    const total = targets * (inputs + (bias === null ? 0 : 1));
    const shown = edges[connection].length;
    if (shown === total) return;
    const share = Math.round(100 * shareOf(connection, edges[connection]));
    const which = shown === 1 ? "edge, which carries" : `${grouped(shown)} edges, which carry`;
    parts.push(`of ${layer} the strongest ${which} ${share} % of its sum of squares; `
      + `${grouped(total - shown)} are hidden`);
  });
  if (!parts.length) return isPicture ? "" : "The whole network is drawn. ";
  return `Drawn: ${parts.join(" · ")}. `;
}

function grouped(number) {
  return number.toLocaleString("en-US");
}
