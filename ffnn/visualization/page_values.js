"use strict";

// What the page shows, and what the reader chose. `page.py` writes the data.
const page = JSON.parse(document.getElementById("data").textContent);
const reader = {
  mode: "weight", // or "gradient", and of a row "forward" or "backward": what the edges show
  state: page.states.length - 1,
  row: null, // the number of the row that is sent through the network
  chosen: null, // {node: {column, unit}} or {edge: {connection, source, target}}
  detail: 0,
  apart: false, // whether sums and activations have nodes of their own
};
const BIAS = -1; // units that stand for a column's bias node, all its hidden neurons, its picture
const FOLDED = -2;
const PICTURE = -3;

// -- decoding -------------------------------------------------------------------------------

async function unpack(text, Kind) {
  const characters = atob(text);
  const bytes = new Uint8Array(characters.length);
  for (let i = 0; i < characters.length; i++) bytes[i] = characters.charCodeAt(i);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Kind(await new Response(stream).arrayBuffer());
}

// Turn all packed texts into arrays of numbers.
async function decode() {
  const Floats = page.single ? Float32Array : Float64Array;
  for (const mode of ["weight", "gradient"]) {
    let before = null; // of rounded epochs, in steps
    for (const state of page.states) {
      if (state[mode] === null) continue;
      state.isRounded = page.rounding !== null && state.epoch !== null;
      if (state.isRounded) {
        before = addDifferences(before, await unpack(state[mode], Uint8Array));
        state[mode] = multiplied(before, page.rounding[mode], page.rounding.sizes);
      } else {
        state[mode] = await unpack(state[mode], Floats);
      }
    }
  }
  if (page.rows === null) return;
  page.rows.inputs = await unpack(page.rows.inputs, Floats);
  for (const pass of page.rows.passes) {
    for (const key of ["inputs", "sums", "outputs", "slopes"]) {
      if (pass?.[key]) pass[key] = await unpack(pass[key], Floats);
    }
  }
}

function addDifferences(before, bytes) {
  const number = bytes.length / 2;
  const steps = new Int16Array(number);
  for (let i = 0; i < number; i++) {
    steps[i] = (before === null ? 0 : before[i]) + (bytes[i] | (bytes[number + i] << 8));
  }
  return steps;
}

function multiplied(steps, stepSizes, sizes) {
  const values = new Float32Array(steps.length);
  let i = 0;
  sizes.forEach((size, array) => {
    for (const end = i + size; i < end; i++) values[i] = steps[i] * stepSizes[array];
  });
  return values;
}

// -- values ---------------------------------------------------------------------------------

// Return the flat vector of the chosen state, or null if there is none.
function vector(mode) {
  return page.states[reader.state][mode];
}

// Return what the chosen row makes of the network in a state, or null where that is not known.
function passAt(state) {
  return reader.row === null ? null : page.rows.passes[state];
}

// Tell whether a mode shows what a row does.
function isRowMode(mode) {
  return mode === "forward" || mode === "backward";
}

// Where a column's units begin among those of all columns but the inputs.
const starts = [];
for (let column = 1, start = 0; column < page.columns.length; column++) {
  starts[column] = start;
  start += page.columns[column].ids.length;
  starts[column + 1] = start;
}

function placeInPass(column, unit) {
  return reader.row * starts.at(-1) + starts[column] + unit;
}

function outputAt(pass, column, unit) {
  if (unit === BIAS) return 1;
  if (column) return pass.outputs[placeInPass(column, unit)];
  return (pass.inputs ?? page.rows.inputs)[reader.row * page.columns[0].ids.length + unit];
}

// Return a function of an edge (connection, source, target) to its value in a mode and a state.
function edgeValues(mode, state = reader.state) {
  const weights = page.states[state].weight;
  if (mode === "weight" || mode === "gradient") {
    const values = page.states[state][mode];
    return (connection, source, target) => values[edgeOffset(connection, source, target)];
  }
  const pass = passAt(state);
  const input = (connection, source) => (
    source === BIAS ? 1 : page.connections[connection].factor * outputAt(pass, connection, source)
  );
  if (mode === "forward") {
    return (connection, source, target) => (
      weights[edgeOffset(connection, source, target)] * input(connection, source)
    );
  }
  return (connection, source, target) => (
    pass.slopes[placeInPass(connection + 1, target)] * input(connection, source)
  );
}

// Return the size of the largest finite value, or 0.
function largestSize(values) {
  let largest = 0;
  for (const value of values) {
    const size = Math.abs(value);
    if (size > largest && size < Infinity) largest = size;
  }
  return largest;
}

// -- numbers as text ------------------------------------------------------------------------

// Return the shortest decimal that stands for this number and no other, as Python writes it.
function exact(value) {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  if (Object.is(value, -0)) return "-0.0";
  return asPython(shortest(value));
}

function asPython(text) {
  const [, sign, first, rest = "", power] = /^(-?)(\d)(?:\.(\d+))?e(.+)$/.exec(text);
  const exponent = Number(power);
  const digits = first + rest;
  if (exponent < -4 || exponent >= 16) {
    const size = String(Math.abs(exponent)).padStart(2, "0");
    return `${sign}${first}${rest && "."}${rest}e${exponent < 0 ? "-" : "+"}${size}`;
  }
  if (exponent < 0) return `${sign}0.${"0".repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, "0");
  return `${sign}${whole}.${digits.slice(exponent + 1) || "0"}`;
}

function shortest(value) {
  for (let digits = 0; page.single && digits < 9; digits++) {
    const nearest = tieToEven(value, digits, value.toExponential(digits));
    // Above a power of two the numbers are twice as far apart as below it, so that the nearest
    // decimal may stand for another number, and the next one for this one.
    const step = Math.sign(value) * 10 ** (Number(nearest.split("e")[1]) - digits);
    const next = (Number(nearest) + step).toExponential(digits);
    for (const text of [nearest, next]) {
      if (Math.fround(Number(text)) === value) return text;
    }
  }
  return value.toExponential(); // the shortest in double precision
}

// JavaScript rounds a number in the middle of two decimals away from zero, Python to the even one.
function tieToEven(value, digits, text) {
  const longer = value.toExponential(digits + 1);
  const isTie = longer.includes("5e") && Number(longer) === value;
  return isTie ? text.replace(/[13579]e/, (odd) => `${odd[0] - 1}e`) : text;
}

// Return a number in few digits, for a place with little room.
function brief(value, digits = 3) {
  if (!Number.isFinite(value) || value === 0) return exact(value).replace(".0", "");
  const size = Math.abs(value);
  if (size >= 1e4 || size < 1e-3) return value.toExponential(digits - 1).replace("e+", "e");
  return String(Number(value.toPrecision(digits)));
}

// Return a parameter's value, or its gradient, in the chosen state.
function textAt(mode, offset) {
  const values = vector(mode);
  if (values === null) return "not computed";
  const value = values[offset];
  return page.states[reader.state].isRounded ? `≈ ${brief(value)}` : exact(value);
}

// -- names and places ------------------------------------------------------------------------

function nodeId(column, unit) {
  const {ids, bias_node: biasNode} = page.columns[column];
  return unit === BIAS ? biasNode : ids[unit];
}

function nodeName(column, unit) {
  const name = unit === BIAS ? null : page.columns[column].names?.[unit];
  return name == null ? nodeId(column, unit) : `${nodeId(column, unit)} (${name})`;
}

function edgeOffset(connection, source, target) {
  const {weight, bias, inputs} = page.connections[connection];
  return source === BIAS ? bias + target : weight + target * inputs + source;
}

function edgeEntry({connection, source, target}) {
  const {layer} = page.connections[connection];
  return source === BIAS ? `${layer} bias[${target}]` : `${layer} weight[${target}, ${source}]`;
}

function isSame(node, other) {
  return node?.column === other?.column && node?.unit === other?.unit;
}

// -- elements: text is set as text, so that no name can be markup -----------------------------

function element(tag, text = "", className = "") {
  const result = document.createElement(tag);
  result.textContent = text;
  result.className = className;
  return result;
}

function drawn(tag, attributes, text = "") {
  const result = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) result.setAttribute(name, value);
  if (text) result.textContent = text;
  return result;
}

function button(text, onClick, className = "") {
  const result = element("button", text, className);
  result.type = "button";
  result.addEventListener("click", onClick);
  return result;
}

function definitions(rows, className) {
  const list = element("dl", "", className);
  for (const [term, text] of rows) list.append(element("dt", term), element("dd", text));
  return list;
}
