// The controls, and the beginning of it all.

function connectControls() {
  for (const input of document.querySelectorAll("#modes input")) {
    const isOfRow = isRowMode(input.value);
    input.disabled = isOfRow || (input.value === "gradient" && page.no_gradient !== null);
    input.addEventListener("change", () => {
      setMode(input.value);
      refreshAll();
    });
    input.parentElement.hidden = isOfRow && page.rows === null;
  }
  const note = document.getElementById("no-gradient");
  note.hidden = page.no_gradient === null;
  note.textContent = page.no_gradient;
  const detail = document.getElementById("detail");
  detail.max = DETAILS.length - 1;
  detail.value = reader.detail;
  detail.addEventListener("input", () => {
    reader.detail = Number(detail.value);
    refreshGraph();
  });
  const apart = document.getElementById("apart");
  apart.addEventListener("change", () => {
    reader.apart = apart.checked;
    refreshGraph();
  });
  document.getElementById("zoom-in").addEventListener("click", () => zoomTo(1.4 * zoom));
  document.getElementById("zoom-out").addEventListener("click", () => zoomTo(zoom / 1.4));
  document.getElementById("reset").addEventListener("click", () => {
    zoomTo(1);
    choose(null);
  });
}

function setMode(mode) {
  reader.mode = mode;
  document.querySelector(`#modes input[value=${mode}]`).checked = true;
}

function refreshGraph() {
  drawGraph();
  fillTable();
}

function refreshAll() {
  if (reader.mode === "gradient" && vector("gradient") === null) setMode("weight");
  if (isRowMode(reader.mode) && !hasMode(reader.mode)) setMode("weight");
  refreshGraph();
  showDetails();
  tellRow();
  for (const refresh of refreshers) refresh();
}

async function open() {
  document.getElementById("title").textContent = page.title;
  document.getElementById("facts").textContent = page.facts;
  document.getElementById("left-out").textContent = page.left_out;
  if (!("DecompressionStream" in window)) {
    document.getElementById("shown").textContent = "This page needs a browser of 2023 or later.";
    return;
  }
  await decode();
  reader.detail = detailAtRest();
  connectControls();
  connectSearch();
  connectRows();
  connectGraph();
  connectTable();
  connectEpochs();
  refreshAll();
  page.panels.forEach(drawPanel);
  if (isPicture) drawPictures(page.pictures);
  const scheme = window.matchMedia("(prefers-color-scheme: dark)");
  scheme.addEventListener("change", refreshAll);
  let {clientWidth: width} = frame;
  new ResizeObserver(() => {
    if (frame.clientWidth === width) return;
    width = frame.clientWidth;
    refreshGraph();
  }).observe(frame);
  document.documentElement.dataset.ready = "true";
}

open();
