// What is changed by hand, and the row that is sent through the network.

let editLoss = null; // the training loss before the change
let pendingEdit = null; // sent with the next frame of the screen, as the mouse is quicker

function prepareTouch() {
  const canvas = by("graph");
  canvas.addEventListener("pointermove", (event) => {
    if (!graph.frame) return;
    if (graph.drag) { dragTo(event); return; }
    const found = under(...placeOf(event));
    by("hover").textContent = found ? describe(found) : "";
  });
  canvas.addEventListener("pointerleave", () => { by("hover").textContent = ""; });
  canvas.addEventListener("pointerdown", (event) => {
    if (!graph.frame) return;
    const found = under(...placeOf(event));
    if (!found) return;
    by("hover").textContent = describe(found);
    if (found.k > 0) choose({ k: found.k, unit: found.unit, source: found.is === "edge" ? found.source : -1 });
    if (found.is === "node" || FACTS.watch) return;
    canvas.setPointerCapture(event.pointerId);
    graph.drag = { x: event.clientX, value: entry("weight", graph.selected), moved: false };
  });
  for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, () => { graph.drag = null; });
  by("touch-layer").addEventListener("change", () => choose({ k: Number(by("touch-layer").value), unit: 0, source: -1 }));
  by("touch-unit").addEventListener("change", () => choose({ ...graph.selected, unit: Number(by("touch-unit").value) }));
  by("touch-source").addEventListener("change", () => choose({ ...graph.selected, source: Number(by("touch-source").value) }));
  by("touch-value").addEventListener("change", () => { const value = by("touch-value").valueAsNumber; if (Number.isFinite(value)) edit(value, true); });
  let begun = false;
  by("touch-slider").addEventListener("input", () => { edit(by("touch-slider").valueAsNumber, !begun); begun = true; });
  by("touch-slider").addEventListener("change", () => { begun = false; });
  by("undo").addEventListener("click", () => send({ do: "undo" }));
  by("switch-off").addEventListener("change", () => send({ do: "switch", column: graph.selected.k, unit: graph.selected.unit, off: by("switch-off").checked }));
  by("row").addEventListener("change", () => { if (by("row").value !== "") probe(by("row").valueAsNumber); });
  by("next-row").addEventListener("click", () => { by("row").value = by("row").value === "" ? 0 : (by("row").valueAsNumber + 1) % latest.facts.rows[1]; probe(by("row").valueAsNumber); });
  preparePad();
}

function probe(row) { send({ do: "probe", row }); }

function dragTo(event) {
  const moved = event.clientX - graph.drag.x;
  if (!graph.drag.moved && Math.abs(moved) < 3) return;
  edit(graph.drag.value + moved * 0.02, !graph.drag.moved);
  graph.drag.moved = true;
}

function edit(value, begins) {
  const { k, unit, source } = graph.selected, layer = latest.facts.columns[k].layer;
  if (begins) {
    if (latest.facts.state === "running") send({ do: "pause" });
    editLoss = latest.facts.measured.train.loss;
  }
  const isWaiting = pendingEdit !== null;
  pendingEdit = { do: "edit", layer, name: source < 0 ? "bias" : "weight", place: source < 0 ? [unit] : [unit, source], value, begins: begins || Boolean(pendingEdit?.begins) };
  if (!isWaiting) requestAnimationFrame(() => { send(pendingEdit); pendingEdit = null; });
}

function choose(selected) {
  const columns = latest.facts.columns;
  const k = Math.min(selected.k, columns.length - 1);
  const unit = Math.min(selected.unit, columns[k].shown - 1);
  const source = Math.min(selected.source, columns[k - 1].shown - 1);
  if (!isSame(graph.selected, { k, unit, source })) { editLoss = null; setAt.delete(by("switch-off")); }
  graph.selected = { k, unit, source };
  showTouch(latest);
  redraw();
}

let touchShown = "";

function showTouch({ facts }) {
  if (FACTS.watch || facts.columns.length < 2) return;
  if (!graph.selected || graph.selected.k >= facts.columns.length || graph.selected.unit >= facts.columns[graph.selected.k].shown || graph.selected.source >= facts.columns[graph.selected.k - 1].shown) graph.selected = { k: 1, unit: 0, source: facts.columns[0].shown ? 0 : -1 };
  const { k, unit, source } = graph.selected;
  const key = JSON.stringify([k, facts.columns.map((c) => [c.layer, c.labels])]);
  if (key !== touchShown) {
    touchShown = key;
    by("touch-layer").replaceChildren(...facts.columns.slice(1).map((c, i) => new Option(c.layer, i + 1)));
    by("touch-unit").replaceChildren(...facts.columns[k].labels.map((label, i) => new Option(label, i)));
    by("touch-source").replaceChildren(new Option("bias", -1), ...facts.columns[k - 1].labels.map((label, i) => new Option(label, i)));
  }
  show(by("touch-layer"), k); show(by("touch-unit"), unit); show(by("touch-source"), source);
  const value = entry("weight", graph.selected);
  show(by("touch-value"), Number(value?.toPrecision(6)));
  const reach = Math.max(3, Math.ceil(Math.abs(value)));
  by("touch-slider").min = -reach; by("touch-slider").max = reach;
  show(by("touch-slider"), value);
  by("touch-gradient").value = written(entry("gradient", graph.selected));
  const loss = facts.measured?.train.loss;
  by("touch-loss").value = written(loss);
  const delta = editLoss === null || facts.state === "running" ? null : loss - editLoss;
  by("touch-delta").value = delta === null ? "" : `Δ ${delta > 0 ? "+" : ""}${written(delta, 3)}`;
  by("touch-delta").className = delta === null ? "" : delta > 0 ? "worse" : "better";
  by("undo").disabled = !facts.edits;
  by("switch-off").disabled = k === facts.columns.length - 1;
  check(by("switch-off"), facts.columns[k].off.includes(unit));
}

// -- one row -------------------------------------------------------------------------------------------

let padPixels = null;

function preparePad() {
  const pad = by("pad");
  const paint = (event) => {
    const side = latest?.facts.side;
    if (!side || !(event.buttons & 1)) return;
    const box = pad.getBoundingClientRect(), largest = latest.facts.largest;
    padPixels ??= new Array(side * side).fill(0);
    const x = ((event.clientX - box.left) / box.width) * side - 0.5, y = ((event.clientY - box.top) / box.height) * side - 0.5;
    for (let row = 0; row < side; row++) {
      for (let column = 0; column < side; column++) {
        const ink = largest * Math.max(0, 1.15 - Math.hypot(row - y, column - x));
        padPixels[row * side + column] = Math.min(largest, Math.max(padPixels[row * side + column], Math.round(ink)));
      }
    }
    drawPad(padPixels, side, largest);
    by("row").value = "";
    send({ do: "probe", x: padPixels });
  };
  pad.addEventListener("pointerdown", (event) => {
    pad.setPointerCapture(event.pointerId);
    if (by("row").value !== "") padPixels = null; // a row was shown
    paint(event);
  });
  pad.addEventListener("pointermove", paint);
  by("clear-pad").addEventListener("click", () => {
    padPixels = null; by("row").value = "";
    send({ do: "probe", x: new Array(latest.facts.side ** 2).fill(0) });
  });
}

function share(value) { return value === null ? "—" : `${(100 * value).toFixed(1)} %`; }

function drawPad(pixels, side, largest) {
  const context = by("pad").getContext("2d"), size = by("pad").width;
  const levels = Uint8Array.from(pixels, (value) => 128 + Math.round(127 * Math.min(1, value / largest)));
  context.imageSmoothingEnabled = false;
  context.drawImage(picture(levels, side, side, false), 0, 0, size, size);
}

function showProbe({ facts }) {
  by("probe-part").hidden = !facts.rows;
  by("pad-part").hidden = !facts.side;
  if (facts.rows) by("row").max = facts.rows[1] - 1;
  if (facts.side) drawPad(facts.probe ?? new Array(facts.side ** 2).fill(0), facts.side, facts.largest);
  by("truth").textContent = facts.truth === undefined ? "" : `its target: ${typeof facts.truth === "number" ? written(facts.truth) : facts.truth}`;
  const bars = (facts.answer ?? []).slice(0, 20), isShare = Boolean(facts.classes);
  const largest = isShare ? 1 : Math.max(1e-12, ...bars.map(([, value]) => Math.abs(value ?? 0)));
  if (by("answer").childElementCount !== bars.length) {
    by("answer").replaceChildren(...bars.map(() => {
      const row = text("div", "", "bar-row"), track = text("span", "", "track");
      track.append(text("span", "", "fill"));
      row.append(text("span", ""), track, text("span", "", "value"));
      return row;
    }));
  }
  bars.forEach(([name, value], i) => {
    const [label, track, shown] = by("answer").children[i].children;
    label.textContent = name; shown.textContent = isShare ? share(value) : written(value);
    track.firstChild.style.width = `${(100 * Math.abs(value ?? 0)) / largest}%`;
  });
  by("answer").setAttribute("aria-label", bars.length ? `answer: ${bars.map(([name, value]) => `${name} ${isShare ? share(value) : written(value)}`).join(", ")}` : "no row chosen");
}
