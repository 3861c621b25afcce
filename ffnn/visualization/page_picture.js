// The inputs of an image as one picture in place of a node for each.

// Draw the row; or of the chosen neuron of the first layer what leads to it; or how strong each is.
function drawPictureNode(y) {
  const {side} = scene;
  const [chosen] = chosenNodes().filter(({column, unit}) => column === 1 && unit >= 0);
  const {values, caption, isSigned} = pictureValues(chosen);
  const x = scene.columns[0].x - side - 6;
  const square = {x, y: y - side / 2, width: side, height: side};
  return [
    drawn("image", {...square, href: pictureUrl(values, isSigned)}),
    drawn("rect", {...square, class: "frame"}),
    ...caption.map((line, number) => drawn("text", {
      x: x + side / 2, y: y + side / 2 + 14 + 14 * number, class: "small", "text-anchor": "middle",
    }, line)),
  ];
}

function pictureValues(chosen) {
  const inputs = [...page.columns[0].ids.keys()];
  if (chosen) {
    const valueOf = edgeValues(reader.mode);
    const names = {
      weight: "weights to", gradient: "gradients of", forward: "contributions to",
      backward: "gradients of",
    };
    return {
      values: inputs.map((input) => valueOf(0, input, chosen.unit)), isSigned: true,
      caption: [names[reader.mode], nodeId(1, chosen.unit)],
    };
  }
  const pass = passAt(reader.state);
  if (pass === null) {
    const sums = strengths(0);
    const caption = ["length of the", "weights of each"];
    return {values: [...sums].map(Math.sqrt), isSigned: false, caption};
  }
  if (reader.mode === "backward") {
    const caption = ["gradient of the loss", "at each input"];
    return {values: inputSlopes(pass), isSigned: true, caption};
  }
  return {
    values: inputs.map((input) => outputAt(pass, 0, input)), isSigned: false,
    caption: [`row ${reader.row + 1}`],
  };
}

// Return ∂L/∂x of the row for each input of the first layer: Σ δ W.
function inputSlopes(pass) {
  const {inputs, weight, factor} = page.connections[0];
  const weights = vector("weight");
  const slopes = new Float64Array(inputs);
  for (let unit = 0; unit < page.columns[1].ids.length; unit++) {
    const slope = factor * pass.slopes[placeInPass(1, unit)];
    if (slope === 0) continue;
    for (let i = 0; i < inputs; i++) slopes[i] += slope * weights[weight + unit * inputs + i];
  }
  return [...slopes];
}
