// Heatmaps of all values, and first-layer weights as pictures.

const refreshers = []; // what follows the chosen mode and state, beside the graph

// Figures are drawn when they are about to come into sight: a deep network has many.
const sight = new IntersectionObserver((entries) => {
  for (const {isIntersecting, target} of entries) {
    if (isIntersecting) {
      sight.unobserve(target);
      target.drawWhenSeen();
    }
  }
}, {rootMargin: "400px"});

// Let a figure be drawn into `target`: an image for each block, of the mode that `modeOf` returns.
function drawLater(target, item, blocks, modeOf, describe) {
  target.drawWhenSeen = async () => {
    const [view] = await Bokeh.embed.embed_item(item, target.id);
    const images = view.model.renderers.find(({name}) => name === "image");
    const hover = view.model.toolbar.tools.find(({type}) => type === "HoverTool");
    hover.tooltips = (_, {image_index: {index, flat_index: place}}) => {
      const {name, offset} = blocks[index];
      const numbers = [
        [name, exactAt("weight", offset + place)],
        ["gradient", exactAt("gradient", offset + place)],
      ];
      return tooltip({numbers, ...describe(blocks[index], place)});
    };
    const NDArray = images.data_source.data.image[0].constructor; // Bokeh's array with a shape
    const refresh = () => fillImages(images, blocks, vector(modeOf()), NDArray);
    refreshers.push(refresh);
    refresh();
    target.dataset.drawn = "true";
  };
  sight.observe(target);
}

function fillImages(images, blocks, values, NDArray) {
  const arrays = blocks.map(({offset, rows, columns}) => (
    new NDArray(values.subarray(offset, offset + rows * columns), [rows, columns])
  ));
  const largest = Math.max(...arrays.map(largestSize)) || 1;
  images.glyph.color_mapper.setv({low: -largest, high: largest});
  images.data_source.data = {...images.data_source.data, image: arrays};
}

function drawPanel(panel, number) {
  const pair = element("div", "", panel.is_wide ? "pair wide" : "pair");
  const values = panel.blocks[0].name === "weight" ? "Weights" : "Gains";
  for (const [mode, caption] of [["weight", values], ["gradient", "Gradients"]]) {
    const figure = element("figure");
    figure.append(element("figcaption", caption));
    if (panel.figures[mode]) {
      const target = element("div");
      target.id = `heatmap-${number}-${mode}`;
      target.style.minHeight = `${panel.height + 60}px`; // until it is drawn
      figure.append(target);
      const describe = (block, place) => describeCell(panel, block, place);
      drawLater(target, panel.figures[mode], panel.blocks, () => mode, describe);
    } else {
      figure.append(element("p", "Not computed.", "note"));
    }
    pair.append(figure);
  }
  const article = element("article");
  article.append(element("h3", panel.title), pair);
  document.getElementById("heatmaps").append(article);
}

function describeCell(panel, block, place) {
  const name = (neurons, unit) => (neurons === null ? block.name : nodeName(neurons, unit));
  const row = name(block.row_neurons, Math.floor(place / block.columns));
  const column = name(block.column_neurons, place % block.columns);
  return {heading: panel.layer, words: [["row", row], ["column", column]]};
}

function drawPictures({figure, blocks, layer, side, total}) {
  const section = document.getElementById("pictures");
  const which = blocks.length < total ? `The ${blocks.length} strongest of ${total}` : `All ${total}`;
  const showNote = () => {
    section.querySelector("p").textContent = `${which} neurons of ${layer}: each one's `
      + `${reader.mode}s for the ${side} × ${side} inputs, at the pixels' places.`;
  };
  section.hidden = false;
  refreshers.push(showNote);
  showNote();
  const target = document.getElementById("picture-figure");
  drawLater(target, figure, blocks, () => reader.mode, ({unit}, place) => {
    const pixel = `row ${Math.floor(place / side)}, column ${place % side}`;
    return {heading: nodeName(1, unit), words: [["pixel", pixel], ["from", nodeName(0, place)]]};
  });
}
