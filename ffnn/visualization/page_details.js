// What is chosen, and its numbers.

const RANKED = 12; // inputs of a neuron that are listed at first

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
  const {layer, kind, activation, frozen, bias, gains} = page.columns[column];
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
      [name, textAt("weight", offset + unit)],
      [`${name} gradient`, textAt("gradient", offset + unit)],
    );
  }
  const words = [["kind", kind], ["layer", layer]];
  if (activation) words.push(["activation", activation]);
  if (frozen) words.push(["training", "the layer is frozen"]);
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
