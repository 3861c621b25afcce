// Heatmaps of all values, and first-layer weights as pictures.

const refreshers = []; // what follows the chosen mode, state and colours, beside the graph

// Canvases are filled when they are about to come into sight, or to be printed: a deep network has
// many.
const unseen = new Set();
const sight = new IntersectionObserver((entries) => {
  for (const {isIntersecting, target} of entries) if (isIntersecting) fillNow(target);
}, {rootMargin: "400px"});
addEventListener("beforeprint", () => unseen.forEach(fillNow));

function drawLater(canvas, fill) {
  canvas.fill = fill;
  unseen.add(canvas);
  sight.observe(canvas);
}

function fillNow(canvas) {
  sight.unobserve(canvas);
  if (!unseen.delete(canvas)) return;
  const refresh = () => canvas.fill();
  refreshers.push(refresh);
  refresh();
  canvas.dataset.drawn = "true";
}

// -- colours --------------------------------------------------------------------------------

// Return a colour of the page's style as numbers.
function colour(name) {
  const text = getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  return [1, 3, 5].map((place) => parseInt(text.slice(place, place + 2), 16));
}

// Tell whether black stands out more than white from a colour (relative luminance, WCAG 2.1).
function isLight(parts) {
  const [red, green, blue] = parts.map((part) => (
    part <= 10 ? part / 3294.6 : ((part / 255 + 0.055) / 1.055) ** 2.4
  ));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179;
}

// Return the colours of values: from nothing to the largest by size, and by sign if they have one.
function painter(largest, isSigned = true) {
  const [middle, above, below, nan] = ["surface", isSigned ? "above" : "text", "below", "nan"]
    .map(colour);
  return (value) => {
    if (Number.isNaN(value)) return nan;
    const end = value < 0 ? below : above;
    const share = Math.min(1, Math.abs(value) / (largest || 1));
    return middle.map((part, place) => part + share * (end[place] - part));
  };
}

function paint(canvas, values, rows, columns, paintOf) {
  canvas.width = columns;
  canvas.height = rows;
  const context = canvas.getContext("2d");
  const image = context.createImageData(columns, rows);
  for (let i = 0; i < rows * columns; i++) {
    const parts = paintOf(values[i]);
    for (let part = 0; part < 3; part++) image.data[4 * i + part] = parts[part];
    image.data[4 * i + 3] = 255;
  }
  context.putImageData(image, 0, 0);
}

function pictureUrl(values, isSigned) {
  const canvas = document.createElement("canvas");
  const {side} = page.pictures;
  paint(canvas, values, side, side, painter(largestSize(values), isSigned));
  return canvas.toDataURL();
}

// -- heatmaps -------------------------------------------------------------------------------

function valuesOf({offset, rows, columns}, mode) {
  return vector(mode).subarray(offset, offset + rows * columns);
}

function drawPanel(panel, number) {
  const {blocks, title} = panel;
  const isWide = blocks[0].columns > 64;
  const pair = element("div", "", isWide ? "pair wide" : "pair");
  const values = blocks[0].name === "weight" ? "Weights" : "Gains";
  for (const [mode, caption] of [["weight", values], ["gradient", "Gradients"]]) {
    const figure = element("figure");
    const legend = element("figcaption", caption);
    figure.append(legend);
    if (mode === "gradient" && page.no_gradient !== null) {
      figure.append(element("p", "Not computed.", "note"));
    } else {
      figure.append(...drawHeatmap(panel, number, mode, legend, caption));
    }
    pair.append(figure);
  }
  const article = element("article");
  article.append(element("h3", title), element("p", describeAxes(blocks), "note"), pair);
  document.getElementById("heatmaps").append(article);
}

// Say what the rows and columns of a heatmap stand for.
function describeAxes(blocks) {
  const [{row_neurons: rows, column_neurons: columns}] = blocks;
  const told = (neurons) => {
    const {layer, ids} = page.columns[neurons];
    return ids.length > 1 ? `${layer} 0 to ${ids.length - 1}` : `${layer} 0`;
  };
  if (rows === null) {
    return `From left to right: ${told(columns)}. From top to bottom: `
      + `${blocks.map(({name}) => name).join(", ")}.`;
  }
  const strip = blocks.length > 1 ? " The strip at the right is the bias." : "";
  return `From top to bottom: ${told(rows)}. From left to right: ${told(columns)}.${strip}`;
}

function drawHeatmap({blocks, is_stacked: isStacked, title}, number, mode, legend, caption) {
  const map = element("div", "", isStacked ? "map stacked" : "map");
  map.id = `heatmap-${number}-${mode}`;
  const readout = element("output", "", "readout");
  blocks.forEach((block, place) => {
    const canvas = element("canvas");
    const isStrip = !isStacked && block.columns === 1 && place > 0;
    canvas.className = isStrip ? "strip" : "";
    canvas.style.height = `${heightOf(block)}px`;
    const describe = (cell) => describeCell(block, cell, title.split(":")[0]);
    connectCells(canvas, block, describe, readout, `${title}, ${caption}: ${block.name}`);
    drawLater(canvas, () => {
      if (vector(mode) === null) return;
      const largest = Math.max(...blocks.map((each) => largestSize(valuesOf(each, mode))));
      paint(canvas, valuesOf(block, mode), block.rows, block.columns, painter(largest));
      const end = brief(largest);
      legend.textContent = `${caption}, ${largest === 0 ? "all of them 0" : `from −${end} (vermilion) to ${end} (blue)`}`;
    });
    map.append(canvas);
  });
  return [map, readout];
}

function heightOf({rows}) {
  return Math.min(420, Math.max(24, 24 * rows));
}

function describeCell(block, cell, layer) {
  const offset = block.offset + cell;
  const name = (neurons, unit) => (neurons === null ? block.name : nodeName(neurons, unit));
  return {
    heading: layer,
    numbers: [[block.name, textAt("weight", offset)], ["gradient", textAt("gradient", offset)]],
    words: [
      ["row", name(block.row_neurons, Math.floor(cell / block.columns))],
      ["column", name(block.column_neurons, cell % block.columns)],
    ],
  };
}

// Let the cursor and the arrow keys go through the cells of a canvas.
function connectCells(canvas, {rows, columns}, describe, readout, label) {
  let cell = 0;
  canvas.tabIndex = 0;
  canvas.setAttribute("role", "application");
  canvas.setAttribute("aria-roledescription", "heatmap");
  canvas.setAttribute("aria-label", `${label}, ${rows} rows, ${columns} columns; arrow keys read`);
  canvas.addEventListener("pointermove", (event) => {
    const {left, top, width, height} = canvas.getBoundingClientRect();
    const column = Math.floor((event.clientX - left) / width * columns);
    const row = Math.floor((event.clientY - top) / height * rows);
    if (row < 0 || row >= rows || column < 0 || column >= columns) return;
    cell = row * columns + column;
    showTip(describe(cell), event);
  });
  canvas.addEventListener("pointerleave", hideTip);
  canvas.addEventListener("keydown", (event) => {
    const step = {
      ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns,
    }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    if (cell + step >= 0 && cell + step < rows * columns) cell += step;
    const {numbers, words} = describe(cell);
    const parts = [...words, ...numbers].map(([term, text]) => `${term} ${text}`);
    readout.textContent = parts.join(", ");
  });
}

// -- pictures -------------------------------------------------------------------------------

function drawPictures({units, layer, side, total}) {
  const section = document.getElementById("pictures");
  const which = units.length < total ? `The ${units.length} strongest of ${total}` : `All ${total}`;
  const showNote = () => {
    section.querySelector("p").textContent = `${which} neurons of ${layer}: each one's `
      + `${pictureMode()}s for the ${side} × ${side} inputs, at the pixels' places.`;
  };
  section.hidden = false;
  refreshers.push(showNote);
  showNote();
  const list = document.getElementById("picture-list");
  for (const unit of units) {
    const figure = element("figure");
    const canvas = element("canvas");
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", `Weights of ${nodeId(1, unit)}`);
    const block = {
      name: "weight", offset: edgeOffset(0, 0, unit), rows: side, columns: side,
      row_neurons: null, column_neurons: null,
    };
    connectPicture(canvas, block, unit);
    drawLater(canvas, () => {
      const values = valuesOf(block, pictureMode());
      paint(canvas, values, side, side, painter(largestSize(values)));
    });
    const name = button(nodeId(1, unit), () => {
      choose({node: {column: 1, unit}});
      frame.scrollIntoView({block: "nearest"});
    }, "link");
    figure.append(canvas, name);
    list.append(figure);
  }
}

function pictureMode() {
  return reader.mode === "gradient" ? "gradient" : "weight";
}

function connectPicture(canvas, {rows, columns}, unit) {
  canvas.addEventListener("pointermove", (event) => {
    const {left, top, width, height} = canvas.getBoundingClientRect();
    const column = Math.min(columns - 1, Math.floor((event.clientX - left) / width * columns));
    const row = Math.min(rows - 1, Math.floor((event.clientY - top) / height * rows));
    const source = row * columns + column;
    const offset = edgeOffset(0, source, unit);
    showTip({
      heading: nodeName(1, unit),
      numbers: [["weight", textAt("weight", offset)], ["gradient", textAt("gradient", offset)]],
      words: [["pixel", `row ${row}, column ${column}`], ["from", nodeName(0, source)]],
    }, event);
  });
  canvas.addEventListener("pointerleave", hideTip);
}
