// Finding a neuron by its id or its name.

const search = {text: "", matches: [], next: 0, before: null};

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
  search.before ??= {
    chosen: reader.chosen, zoom, left: frame.scrollLeft, top: frame.scrollTop,
  };
  choose({node: {column, unit}});
  centre(column, unit);
}

// Bring a node into the middle of the frame, and the frame into the window.
function centre(column, unit) {
  const {x, y} = scene.columns[column];
  frame.scrollLeft = x - frame.clientWidth / 2;
  frame.scrollTop = (y.get(unit) ?? 0) - frame.clientHeight / 2;
  frame.scrollIntoView({block: "nearest"});
}

// Go back to what was seen before the search.
function clearSearch() {
  Object.assign(search, {text: "", matches: [], next: 0});
  document.getElementById("found").textContent = "";
  if (search.before === null) return;
  const {chosen, zoom: wanted, left, top} = search.before;
  search.before = null;
  zoomTo(wanted);
  choose(chosen);
  frame.scrollLeft = left;
  frame.scrollTop = top;
}

function connectSearch() {
  const query = document.getElementById("query");
  query.placeholder = page.columns.at(-1).ids[0];
  document.getElementById("search").addEventListener("submit", searchNode);
  query.addEventListener("input", () => {
    if (!query.value.trim()) clearSearch();
  });
}
