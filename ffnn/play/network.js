// The network: neurons in columns, as maps of what they put out, and edges by sign and size.

const graph = { frame: null, nodes: [], edges: [], biases: [], canvases: {}, selected: null, what: "weight", drag: null };

function layOut(frame, width) {
  const columns = frame.facts.columns, most = Math.max(1, ...columns.map((c) => c.shown));
  const narrow = width / columns.length < 110;
  const cell = Math.min(narrow ? 40 : 52, Math.max(26, 520 / most));
  const height = Math.max(200, cell * most + 26);
  graph.size = Math.min(cell - 6, 42);
  graph.nodes = columns.map((column, k) => {
    const x = ((k + 0.5) * width) / columns.length;
    const top = (height - 16) / 2 - (cell * (column.shown - 1)) / 2;
    return Array.from({ length: column.shown }, (_, unit) => ({ x, y: top + cell * unit, column: k, unit }));
  });
  return height;
}

function drawNetwork(frame) {
  graph.frame = frame;
  const canvas = document.getElementById("graph");
  const width = document.getElementById("layers").getBoundingClientRect().width || canvas.clientWidth;
  const ratio = window.devicePixelRatio || 1, height = layOut(frame, width);
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio); canvas.height = Math.round(height * ratio);
    canvas.style.width = `${width}px`; canvas.style.height = `${height}px`;
  }
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.fillStyle = theme.card; context.fillRect(0, 0, width, height);
  collectEdges(frame);
  drawEdges(context);
  frame.facts.columns.forEach((column, k) => drawColumn(context, frame, column, k, height));
}

function collectEdges(frame) {
  graph.edges = []; graph.biases = [];
  const kind = graph.what, biasKind = kind === "weight" ? "bias" : "bias_gradient";
  frame.facts.columns.forEach((column, k) => {
    const weight = frame.arrays[`${kind}/${k}`], bias = frame.arrays[`${biasKind}/${k}`];
    if (!weight) return;
    const [units, sources] = weight.shape;
    for (let unit = 0; unit < units; unit++) {
      for (let source = 0; source < sources; source++) {
        graph.edges.push({ k, unit, source, value: weight.values[unit * sources + source], from: graph.nodes[k - 1][source], to: graph.nodes[k][unit] });
      }
      if (bias) graph.biases.push({ k, unit, source: -1, value: bias.values[unit], at: graph.nodes[k][unit] });
    }
  });
}

function isSame(a, b) { return a && b && a.k === b.k && a.unit === b.unit && a.source === b.source; }

function drawEdges(context) {
  const half = graph.size / 2;
  const largest = Math.max(1e-12, ...graph.edges.map((edge) => Math.abs(edge.value)));
  for (const edge of [...graph.edges].sort((a, b) => Math.abs(a.value) - Math.abs(b.value))) {
    const share = Math.abs(edge.value) / largest, width = 0.6 + 6 * share;
    if (share < 0.005) continue; // which nobody sees
    const chosen = isSame(edge, graph.selected);
    context.beginPath();
    context.moveTo(edge.from.x + half, edge.from.y);
    context.lineTo(edge.to.x - half, edge.to.y);
    context.strokeStyle = edge.value < 0 ? theme.below : theme.above;
    context.globalAlpha = chosen ? 1 : 0.12 + 0.75 * Math.sqrt(share);
    context.lineWidth = width;
    context.setLineDash(edge.value < 0 && width > 1.5 ? [7, 3] : []); // as dashes take time
    context.stroke();
    if (chosen) {
      context.setLineDash([]); context.lineWidth += 4; context.globalAlpha = 0.35; context.strokeStyle = theme.text; context.stroke();
    }
  }
  context.setLineDash([]); context.globalAlpha = 1;
}

function canvasOf(name) {
  graph.canvases[name] ??= document.createElement("canvas");
  return graph.canvases[name];
}

function drawColumn(context, frame, column, k, height) {
  const size = graph.size, half = size / 2, maps = frame.arrays[`maps/${k}`];
  const pictures = k === 1 ? frame.arrays.pictures : null, probe = frame.arrays[`probe/${k}`];
  const image = maps || pictures;
  context.textAlign = "center"; context.font = "11px system-ui, sans-serif"; context.fillStyle = theme.quiet;
  if (!column.shown) drawInput(context, frame, ((k + 0.5) * document.getElementById("layers").clientWidth) / frame.facts.columns.length, height);
  const scale = probe ? Math.max(1e-12, ...probe.values.map(Math.abs)) : 1;
  for (const node of graph.nodes[k]) {
    const left = node.x - half, top = node.y - half;
    if (image) {
      const [, rows, columns] = image.shape, start = node.unit * rows * columns;
      context.imageSmoothingEnabled = Boolean(maps);
      context.drawImage(picture(image.values.subarray(start, start + rows * columns), columns, rows, Boolean(maps), canvasOf(`${k}/${node.unit}`)), left, top, size, size);
    } else {
      const level = probe ? 128 + Math.round((127 * probe.values[node.unit]) / scale) : 128;
      context.fillStyle = levelColour(level);
      context.fillRect(left, top, size, size);
    }
    const off = column.off.includes(node.unit);
    context.lineWidth = 1; context.strokeStyle = theme.quiet;
    if (probe && image) { // a frame of the row's activation
      context.lineWidth = 3; context.strokeStyle = probe.values[node.unit] < 0 ? theme.below : theme.above;
      context.globalAlpha = 0.25 + 0.75 * Math.min(1, Math.abs(probe.values[node.unit]) / scale);
    }
    context.strokeRect(left, top, size, size); context.globalAlpha = 1;
    if (off) {
      context.fillStyle = theme.card; context.globalAlpha = 0.75; context.fillRect(left, top, size, size); context.globalAlpha = 1;
      context.strokeStyle = theme.text; context.lineWidth = 2; context.beginPath();
      context.moveTo(left, top); context.lineTo(left + size, top + size); context.moveTo(left + size, top); context.lineTo(left, top + size); context.stroke();
    }
    if (graph.selected && graph.selected.k === k && graph.selected.unit === node.unit) {
      context.lineWidth = 2; context.strokeStyle = theme.text; context.strokeRect(left - 3, top - 3, size + 6, size + 6);
    }
    drawLabel(context, column, node, half, frame.facts.columns.length);
  }
  drawBiases(context, k, half);
  if (column.shown && column.size > column.shown) {
    context.fillStyle = theme.quiet; context.textAlign = "center";
    context.fillText(`+ ${counted(column.size - column.shown)} more`, graph.nodes[k][0].x, height - 6);
  }
}

function drawLabel(context, column, node, half, columns) {
  const room = document.getElementById("layers").clientWidth / columns / 2 - half - 4;
  if (column.kind === "neuron" || room < 22) return;
  const atLeft = column.kind === "input";
  context.fillStyle = theme.text; context.textAlign = atLeft ? "right" : "left";
  context.fillText(shortened(column.labels[node.unit].replace(/^(input|dense_\d+) /, ""), context, room), node.x + (atLeft ? -half - 5 : half + 5), node.y + 4);
}

function shortened(text, context, room) {
  if (context.measureText(text).width <= room) return text;
  while (text.length > 1 && context.measureText(`${text}…`).width > room) text = text.slice(0, -1);
  return `${text}…`;
}

function drawBiases(context, k, half) {
  const largest = Math.max(1e-12, ...graph.biases.map((bias) => Math.abs(bias.value)));
  for (const bias of graph.biases) {
    if (bias.k !== k) continue;
    const x = bias.at.x - half, y = bias.at.y + half - 4, size = 8;
    context.globalAlpha = 1; context.fillStyle = theme.card; context.fillRect(x - size / 2, y - size / 2, size, size);
    context.globalAlpha = 0.2 + (0.8 * Math.abs(bias.value)) / largest;
    context.fillStyle = bias.value < 0 ? theme.below : theme.above; context.fillRect(x - size / 2, y - size / 2, size, size);
    context.globalAlpha = 1; context.strokeStyle = isSame(bias, graph.selected) ? theme.text : theme.quiet;
    context.lineWidth = isSame(bias, graph.selected) ? 2 : 1; context.strokeRect(x - size / 2, y - size / 2, size, size);
  }
}

// Many inputs: the row as a picture, or their number.
function drawInput(context, frame, x, height) {
  const side = frame.facts.side, probe = frame.facts.probe;
  if (side && probe) {
    const size = Math.min(96, x * 1.7), largest = frame.facts.largest || 1;
    const levels = Uint8Array.from(probe, (value) => 128 + Math.round(127 * Math.min(1, value / largest)));
    context.imageSmoothingEnabled = false;
    context.drawImage(picture(levels, side, side, false), x - size / 2, (height - 16) / 2 - size / 2, size, size);
    context.strokeStyle = theme.quiet; context.lineWidth = 1; context.strokeRect(x - size / 2, (height - 16) / 2 - size / 2, size, size);
  } else {
    context.fillStyle = theme.quiet; context.textAlign = "center";
    context.fillText(`${counted(frame.facts.columns[0].size)} inputs`, x, (height - 16) / 2);
  }
}

// -- what is under the pointer ------------------------------------------------------------------

function placeOf(event) {
  const box = document.getElementById("graph").getBoundingClientRect();
  return [event.clientX - box.left, event.clientY - box.top];
}

function under(x, y) {
  const half = graph.size / 2;
  for (const bias of graph.biases) {
    if (Math.abs(x - bias.at.x + half) <= 7 && Math.abs(y - bias.at.y - half + 4) <= 7) return { ...bias, is: "bias" };
  }
  for (const node of graph.nodes.flat()) {
    if (Math.abs(x - node.x) <= half && Math.abs(y - node.y) <= half) return { k: node.column, unit: node.unit, is: "node" };
  }
  let best = null, least = 7;
  for (const edge of graph.edges) {
    const ax = edge.from.x + half, bx = edge.to.x - half;
    if (x < ax || x > bx) continue;
    const along = (x - ax) / (bx - ax), slope = (edge.to.y - edge.from.y) / (bx - ax);
    const distance = Math.abs(edge.from.y + along * (edge.to.y - edge.from.y) - y) / Math.hypot(1, slope);
    if (distance < least) { least = distance; best = { ...edge, is: "edge" }; }
  }
  return best;
}

function describe(found) {
  const columns = graph.frame.facts.columns, column = columns[found.k];
  if (found.is === "node") {
    const probe = graph.frame.arrays[`probe/${found.k}`];
    return column.labels[found.unit] + (probe ? `: ${written(probe.values[found.unit])} for the chosen row` : "");
  }
  const name = found.is === "bias" ? `bias of ${column.labels[found.unit]}` : `${columns[found.k - 1].labels[found.source]} → ${column.labels[found.unit]}`;
  const [weight, gradient] = [entry("weight", found), entry("gradient", found)];
  return `${name}: ${written(weight)}${gradient === null ? "" : `, gradient ${written(gradient)}`}`;
}

// An entry of a weight or bias, or of its gradient.
function entry(what, { k, unit, source }) {
  const frame = graph.frame, names = source < 0 ? { weight: "bias", gradient: "bias_gradient" } : { weight: "weight", gradient: "gradient" };
  const array = frame.arrays[`${names[what]}/${k}`];
  if (!array) return null;
  return source < 0 ? array.values[unit] : array.values[unit * array.shape[1] + source];
}
