// What is under the cursor, what is chosen, and its numbers.

const RANKED = 12; // inputs of a neuron that are listed at first

// -- hits -----------------------------------------------------------------------------------

// Return what is at a point of the graph, a neuron before an edge, or null.
function hitAt(x, y) {
  for (let column = 0; column < scene.columns.length; column++) {
    const {x: right, sumX, y: heights} = scene.columns[column];
    for (const [unit, height] of heights) {
      const reach = scene.radius + 3;
      const isOnPicture = unit === PICTURE && x < right && Math.abs(y - height) < scene.side / 2;
      const isOnNode = x > sumX - reach && x < right + reach && Math.abs(y - height) < reach;
      if (isOnPicture || (unit !== PICTURE && isOnNode)) return {node: {column, unit}};
    }
  }
  const [edge] = nearestEdges(x, y);
  if (!edge) return null;
  const {connection, source, target} = edge;
  if (source === PICTURE) return {node: {column: 1, unit: target}};
  return {edge: {connection, source, target}};
}

// Return the edges whose lines are near to a point, the nearest first.
function nearestEdges(x, y) {
  const found = [];
  for (const edge of scene.edges) {
    const [alongX, alongY] = [edge.x1 - edge.x0, edge.y1 - edge.y0];
    const share = (x - edge.x0) / alongX;
    if (share < 0 || share > 1) continue;
    const across = Math.abs((x - edge.x0) * alongY - (y - edge.y0) * alongX);
    const distance = across / Math.hypot(alongX, alongY);
    if (distance <= Math.max(5, edge.width / 2 + 2)) found.push([distance, edge]);
  }
  return found.sort(([a], [b]) => a - b).map(([, edge]) => edge);
}

function pointIn({clientX, clientY}) {
  const {left, top} = frame.querySelector("svg").getBoundingClientRect();
  return [clientX - left, clientY - top];
}

// -- what is chosen -------------------------------------------------------------------------

function choose(chosen, near = null) {
  reader.chosen = chosen;
  drawGraph();
  showDetails();
  placeDetails(near);
}

// In a narrow window the details lie over the graph, under what was chosen.
function placeDetails(near) {
  const aside = document.querySelector("aside");
  aside.classList.toggle("open", reader.chosen !== null);
  if (reader.chosen === null) return;
  const [node] = chosenNodes();
  const height = near?.[1] ?? scene.columns[node.column].y.get(node.unit) ?? scene.top;
  aside.style.top = `${frame.offsetTop + height - frame.scrollTop + 28}px`;
}

function describeEdge(edge) {
  const {connection, source, target} = edge;
  const offset = edgeOffset(connection, source, target);
  const numbers = [["weight", textAt("weight", offset)], ["gradient", textAt("gradient", offset)]];
  const pass = passAt(reader.state);
  if (pass !== null) {
    numbers.push(["contribution", brief(edgeValues("forward")(connection, source, target), 6)]);
    if (pass.slopes !== null) {
      const slope = edgeValues("backward")(connection, source, target);
      numbers.push(["gradient of this row", brief(slope, 6)]);
    }
  }
  return {
    heading: `${nodeName(connection, source)} → ${nodeName(connection + 1, target)}`,
    numbers, words: [["entry", edgeEntry(edge)]],
  };
}

function describeNode({column, unit}) {
  const {layer, kind, activation, bias, gains, ids} = page.columns[column];
  if (unit === PICTURE) {
    const note = "Choose a neuron of the next layer to see what leads to it, pixel by pixel.";
    return {heading: nodeLabel(column, unit), numbers: [], words: [], note};
  }
  if (unit === FOLDED) {
    const note = "More detail draws more of them; Find and the ranked inputs of other neurons "
      + "draw a single one.";
    return {heading: nodeLabel(column, unit), numbers: [], words: [], note};
  }
  if (unit === BIAS) {
    const note = "Each of its edges is the bias of one neuron.";
    return {heading: nodeId(column, unit), numbers: [], words: [["kind", "bias"]], note};
  }
  const numbers = passNumbers(column, unit);
  const offsets = bias === null ? [] : [["bias", bias]];
  for (const {name, offset} of gains) offsets.push([name, offset]);
  for (const [name, offset] of offsets) {
    numbers.push(
      [name, textAt("weight", offset + unit)], [`${name} gradient`, textAt("gradient", offset + unit)],
    );
  }
  const words = [["kind", kind], ["layer", layer]];
  if (activation) words.push(["activation", activation]);
  return {heading: nodeName(column, unit), numbers, words};
}

// Return what the chosen row makes of a neuron.
function passNumbers(column, unit) {
  const pass = passAt(reader.state);
  if (pass === null) return [];
  if (column === 0) return [["value", exact(outputAt(pass, 0, unit))]];
  const place = placeInPass(column, unit);
  const numbers = [["sum", exact(pass.sums[place])], ["output", exact(pass.outputs[place])]];
  if (pass.slopes !== null) numbers.push(["∂loss/∂sum", exact(pass.slopes[place])]);
  return numbers;
}

// -- the pane -------------------------------------------------------------------------------

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
  if (node && node.unit >= BIAS) details.append(...rankedEdges(node, RANKED));
  if (page.states.length > 1) {
    const {label, gradient_name: name, isRounded} = page.states[reader.state];
    const rounded = isRounded ? " Numbers of recorded epochs are rounded." : "";
    details.append(element("p", `Values: ${label}. The gradient is ${name}.${rounded}`, "note"));
  }
}

// List what leads to a neuron, or else what leads from it, the strongest first.
function rankedEdges({column, unit}, most) {
  const isInto = column > 0 && unit !== BIAS;
  const connection = isInto ? column - 1 : column;
  if (page.connections[connection] === undefined) return [];
  const others = [...page.columns[isInto ? connection : connection + 1].ids.keys()];
  if (isInto && page.connections[connection].bias !== null) others.unshift(BIAS);
  const valueOf = edgeValues(reader.mode);
  const ranked = others.map((other) => {
    const [source, target] = isInto ? [other, unit] : [unit, other];
    return {other, edge: {connection, source, target}, value: valueOf(connection, source, target)};
  });
  ranked.sort(stronger(({value}) => value));
  const names = {
    weight: "weight", gradient: "gradient", forward: "weight × input", backward: "gradient of row",
  };
  const title = isInto ? `What leads to it, by ${names[reader.mode]}` : "What it leads to";
  const table = element("table", "", "ranked");
  table.append(element("caption", title));
  table.append(tableRow("th", isInto ? "from" : "to", names[reader.mode]));
  for (const {other, edge, value} of ranked.slice(0, most)) {
    const name = drawnName(isInto ? connection : connection + 1, other, 22);
    const row = tableRow("td", "", brief(value, 4));
    row.firstChild.append(button(name, () => choose({edge}), "link"));
    row.lastChild.className = signOf(value);
    table.append(row);
  }
  if (ranked.length <= most) return [table];
  const rest = button(`All ${grouped(ranked.length)}`, () => {
    const [whole] = rankedEdges({column, unit}, Infinity);
    table.replaceWith(whole);
    rest.remove();
  });
  return [table, rest];
}

function tableRow(tag, ...texts) {
  const row = element("tr");
  row.append(...texts.map((text) => element(tag, text)));
  return row;
}

// -- pointer and keys -----------------------------------------------------------------------

const tip = document.getElementById("tip");

function showTip({heading, numbers, words}, {clientX, clientY}) {
  tip.replaceChildren(element("strong", heading));
  for (const [term, text] of [...numbers, ...words]) tip.append(element("div", `${term}: ${text}`));
  tip.hidden = false;
  const {offsetWidth: width, offsetHeight: height} = tip;
  tip.style.left = `${Math.max(4, Math.min(clientX + 14, window.innerWidth - width - 8))}px`;
  const isBelow = clientY + 18 + height < window.innerHeight;
  tip.style.top = `${isBelow ? clientY + 18 : Math.max(4, clientY - height - 10)}px`;
}

function hideTip() {
  tip.hidden = true;
}

function connectGraph() {
  let drag = null;
  frame.addEventListener("pointermove", (event) => {
    if (event.pointerType !== "mouse") return;
    if (drag !== null) {
      frame.scrollLeft = drag.left - (event.clientX - drag.x);
      frame.scrollTop = drag.top - (event.clientY - drag.y);
      drag.isMoved ||= Math.hypot(event.clientX - drag.x, event.clientY - drag.y) > 4;
      return;
    }
    const hit = hitAt(...pointIn(event));
    if (hit === null) hideTip();
    else showTip(hit.node ? describeNode(hit.node) : describeEdge(hit.edge), event);
  });
  frame.addEventListener("pointerleave", hideTip);
  frame.addEventListener("pointerdown", (event) => {
    if (event.pointerType !== "mouse" || event.button !== 0) return;
    drag = {
      x: event.clientX, y: event.clientY, left: frame.scrollLeft, top: frame.scrollTop,
      isMoved: false,
    };
  });
  let isDragged = false;
  window.addEventListener("pointerup", () => {
    isDragged = drag?.isMoved ?? false;
    drag = null;
  });
  frame.addEventListener("click", (event) => {
    if (isDragged) return;
    const isKey = event.detail === 0; // a screen reader's click has no place
    const node = isKey ? event.target.closest("g.node") : null;
    const hit = node ? {node: nodeOf(node)} : hitAt(...pointIn(event));
    hideTip();
    choose(hit, isKey ? null : pointIn(event));
  });
  frame.addEventListener("keydown", moveByKey);
  frame.addEventListener("focusin", ({target}) => {
    const node = target.closest("g.node");
    if (node) focused = nodeOf(node);
  });
  frame.addEventListener("wheel", (event) => {
    if (!event.ctrlKey) return; // the wheel alone scrolls
    event.preventDefault();
    zoomTo(zoom * (event.deltaY < 0 ? 1.15 : 1 / 1.15), pointIn(event));
  }, {passive: false});
  document.getElementById("close").addEventListener("click", () => choose(null));
  document.addEventListener("keydown", ({key}) => {
    if (key === "Escape" && reader.chosen !== null) choose(null);
  });
}

function moveByKey(event) {
  const node = event.target.closest("g.node");
  if (!node) return;
  const {column, unit} = nodeOf(node);
  if (event.key === "Enter" || event.key === " ") {
    event.preventDefault();
    choose({node: {column, unit}});
    return;
  }
  const [across, down] = {
    ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1],
  }[event.key] ?? [0, 0];
  const next = scene.columns[column + across];
  if (!(across || down) || next === undefined) return;
  event.preventDefault();
  const height = scene.columns[column].y.get(unit);
  const units = [...next.y.keys()];
  const place = down ? units.indexOf(unit) + down : nearestPlace([...next.y.values()], height);
  if (units[place] === undefined) return;
  nodeElement(focused)?.setAttribute("tabindex", "-1");
  focused = {column: column + across, unit: units[place]};
  const target = nodeElement(focused);
  target.setAttribute("tabindex", "0");
  target.focus();
}

function nearestPlace(heights, height) {
  const distances = heights.map((each) => Math.abs(each - height));
  return distances.indexOf(Math.min(...distances));
}

// Zoom so that the point of the drawing stays where it is, by default the middle.
function zoomTo(wanted, point = null) {
  const before = zoom;
  zoom = Math.max(1, Math.min(8, wanted));
  const [x, y] = point ?? [
    frame.scrollLeft + frame.clientWidth / 2, frame.scrollTop + frame.clientHeight / 2,
  ];
  const [left, top] = [x - frame.scrollLeft, y - frame.scrollTop];
  const old = scene;
  if (before === 1) frame.style.height = `${scene.height}px`;
  if (zoom === 1) frame.style.height = "";
  frame.classList.toggle("zoomed", zoom > 1);
  drawGraph();
  if (zoom === before) return;
  const middle = ({top: begin, height}) => begin + (height - 12 - begin) / 2;
  frame.scrollLeft = scene.left + (x - old.left) * scene.gap / old.gap - left;
  frame.scrollTop = middle(scene) + (y - middle(old)) * scene.pitch / old.pitch - top;
}
