// Where nodes and edges are, in pixels.

const CHARACTER = 7; // width of a letter
const ASLANT = 70; // between columns that have no room for captions side by side
const LONGEST_NAME = 18; // the details have the whole name

// Return a name short enough to be drawn.
function shortName(name, most = LONGEST_NAME) {
  const clean = name.replace(/\s+/g, " ");
  return clean.length > most ? `${clean.slice(0, most - 1)}…` : clean;
}

function drawnName(column, unit, most) {
  return shortName(page.columns[column].names?.[unit] ?? nodeId(column, unit), most);
}

// Return where everything is in a drawing of this width; `zoom` spreads it.
function layOut({units, edges}, width, zoom) {
  const isNarrow = width < 560;
  const longest = isNarrow ? 8 : LONGEST_NAME;
  const slots = page.columns.map((_, column) => slotsOf(column, units[column]));
  const most = Math.max(...slots.map(({length}) => length));
  // Few nodes stand further apart, so that there is room for the numbers on their edges.
  const pitch = Math.max(12, Math.min(30, 580 / most), Math.min(64, 380 / most)) * zoom;
  const left = isPicture ? pictureSize(isNarrow) + 16 : roomForNames(0, units[0], longest) + 24;
  const names = roomForNames(page.columns.length - 1, units.at(-1), longest) + 24;
  const right = page.rows === null ? names : isNarrow ? names + 10 * CHARACTER : Math.max(names, 170);
  const gap = Math.max(12, (width - left - right) / page.connections.length) * zoom;
  const top = gap < ASLANT ? 104 : 66;
  const height = top + Math.max(most * pitch, isPicture ? pictureSize(isNarrow) + 40 : 0) + 12;
  const radius = Math.max(3.5, Math.min(13, 0.38 * pitch, 0.36 * gap));
  const isApart = reader.apart && gap > 60;
  const columns = page.columns.map((_, column) => {
    const x = left + column * gap;
    const begin = top + (height - 12 - top - slots[column].length * pitch) / 2 + pitch / 2;
    const y = new Map(slots[column].map((unit, place) => [unit, begin + place * pitch]));
    const hasSum = isApart && column > 0;
    return {x, y, units: units[column], sumX: hasSum ? x - Math.min(46, 0.3 * gap) : x, hasSum};
  });
  if (isPicture) columns[0].y.set(PICTURE, top + (height - 12 - top) / 2);
  const placed = edges.flat().map((edge) => placeEdge(edge, columns));
  return {
    width: left + page.connections.length * gap + right, height, pitch, radius, gap, top, left,
    right, longest, columns, edges: placed, side: isPicture ? pictureSize(isNarrow) : 0,
  };
}

function placeEdge(edge, columns) {
  const [from, to] = [columns[edge.connection], columns[edge.connection + 1]];
  return {
    ...edge, x0: from.x, y0: from.y.get(edge.source), x1: to.sumX, y1: to.y.get(edge.target),
  };
}

// Return the units of a column's nodes from top to bottom, the bias of the next layer first.
function slotsOf(column, units) {
  if (column === 0 && isPicture) return [];
  const slots = [...units];
  if (page.columns[column].bias_node !== null) slots.unshift(BIAS);
  if (units.length < page.columns[column].ids.length) slots.push(FOLDED);
  return slots;
}

function pictureSize(isNarrow) {
  return isNarrow ? 84 : 150;
}

// Return how many pixels the names beside an outer column take.
function roomForNames(column, units, longest) {
  const letters = units.map((unit) => drawnName(column, unit, longest).length);
  return CHARACTER * Math.max(4, ...letters);
}
