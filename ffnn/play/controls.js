// Buttons and settings: each sends a command; what they show comes back with the frames.

const SETTINGS = ["data", "noise", "test_share", "learning_rate", "batch_size", "optimizer", "loss", "seed", "normalization", "dropout", "penalty", "strength"];
const by = (id) => document.getElementById(id);

function fill(select, values) { select.replaceChildren(...values.map((value) => new Option(value, value))); }

function change(values) { send({ do: "settings", values }); }

function prepareControls() {
  document.body.classList.toggle("watch", FACTS.watch);
  document.body.classList.toggle("fixed", Boolean(FACTS.fixed));
  by("stop").hidden = !FACTS.watch; by("reset").hidden = FACTS.watch;
  by("run").addEventListener("click", () => send({ do: by("run").textContent === "Pause" ? "pause" : "run" }));
  for (const id of ["batch", "epoch", "reset", "stop"]) by(id).addEventListener("click", () => send({ do: id }));
  by("speed").addEventListener("change", () => send({ do: "speed", value: by("speed").value ? Number(by("speed").value) : null }));
  if (FACTS.watch) by("speed").value = "";
  else send({ do: "speed", value: 1000 });
  by("edges").addEventListener("change", () => { graph.what = by("edges").value; redraw(); });
  for (const id of SETTINGS) {
    const control = by(id);
    if (control.tagName === "SELECT" && FACTS.choices?.[id]) fill(control, FACTS.choices[id]);
    if (control.type === "range") control.addEventListener("input", () => { by(`${id}-shown`).value = control.value; });
    control.addEventListener("change", () => {
      if (FACTS.watch) send({ do: "rate", value: control.valueAsNumber });
      else if (control.type === "number" && !control.checkValidity()) say(`${control.labels[0].firstChild.textContent.trim()}: ${control.validationMessage}`);
      else change({ [id]: control.tagName === "SELECT" ? control.value : control.valueAsNumber });
    });
  }
  by("batch_size").parentElement.hidden = FACTS.watch;
  by("add-layer").addEventListener("click", () => resize((hidden) => [...hidden, hidden.at(-1) ?? [4, "tanh"]]));
  by("remove-layer").addEventListener("click", () => resize((hidden) => hidden.slice(0, -1)));
  by("save-picture").addEventListener("click", savePicture);
  by("load-settings").addEventListener("change", loadSettings);
}

function resize(change_) { if (latest) change({ hidden: change_(latest.facts.settings.hidden.map((layer) => [...layer])) }); }

function showControls(facts) {
  const isOver = facts.state === "finished" || facts.state === "diverged";
  by("run").textContent = facts.state === "running" ? "Pause" : "Run";
  for (const id of ["run", "batch", "epoch"]) by(id).disabled = isOver;
  by("stop").disabled = isOver;
  by("epochs").textContent = counted(facts.epoch);
  by("updates").textContent = counted(facts.updates);
  by("pace").textContent = counted(facts.speed);
  say(facts.message || facts.refusal || "");
  by("parameters").textContent = facts.parameters;
  if (facts.rows) by("rows").textContent = `${counted(facts.rows[0])} training rows, ${counted(facts.rows[1])} test rows`;
  if (FACTS.watch) { show(by("learning_rate"), facts.rate); return; }
  const settings = facts.settings;
  if (by("loss").dataset.key !== String(facts.losses)) { fill(by("loss"), facts.losses); by("loss").dataset.key = facts.losses; }
  for (const id of SETTINGS) {
    show(by(id), settings[id]);
    const shown = by(`${id}-shown`);
    if (shown && document.activeElement !== by(id)) shown.value = settings[id];
  }
  const isToy = !["digits", "own"].includes(settings.data);
  document.querySelectorAll(".for-toys").forEach((part) => { part.hidden = !isToy; });
  by("strength").disabled = settings.penalty === "none";
  if (FACTS.most) by("add-layer").disabled = settings.hidden.length >= FACTS.most[0];
  by("remove-layer").disabled = !settings.hidden.length;
}

// A frame that was on its way when a control was set does not set it back.
const setAt = new WeakMap();
for (const name of ["input", "change"]) document.addEventListener(name, (event) => setAt.set(event.target, performance.now()), true);

function check(box, checked) { if (performance.now() - (setAt.get(box) ?? -1e9) > 600) box.checked = checked; }

function show(control, value) { if (document.activeElement !== control && control.value !== String(value)) control.value = value; }

function say(text) { if (by("message").textContent !== text) by("message").textContent = text; }

// -- the layers above their columns ---------------------------------------------------------------

let layersShown = "";

function showLayers(facts) {
  const hidden = facts.settings && !FACTS.fixed ? facts.settings.hidden : null;
  const key = JSON.stringify([hidden, facts.columns.map((c) => [c.layer, c.size, c.activation])]);
  if (key !== layersShown) {
    const place = focusPlace();
    layersShown = key;
    by("layers").replaceChildren(...facts.columns.map((column, k) => layerHead(column, k, hidden)));
    if (place) by(place)?.focus();
  }
  facts.columns.forEach((column, k) => {
    const ratio = by(`ratio-${k}`), freeze = by(`freeze-${k}`);
    if (ratio) ratio.textContent = column.ratio === null ? "" : `update ${percent(column.ratio)}`;
    if (freeze) check(freeze, column.frozen);
  });
}

function focusPlace() { const active = document.activeElement; return active && by("layers").contains(active) ? active.id : ""; }

function percent(share) { return `${(100 * share).toPrecision(2)} %`.replace("e+", "e"); }

function layerHead(column, k, hidden) {
  const head = document.createElement("div");
  head.append(text("span", column.layer, "name"));
  const layer = hidden && k > 0 && k <= hidden.length ? hidden[k - 1] : null;
  if (layer) {
    const choice = document.createElement("select");
    choice.id = `activation-${k}`; choice.setAttribute("aria-label", `activation of ${column.layer}`);
    fill(choice, FACTS.choices.activation); choice.value = layer[1];
    choice.addEventListener("change", () => resize((all) => { all[k - 1][1] = choice.value; return all; }));
    const units = text("span", "", "units");
    units.append(step(k, -1, column), text("span", String(column.size)), step(k, 1, column));
    head.append(choice, units);
  } else {
    head.append(text("span", column.activation), text("span", `${counted(column.size)} ${column.kind === "input" ? "input" : "unit"}${column.size === 1 ? "" : "s"}`));
  }
  if (k > 0 && !FACTS.watch) {
    const label = document.createElement("label"), box = document.createElement("input");
    label.className = "check"; box.type = "checkbox"; box.id = `freeze-${k}`;
    box.setAttribute("aria-label", `freeze ${column.layer}`);
    box.addEventListener("change", () => send({ do: "freeze", layer: column.layer, frozen: box.checked }));
    label.append(box, "freeze"); head.append(label);
  }
  if (k > 0) { const ratio = text("span", "", "note"); ratio.id = `ratio-${k}`; ratio.title = "|Δw| / |w| of the last update"; head.append(ratio); }
  return head;
}

function step(k, by_, column) {
  const button = document.createElement("button");
  button.type = "button"; button.id = `units-${by_ > 0 ? "more" : "fewer"}-${k}`;
  button.textContent = by_ > 0 ? "+" : "−";
  button.setAttribute("aria-label", `${by_ > 0 ? "one more unit" : "one unit less"} in ${column.layer}`);
  button.disabled = by_ < 0 ? column.size <= 1 : column.size >= FACTS.most[1];
  button.addEventListener("click", () => resize((all) => { all[k - 1][0] += by_; return all; }));
  return button;
}

function text(tag, content, name = "") { const made = document.createElement(tag); made.textContent = content; if (name) made.className = name; return made; }

// -- files -----------------------------------------------------------------------------------------

function savePicture() {
  by("graph").toBlob((blob) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob); link.download = "network.png"; link.click();
    URL.revokeObjectURL(link.href);
  });
}

async function loadSettings() {
  const file = by("load-settings").files[0];
  if (!file) return;
  try {
    const values = JSON.parse(await file.text())["ffnn play"];
    if (Object.prototype.toString.call(values) !== "[object Object]") throw new TypeError("no settings");
    change(values);
  } catch { say("Load settings: expected a file that the page of ffnn play has saved"); }
  by("load-settings").value = "";
}
