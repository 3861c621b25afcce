// The recorded epochs: the slider, the play button and the losses.

const FRAME_TIME = 450; // milliseconds that an epoch stands
const CURVE = {width: 260, height: 64, margin: 6};
let playing = null;

function connectEpochs() {
  if (page.states.length === 1) return;
  document.getElementById("epochs").hidden = false;
  const slider = document.getElementById("epoch");
  slider.max = page.states.length - 1;
  slider.value = reader.state;
  slider.addEventListener("input", () => {
    pause();
    showState(Number(slider.value));
  });
  document.getElementById("play").addEventListener("click", () => (playing ? pause() : play()));
  drawCurve();
  tellState();
}

function play() {
  if (reader.state === page.states.length - 1) showState(0);
  playing = setInterval(() => {
    showState(reader.state + 1);
    if (reader.state === page.states.length - 1) pause();
  }, FRAME_TIME);
  tellState();
}

function pause() {
  clearInterval(playing);
  playing = null;
  tellState();
}

function showState(number) {
  reader.state = number;
  document.getElementById("epoch").value = number;
  tellState();
  refreshAll();
}

function tellState() {
  const {label, epoch} = page.states[reader.state];
  document.getElementById("state").textContent = label;
  document.getElementById("epoch").setAttribute("aria-valuetext", label);
  document.getElementById("play").textContent = playing ? "Pause" : "Play";
  const mark = document.getElementById("now");
  if (mark === null) return;
  const x = curveX(epoch ?? page.curves.epochs.at(-1));
  mark.setAttribute("x1", x);
  mark.setAttribute("x2", x);
}

// -- the losses -----------------------------------------------------------------------------

function curveX(epoch) {
  const {epochs} = page.curves;
  const share = (epoch - epochs[0]) / (epochs.at(-1) - epochs[0]);
  return CURVE.margin + share * (CURVE.width - 2 * CURVE.margin);
}

function drawCurve() {
  if (page.curves === null) return;
  const {epochs, losses} = page.curves;
  const {width, height, margin} = CURVE;
  const values = Object.values(losses).flat().filter((value) => value !== null);
  if (!values.length) return;
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const y = (value) => margin + (high - value) / (high - low || 1) * (height - 2 * margin);
  const svg = drawn("svg", {viewBox: `0 0 ${width} ${height}`, width, height, role: "img"});
  const ends = Object.entries(losses).map(([name, series]) => (
    `${name.replace("val_", "validation ")} from ${told(series[0])} to ${told(series.at(-1))}`
  ));
  svg.setAttribute("aria-label", `By epoch, ${ends.join(", ")}`);
  for (const [name, series] of Object.entries(losses)) {
    const points = series.flatMap((value, place) => (
      value === null ? [] : [`${curveX(epochs[place]).toFixed(1)},${y(value).toFixed(1)}`]
    ));
    svg.append(drawn("polyline", {points: points.join(" "), class: `curve ${name}`}));
  }
  svg.append(drawn("line", {id: "now", y1: 0, y2: height}));
  const legend = element("p", "", "note");
  Object.keys(losses).forEach((name) => legend.append(
    element("span", name === "loss" ? "— loss " : "┄ validation loss ", `of-${name}`),
  ));
  legend.append(`${told(high)} to ${told(low)}`);
  document.getElementById("curve").append(svg, legend);
}

function told(value) {
  return value === null ? "not finite" : brief(value);
}
