// Numbers on edges, moved along them until no two overlap.

const MOST_LABELS = 30; // of all edges; of more, only those of the chosen neuron have a number
const LABEL_HEIGHT = 13;
const MIN_GAP = 80; // between columns, for a number to fit
const SHARES = [0.5, 0.42, 0.58, 0.34, 0.66, 0.27, 0.73, 0.2, 0.8, 0.14, 0.86];

function drawEdgeLabels({edges, columns, radius, gap}) {
  const group = drawn("g", {class: "labels", "aria-hidden": "true"});
  const chosen = edges.filter((edge) => isChosenEdge(edge) && edge.value !== 0);
  let labelled = chosen;
  if (!chosen.length) labelled = edges.length <= MOST_LABELS ? edges : [];
  if (labelled.length > MOST_LABELS || gap < MIN_GAP) return group;
  const taken = columns.flatMap(({x, sumX, y}) => [...y.values()].map((height) => (
    {x: (x + sumX) / 2, y: height, width: Math.abs(x - sumX) + 2 * radius, height: 2 * radius}
  )));
  for (const {edge, box, text} of placeLabels(labelled, taken)) {
    group.append(
      drawn("rect", {
        x: box.x - box.width / 2, y: box.y - box.height / 2, width: box.width, height: box.height,
        rx: 3,
      }),
      drawn("text", {x: box.x, y: box.y, class: signOf(edge.value)}, text),
    );
  }
  return group;
}

// Return where each number stands: on its edge, as near to the middle as it is free; or nowhere.
function placeLabels(edges, taken) {
  const placed = [];
  const boxes = [...taken];
  for (const edge of edges) {
    const text = brief(edge.value);
    const width = 6.4 * text.length + 4;
    const places = SHARES.map((share) => ({
      x: edge.x0 + share * (edge.x1 - edge.x0), y: edge.y0 + share * (edge.y1 - edge.y0),
      width, height: LABEL_HEIGHT,
    }));
    const box = places.find((place) => !boxes.some((other) => overlap(place, other)));
    if (box === undefined) continue;
    boxes.push(box);
    placed.push({edge, box, text});
  }
  return placed;
}

function overlap(one, other) {
  return Math.abs(one.x - other.x) < (one.width + other.width) / 2
    && Math.abs(one.y - other.y) < (one.height + other.height) / 2;
}
