// The rows: one is chosen and sent through the network.

function connectRows() {
  if (page.rows === null) return;
  document.getElementById("rows").hidden = false;
  document.getElementById("no-row").addEventListener("click", () => chooseRow(null));
  if (isPicture) listPictures();
  else listNames();
}

function listPictures() {
  const list = document.getElementById("row-list");
  for (let row = 0; row < page.rows.count; row++) {
    const choice = button("", () => chooseRow(row), "row");
    choice.setAttribute("aria-label", rowName(row));
    choice.append(rowPicture(row), element("span", shortName(rowLabel(row), 7)));
    choice.tabIndex = row === 0 ? 0 : -1;
    list.append(choice);
  }
  list.addEventListener("keydown", moveAmongRows);
}

// The rows are one stop of the Tab key, within which arrows go from row to row.
function moveAmongRows(event) {
  const choices = [...document.querySelectorAll("#row-list .row")];
  const here = choices.indexOf(document.activeElement);
  const last = choices.length - 1;
  const next = {
    ArrowRight: here + 1, ArrowDown: here + 1, ArrowLeft: here - 1, ArrowUp: here - 1,
    Home: 0, End: last,
  }[event.key];
  if (next === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  const to = choices[Math.max(0, Math.min(last, next))];
  choices[here].tabIndex = -1;
  to.tabIndex = 0;
  to.focus();
}

function listNames() {
  const select = element("select");
  select.setAttribute("aria-label", "Row");
  select.append(new Option("choose a row", ""));
  for (let row = 0; row < page.rows.count; row++) select.append(new Option(rowName(row), row));
  select.addEventListener("change", () => {
    chooseRow(select.value === "" ? null : Number(select.value));
  });
  document.getElementById("row-list").append(select);
}

function rowPicture(row) {
  const canvas = element("canvas");
  const {side} = page.pictures;
  canvas.setAttribute("aria-hidden", "true");
  const fill = () => {
    const size = page.columns[0].ids.length;
    const values = page.rows.inputs.subarray(row * size, (row + 1) * size);
    paint(canvas, values, side, side, painter(largestSize(values), false));
  };
  refreshers.push(fill);
  fill();
  return canvas;
}

function rowLabel(row) {
  return page.rows.labels === null ? `${row + 1}` : page.rows.labels[row];
}

function rowName(row) {
  return page.rows.labels === null ? `Row ${row + 1}` : `Row ${row + 1}: ${rowLabel(row)}`;
}

// Send a row through the network, or none.
function chooseRow(row) {
  const isFirst = reader.row === null;
  reader.row = row;
  for (const input of document.querySelectorAll("#modes input")) {
    if (isRowMode(input.value)) input.disabled = !hasMode(input.value);
  }
  if (row === null && isRowMode(reader.mode)) setMode("weight");
  if (row !== null && isFirst && hasMode("forward")) setMode("forward");
  refreshAll();
}

// Tell whether the edges can show what the row does, in the chosen state.
function hasMode(mode) {
  const pass = passAt(reader.state);
  return pass !== null && (mode === "forward" || pass.slopes !== null);
}

function tellRow() {
  document.querySelectorAll("#row-list .row").forEach((choice, row) => {
    choice.setAttribute("aria-pressed", String(row === reader.row));
    if (reader.row !== null) choice.tabIndex = row === reader.row ? 0 : -1;
  });
  const select = document.querySelector("#row-list select");
  if (select !== null) select.value = reader.row ?? "";
  document.getElementById("no-row").hidden = reader.row === null;
  // Neurons that are filled by their number do not show of which kind they are.
  for (const [kind, column] of [["input", 0], ["neuron", 1], ["output", page.columns.length - 1]]) {
    document.querySelector(`.legend .${kind}`).hidden = nodeValue(column, 0, "output") !== null;
  }
  document.getElementById("row-facts").textContent = describeRow();
}

function describeRow() {
  if (reader.row === null) return "Choose a row to see what the network makes of it.";
  const pass = passAt(reader.state);
  if (pass === null) {
    return "What it made of this row then is not known: the statistics of batches were not kept.";
  }
  const parts = [rowName(reader.row)];
  const last = page.columns.length - 1;
  const size = page.columns[last].ids.length;
  if (page.rows.classes !== null && size > 1) {
    const outputs = Array.from({length: size}, (_, unit) => outputAt(pass, last, unit));
    const best = outputs.indexOf(Math.max(...outputs));
    const isRight = best === page.rows.classes[reader.row];
    const name = page.columns[last].names?.[best] ?? best;
    parts.push(`answered ${name} (${brief(outputs[best])}), ${isRight ? "right" : "wrong"}`);
  } else if (size === 1) {
    parts.push(`answered ${brief(outputAt(pass, last, 0), 4)}`);
  }
  if (pass.losses !== null) parts.push(`loss ${told(pass.losses[reader.row])}`);
  return parts.join(", ");
}
