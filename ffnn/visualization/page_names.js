// What is written beside and over the columns: names, bars of the outputs, captions.

// -- names and bars -------------------------------------------------------------------------

function drawNames(column, unit, x, y) {
  if (unit === FOLDED) {
    return [drawn("text", {
      x, y: y + scene.radius + 10, class: "small", "text-anchor": "middle",
    }, `+ ${grouped(numFolded(column))} more`)];
  }
  if (unit < 0 || (column > 0 && column < page.columns.length - 1)) return [];
  const isLast = column > 0;
  const nameOf = isLast && page.rows !== null ? outputName : drawnName;
  const name = nameOf(column, unit, scene.longest);
  const side = isLast ? 1 : -1;
  const beside = x + side * (scene.radius + 6);
  const parts = isLast && reader.row !== null ? drawBar(unit, beside, y, name) : [];
  if (parts.length) return parts;
  return [drawn("text", {
    x: beside, y, class: "name", "text-anchor": isLast ? "start" : "end",
  }, name)];
}

// Draw an output as a bar behind its name and number; the row's own class has a mark.
function drawBar(unit, x, y, name) {
  const pass = passAt(reader.state);
  const last = page.columns.length - 1;
  if (pass === null) return [];
  const value = outputAt(pass, last, unit);
  const room = scene.width - x - 8;
  const scale = page.rows.are_shares ? 1 : nodeScale(last, "output") || 1;
  const isNumber = page.columns[last].ids.length === 1 && !page.rows.are_shares;
  const share = isNumber ? 0 : Math.min(1, Math.abs(value) / scale);
  const thick = Math.min(scene.pitch - 3, 20);
  const box = {x, y: y - thick / 2, height: thick, rx: 3};
  const isRight = page.rows.classes?.[reader.row] === unit && page.columns[last].ids.length > 1;
  const number = page.rows.are_shares ? value.toFixed(3) : brief(value);
  const most = Math.max(1, Math.floor((room - 12) / CHARACTER) - number.length - 2);
  const text = shortName(`${isRight ? "✓ " : ""}${name}`, most);
  return [
    drawn("rect", {...box, width: room, class: isRight ? "room label" : "room"}),
    drawn("rect", {...box, width: Math.max(1, room * share), class: `bar ${signOf(value)}`}),
    drawn("text", {x: x + 6, y, class: "name"}, text),
    drawn("text", {x: x + room - 6, y, class: "name", "text-anchor": "end"}, number),
  ];
}

// Return a number in at most five letters, which a node has room for.
function fitted(value) {
  const size = Math.abs(value);
  if (!(size < 1000)) return brief(value, 1);
  return value.toFixed(size >= 10 ? 0 : size >= 1 ? 1 : 2);
}

// Return an output's name, or its number alone.
function outputName(column, unit, most) {
  const {names, ids} = page.columns[column];
  return names === null && ids.length > 1 ? String(unit) : drawnName(column, unit, most);
}

// -- captions -------------------------------------------------------------------------------

// Write over each column what it is, aslant where there is little room.
function drawCaptions() {
  const group = drawn("g", {class: "captions"});
  const every = Math.ceil(20 / scene.gap);
  page.columns.forEach(({layer, kind, activation, frozen, ids}, column) => {
    if (column % every) return;
    const still = frozen ? " · frozen" : "";
    const count = `${grouped(ids.length)} ${kind}${ids.length === 1 ? "" : "s"}${still}`;
    const {x: right, sumX} = scene.columns[column];
    let x = (right + sumX) / 2;
    if (scene.gap < ASLANT) {
      group.append(drawn("text", {
        x: 0, y: 0, transform: `translate(${x} ${scene.top - 12}) rotate(-40)`,
      }, `${shortName(layer, 14)} · ${grouped(ids.length)}`));
      return;
    }
    const isFirst = column === 0;
    let anchor = "middle";
    if (isFirst && isPicture) x = right - 6 - scene.side / 2;
    else if (isFirst && scene.left < 60) anchor = "start";
    if (anchor === "start") x = 4;
    [layer, count, shortName(activation, Math.floor(scene.gap / 6))].forEach((line, number) => {
      group.append(drawn("text", {
        x, y: 16 + 15 * number, "text-anchor": anchor, class: number ? "" : "layer",
      }, line));
    });
  });
  return group;
}
