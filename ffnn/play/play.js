// The page: it shows each frame once the screen is ready for it, and asks for the next one then.

let latest = null; // the frame that is shown
let models = null;
let waiting = [];
let commandNumber = 0;
const drawn = { frames: 0 };

function send(command) {
  waiting.push(command);
  if (waiting.length === 1) queueMicrotask(() => {
    if (models) { models.commands.data = { commands: [JSON.stringify([...waiting, { do: "number", number: ++commandNumber }])] }; waiting = []; }
  });
}

function begin(given) {
  models = given;
  models.frames.properties.data.change.connect(() => requestAnimationFrame(receive));
  models.plane.on_event?.("tap", (event) => { if (latest?.facts.plane) { by("row").value = ""; send({ do: "probe", x: [event.x, event.y] }); } });
  colourFigures();
  prepareControls();
  prepareTouch();
  send({ do: "shown", number: 0 });
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", recolour);
  new ResizeObserver(() => redraw()).observe(by("net"));
}

function lose() {
  say("The page is no longer connected: the program that showed it has ended, or is too busy to answer.");
  document.querySelectorAll("button, input, select").forEach((control) => { control.disabled = true; });
}

function receive() {
  if (!models.frames.data.facts.length) return;
  latest = graph.frame = unpack(models.frames.data);
  const { facts } = latest;
  send({ do: "shown", number: facts.number }); // the next one is made while this one is drawn
  showControls(facts);
  showMeasured(facts);
  if (facts.columns) { showLayers(facts); showTouch(latest); drawNetwork(latest); showTable(latest); }
  showProbe(latest);
  showWrong(latest);
  showFindings(facts.findings);
  drawn.frames += 1;
}

function recolour() {
  readTheme();
  colourFigures();
  redraw();
  if (!latest) return;
  delete by("wrong").dataset.key;
  showWrong(latest);
  showProbe(latest);
}

function redraw() { if (latest?.facts.columns) drawNetwork(latest); }

function showMeasured(facts) {
  by("plane-part").hidden = !facts.plane;
  const range = facts.range ? `From dark, ${written(facts.range[0], 3)}, to light, ${written(facts.range[1], 3)}. ` : "";
  by("plane-note").textContent = facts.plane ? `${range}Points with a light rim are for training, those with a dark one for the test. Click anywhere to send that point through the network.` : "";
  by("squares").textContent = facts.plane ? "Each square is a neuron and shows what it puts out all over the plane." : facts.side ? "Each square is a neuron; those of the first layer show their weights as a picture." : "Each square is a neuron.";
  const measured = facts.measured;
  by("measured").hidden = !measured;
  if (!measured) return;
  const name = Object.keys(measured.train).find((key) => key !== "loss");
  by("metric-name").textContent = name ?? "";
  by("held-out").hidden = !Object.keys(measured.test).length;
  by("held-name").textContent = FACTS.watch ? "validation" : "test";
  for (const rows of ["train", "test"]) {
    by(`${rows}-loss`).textContent = written(measured[rows]?.loss);
    by(`${rows}-metric`).textContent = name ? written(measured[rows]?.[name]) : "";
  }
}

function showWrong({ facts, arrays }) {
  const wrong = facts.wrong ?? [];
  by("wrong-part").hidden = !facts.side;
  by("wrong-count").textContent = wrong.length ? `${wrong[0].of} test rows, the surest first` : "none of the test rows";
  const key = JSON.stringify(wrong.map((row) => [row.row, row.taken]));
  if (key === by("wrong").dataset.key) return;
  by("wrong").dataset.key = key;
  by("wrong").replaceChildren(...wrong.map((row, i) => {
    const button = document.createElement("button"), size = facts.side ** 2;
    const levels = arrays.wrong.values.subarray(i * size, (i + 1) * size);
    button.type = "button";
    button.append(picture(levels, facts.side, facts.side, false), text("span", `${row.is} → ${row.taken}`));
    button.setAttribute("aria-label", `test row ${row.row}: a ${row.is}, taken for ${row.taken}`);
    button.addEventListener("click", () => { by("row").value = row.row; probe(row.row); });
    return button;
  }));
}

function showFindings(findings) {
  const key = JSON.stringify(findings ?? []);
  if (key === by("findings").dataset.key) return;
  by("findings").dataset.key = key;
  by("findings").replaceChildren(...(findings.length ? findings.map((finding) => {
    const item = text("li", "", `found ${finding.severity}`);
    item.append(text("b", `${finding.severity}: ${finding.title}`), text("div", finding.message), text("div", finding.remedy, "note"));
    return item;
  }) : [text("li", "nothing found", "note")]));
}

let tableDue = 0;

function showTable(frame) {
  if (!by("table").open || performance.now() < tableDue) return;
  tableDue = performance.now() + 500;
  const place = by("table").querySelector(".scroll"), kept = [place.scrollLeft, place.scrollTop];
  place.replaceChildren(...frame.facts.columns.slice(1).map((column, i) => {
    const k = i + 1, weight = frame.arrays[`weight/${k}`], bias = frame.arrays[`bias/${k}`];
    const table = document.createElement("table");
    table.append(text("caption", `${column.layer}: a row for each neuron, a column for each input`));
    const row = (cells, tag) => { const made = document.createElement("tr"); made.append(text("th", cells[0]), ...cells.slice(1).map((cell) => text(tag, cell))); made.firstChild.scope = "row"; return made; };
    const sources = frame.facts.columns[i].labels.slice(0, weight.shape[1]);
    table.append(row(["neuron", ...sources, ...(bias ? ["bias"] : [])], "th"));
    column.labels.forEach((label, unit) => table.append(row([label, ...sources.map((_, s) => written(weight.values[unit * sources.length + s])), ...(bias ? [written(bias.values[unit])] : [])], "td")));
    return table;
  }));
  [place.scrollLeft, place.scrollTop] = kept;
}

function colourFigures() {
  for (const figure of [models.loss, models.metric, models.plane]) {
    for (const axis of [...figure.left, ...figure.below]) {
      axis.axis_label_text_color = axis.major_label_text_color = theme.quiet;
      axis.axis_line_color = axis.major_tick_line_color = theme.quiet; axis.minor_tick_line_color = null;
    }
    for (const grid of figure.center) if ("grid_line_color" in grid) grid.grid_line_color = theme.line;
  }
}

readTheme();
by("table").addEventListener("toggle", () => { tableDue = 0; if (latest) showTable(latest); });
window.ffnnPlay = { begin, lose, drawn, get frame() { return latest; }, graph, written };
