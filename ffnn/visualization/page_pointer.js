// What is under the cursor; clicks, keys, and zooming.

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
