// The search, the switch and the slider; and the beginning of it all.

// -- search ---------------------------------------------------------------------------------

const search = {text: "", matches: [], next: 0};

// Return all nodes whose id or name is the text; or else begins with it; or else contains it.
function findNodes(text) {
  const all = page.columns.flatMap(({ids, names, bias_node: biasNode}, column) => {
    const found = ids.map((id, unit) => ({column, unit, texts: [id, names?.[unit] ?? id]}));
    if (biasNode !== null) found.push({column, unit: BIAS, texts: [biasNode]});
    return found;
  });
  const wanted = text.toLowerCase();
  const tests = [
    (name) => name === wanted,
    (name) => name.startsWith(wanted),
    (name) => name.includes(wanted),
  ];
  for (const test of tests) {
    const matches = all.filter(({texts}) => texts.some((each) => test(each.toLowerCase())));
    if (matches.length) return matches;
  }
  return [];
}

function searchNode(event) {
  event.preventDefault();
  const text = document.getElementById("query").value.trim();
  if (!text) return;
  if (text !== search.text) Object.assign(search, {text, matches: findNodes(text), next: 0});
  const found = document.getElementById("found");
  const {matches, next} = search;
  if (!matches.length) {
    found.textContent = `No neuron is called “${text}”.`;
    return;
  }
  const {column, unit} = matches[next];
  search.next = (next + 1) % matches.length;
  found.textContent = matches.length === 1
    ? `Found ${nodeId(column, unit)}.`
    : `${next + 1} of ${matches.length}; Find again for the next.`;
  choose({node: {column, unit}});
  centre(column, unit);
}

// Bring a node into the middle, near enough to tell it from its neighbours.
function centre(column, unit) {
  const {x, y} = nodes[viewName()].data;
  const place = placeOfNode(column, unit);
  const ranges = [[graph.x_range, x[place], 3.2], [graph.y_range, y[place], 16]];
  for (const [range, middle, most] of ranges) {
    const half = Math.min(range.end - range.start, most) / 2;
    range.setv({start: middle - half, end: middle + half});
  }
}

// -- the switch and the slider ----------------------------------------------------------------

function connectControls() {
  document.getElementById("query").placeholder = page.columns.at(-1).ids[0];
  document.getElementById("search").addEventListener("submit", searchNode);
  document.addEventListener("keydown", ({key}) => {
    if (key === "Escape") choose(null);
  });
  for (const input of document.querySelectorAll("#modes input")) {
    input.disabled = input.value === "gradient" && page.no_gradient !== null;
    input.addEventListener("change", () => {
      reader.mode = input.value;
      refreshAll();
    });
  }
  const note = document.getElementById("no-gradient");
  note.hidden = page.no_gradient === null;
  note.textContent = page.no_gradient;
  const slider = document.getElementById("epoch");
  document.getElementById("epochs").hidden = page.states.length === 1;
  slider.max = page.states.length - 1;
  slider.value = reader.state;
  slider.addEventListener("input", () => {
    reader.state = Number(slider.value);
    showState();
    refreshAll();
  });
}

function showState() {
  document.getElementById("state").textContent = page.states[reader.state].label;
}

function refreshAll() {
  showGraph();
  showDetails();
  for (const refresh of refreshers) refresh();
}

async function open() {
  document.getElementById("title").textContent = page.title;
  document.getElementById("facts").textContent = page.facts;
  document.getElementById("left-out").textContent = page.left_out;
  connectControls();
  showState();
  await drawGraph();
  showDetails();
  page.panels.forEach(drawPanel);
  if (page.pictures !== null) drawPictures(page.pictures);
  document.documentElement.dataset.ready = "true";
}

open();
