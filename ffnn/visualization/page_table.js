// The numbers of the graph as tables, for those who do not see it and for copying.

const table = document.getElementById("table");

function connectTable() {
  table.addEventListener("toggle", fillTable);
}

function fillTable() {
  const content = table.querySelector("div");
  content.replaceChildren();
  if (table.open) content.append(nodesTable(), edgesTable());
}

function nodesTable() {
  const pass = passAt(reader.state);
  const result = element("table");
  const heads = ["neuron", "bias"];
  if (pass !== null) heads.push("sum", "output");
  if (pass?.slopes) heads.push("∂loss/∂sum");
  result.append(element("caption", "Neurons that are drawn"), tableRow("th", ...heads));
  scene.columns.forEach(({units}, column) => {
    const {bias} = page.columns[column];
    for (const unit of units) {
      const texts = [nodeName(column, unit), bias === null ? "" : textAt("weight", bias + unit)];
      if (pass !== null) {
        texts.push(
          column ? brief(pass.sums[placeInPass(column, unit)], 6) : "",
          brief(outputAt(pass, column, unit), 6),
        );
      }
      if (pass?.slopes) texts.push(column ? brief(pass.slopes[placeInPass(column, unit)], 6) : "");
      result.append(tableRow("td", ...texts));
    }
  });
  return result;
}

function edgesTable() {
  const result = element("table");
  const pass = passAt(reader.state);
  const heads = ["from", "to", "weight", "gradient"];
  if (pass !== null) heads.push("contribution");
  if (pass?.slopes) heads.push("gradient of row");
  result.append(element("caption", "Edges that are drawn"), tableRow("th", ...heads));
  for (const {connection, source, target} of scene.edges) {
    if (source === PICTURE) continue;
    const offset = edgeOffset(connection, source, target);
    const texts = [
      nodeName(connection, source), nodeName(connection + 1, target),
      textAt("weight", offset), textAt("gradient", offset),
    ];
    if (pass !== null) texts.push(brief(edgeValues("forward")(connection, source, target), 6));
    if (pass?.slopes) texts.push(brief(edgeValues("backward")(connection, source, target), 6));
    result.append(tableRow("td", ...texts));
  }
  return result;
}
