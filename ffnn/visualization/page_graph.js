// The graph: nodes, edges and captions, and what the reader points at.

let scene = null; // what `layOut` returned for the present drawing
let zoom = 1;
let focused = null; // the node that the keyboard stands on
const frame = document.getElementById("graph"); // which scrolls when the graph is larger

function drawGraph() {
  const had = frame.contains(document.activeElement) && document.activeElement !== frame;
  scene = layOut(selection(), frame.clientWidth, zoom);
  const {width, height} = scene;
  const svg = drawn("svg", {width, height, viewBox: `0 0 ${width} ${height}`});
  svg.setAttribute("role", "group");
  svg.setAttribute("aria-label", "Network; arrow keys move between neurons, Enter chooses one");
  svg.append(drawCaptions(), drawEdges(), drawNodes(), drawEdgeLabels(scene));
  frame.querySelector("svg")?.remove();
  frame.append(svg);
  if (had) nodeElement(focused)?.focus();
  sayWhatIsShown();
}

function sayWhatIsShown() {
  const names = {
    weight: "weight", gradient: "gradient", forward: "contribution", backward: "gradient",
  };
  const {edge, bundle} = scales();
  const {units, edges} = selection();
  const isOfRow = isRowMode(reader.mode);
  let text = `${describeSelection({units, edges})}The widest edge has a ${names[reader.mode]} of `
    + `±${isOfRow || page.rounding !== null ? brief(edge) : exact(edge)}`;
  text += page.states.length > 1 && !isOfRow ? ", the largest of all epochs." : ".";
  if (isPicture) {
    const {layer, inputs} = page.connections[0];
    text += ` An edge from the picture stands for the ${grouped(inputs)} weights that lead to a `
      + `neuron of ${layer}: ${reader.mode === "forward" ? "the sum of what they contribute"
        : "the length of their vector"}; the widest is ±${brief(bundle)}.`;
  }
  document.getElementById("shown").textContent = text;
}

// -- edges ----------------------------------------------------------------------------------

function drawEdges() {
  const group = drawn("g", {class: "edges"});
  const isAnyChosen = reader.chosen !== null;
  const {edge: largest, bundle} = scales();
  const number = scene.edges.length;
  // The more edges there are, the more the weak ones stand back.
  const widest = Math.max(3, Math.min(7, 7 * Math.sqrt(150 / number)));
  const faintest = Math.max(0.12, Math.min(0.6, 60 / number));
  for (const edge of [...scene.edges].reverse()) {
    const scale = (edge.source === PICTURE ? bundle : largest) || 1;
    const share = Number.isFinite(edge.value) ? Math.min(1, Math.abs(edge.value) / scale) : 1;
    const isChosen = isChosenEdge(edge);
    edge.width = 0.6 + (widest - 0.6) * share;
    let opacity = faintest + (0.9 - faintest) * Math.sqrt(share);
    if (isAnyChosen) opacity = isChosen ? 1 : 0.15 * opacity;
    const line = drawn("line", {
      x1: edge.x0, y1: edge.y0, x2: edge.x1, y2: edge.y1, class: edgeKind(edge),
      "stroke-width": (edge.width + (isChosen ? 1 : 0)).toFixed(2), opacity: opacity.toFixed(3),
    });
    Object.assign(line.dataset, {
      connection: edge.connection, source: edge.source, target: edge.target,
    });
    group.append(line);
  }
  return group;
}

function edgeKind({source, value}) {
  if (source === PICTURE && reader.mode !== "forward") return "bundle";
  return signOf(value);
}

function signOf(value) {
  if (value > 0) return "above";
  if (value < 0) return "below";
  return value === 0 ? "zero" : "nan";
}

// -- nodes ----------------------------------------------------------------------------------

function drawNodes() {
  const group = drawn("g", {class: "nodes"});
  scene.columns.forEach(({y}, column) => {
    for (const unit of y.keys()) group.append(drawNode(column, unit));
  });
  const all = [...group.children];
  const first = all.find((each) => isSame(nodeOf(each), focused)) ?? all[0];
  focused = nodeOf(first);
  first.querySelector("[role=button]").setAttribute("tabindex", "0");
  return group;
}

function nodeOf({dataset}) {
  return {column: Number(dataset.column), unit: Number(dataset.unit)};
}

// Return what the keyboard stands on if it stands on a node.
function nodeElement(node) {
  const place = node && `g.node[data-column="${node.column}"][data-unit="${node.unit}"]`;
  return node && frame.querySelector(`${place} [role=button]`);
}

// Draw a node: its marks, which are a button, and what is written there, which its name says too.
function drawNode(column, unit) {
  const isChosen = chosenNodes().some((node) => isSame(node, {column, unit}));
  const kind = {[BIAS]: "bias", [FOLDED]: "folded"}[unit] ?? page.columns[column].kind;
  const group = drawn("g", {
    class: `node ${kind}${isChosen ? " chosen" : ""}`, "data-column": column, "data-unit": unit,
  });
  const marks = drawn("g", {
    role: "button", tabindex: "-1", "aria-pressed": isChosen, "aria-label": nodeLabel(column, unit),
  });
  const texts = drawn("g", {"aria-hidden": "true"});
  for (const part of drawParts(column, unit)) {
    (part.tagName === "text" ? texts : marks).append(part);
  }
  group.append(marks, texts);
  return group;
}

function drawParts(column, unit) {
  const {x, y, sumX, hasSum} = scene.columns[column];
  const height = y.get(unit);
  if (unit === PICTURE) return drawPictureNode(height);
  const parts = [];
  if (hasSum && unit >= 0) {
    parts.push(
      drawn("line", {x1: sumX, y1: height, x2: x, y2: height, class: "apply"}),
      ...drawCircle(sumX, height, column, unit, "sum"),
    );
    if (scene.pitch > 24) {
      const middle = {x: (sumX + x) / 2, y: height - 6, class: "small", "text-anchor": "middle"};
      parts.push(drawn("text", middle, "f"));
    }
  }
  const mark = unit === BIAS
    ? drawSquare(x, height)
    : drawCircle(x, height, column, unit, "output");
  return [...parts, ...mark, ...drawNames(column, unit, x, height)];
}

function drawSquare(x, y) {
  const side = 1.7 * scene.radius;
  const square = {x: x - side / 2, y: y - side / 2, width: side, height: side, class: "mark"};
  const letter = scene.radius > 8 ? [drawn("text", {x, y, class: "number"}, "b")] : [];
  return [drawn("rect", square), ...letter];
}

// Draw a neuron, filled by its number for the row if one is chosen, else by its kind.
function drawCircle(x, y, column, unit, part) {
  const circle = drawn("circle", {cx: x, cy: y, r: scene.radius, class: "mark"});
  const value = nodeValue(column, unit, part);
  let [text, contrast] = [scene.radius >= 9 ? String(unit) : "", ""];
  if (unit === FOLDED) text = "⋮";
  else if (value !== null) {
    const fill = painter(nodeScale(column, part))(value);
    circle.style.fill = `rgb(${fill.map(Math.round)})`;
    contrast = isLight(fill) ? "on-light" : "on-dark";
    text = scene.radius >= 11 ? fitted(value) : "";
  } else if (part === "sum") text = scene.radius >= 9 ? "Σ" : "";
  if (!text) return [circle];
  return [circle, drawn("text", {x, y, class: `number of-${text.length} ${contrast}`}, text)];
}

// Return what fills a node: of the chosen row its sum or output, or backward its slope; else null.
function nodeValue(column, unit, part) {
  const pass = passAt(reader.state);
  if (pass === null || unit < 0) return null;
  if (reader.mode !== "backward") {
    return part === "sum" ? pass.sums[placeInPass(column, unit)] : outputAt(pass, column, unit);
  }
  return column === 0 ? null : pass.slopes[placeInPass(column, unit)];
}

// Return the largest size of a column's numbers for the row.
function nodeScale(column, part) {
  const pass = passAt(reader.state);
  const isBackward = reader.mode === "backward";
  return once(`nodes ${column} ${part} ${reader.row} ${isBackward} ${reader.state}`, () => {
    const size = page.columns[column].ids.length;
    if (column === 0) {
      const inputs = pass.inputs ?? page.rows.inputs;
      return largestSize(inputs.subarray(reader.row * size, (reader.row + 1) * size));
    }
    const values = isBackward ? pass.slopes : part === "sum" ? pass.sums : pass.outputs;
    const begin = placeInPass(column, 0);
    return largestSize(values.subarray(begin, begin + size));
  });
}

function numFolded(column) {
  return page.columns[column].ids.length - scene.columns[column].units.length;
}

function nodeLabel(column, unit) {
  const {ids, layer} = page.columns[column];
  if (unit === PICTURE) return `${grouped(ids.length)} inputs as a picture`;
  if (unit === FOLDED) return `${grouped(numFolded(column))} more of ${layer}`;
  const name = nodeName(column, unit);
  const value = nodeValue(column, unit, "output");
  return value === null ? name : `${name}: ${brief(value)}`;
}
