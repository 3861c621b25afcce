"use strict";

// What the page shows, and what the reader chose. `page.py` writes the data.
const page = JSON.parse(document.getElementById("data").textContent);
const reader = {mode: "weight", state: page.states.length - 1, chosen: null};
const BIAS = -1; // units that stand for a column's bias node, and for all its hidden neurons
const FOLDED = -2;

// -- numbers --------------------------------------------------------------------------------

// Return the flat vector of the chosen state, or null if there is none. It is decoded once.
function vector(mode) {
  const state = page.states[reader.state];
  if (typeof state[mode] === "string") {
    const text = atob(state[mode]);
    const bytes = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
    state[mode] = page.single ? new Float32Array(bytes.buffer) : new Float64Array(bytes.buffer);
  }
  return state[mode];
}

// Return the shortest decimal that stands for this number and no other, as Python writes it.
function exact(value) {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  if (Object.is(value, -0)) return "-0.0";
  const [, sign, first, rest = "", power] = /^(-?)(\d)(?:\.(\d+))?e(.+)$/.exec(shortest(value));
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

function exactAt(mode, offset) {
  const values = vector(mode);
  return values === null ? "not computed" : exact(values[offset]);
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

// -- names and places ------------------------------------------------------------------------

function nodeId(column, unit) {
  const {ids, bias_node: biasNode} = page.columns[column];
  return unit === BIAS ? biasNode : ids[unit];
}

function nodeName(column, unit) {
  const name = unit === BIAS ? null : page.columns[column].names?.[unit];
  return name == null ? nodeId(column, unit) : `${nodeId(column, unit)} (${name})`;
}

function edgeOffset({connection, source, target}) {
  const {weight, bias, inputs} = page.connections[connection];
  return source === BIAS ? bias + target : weight + target * inputs + source;
}

function edgeEntry({connection, source, target}) {
  const {layer} = page.connections[connection];
  return source === BIAS ? `${layer} bias[${target}]` : `${layer} weight[${target}, ${source}]`;
}

// -- elements: text is set as text, so that no name can be markup -----------------------------

function element(tag, text = "", className = "") {
  const result = document.createElement(tag);
  result.textContent = text;
  result.className = className;
  return result;
}

function definitions(rows, className) {
  const list = element("dl", "", className);
  for (const [term, text] of rows) list.append(element("dt", term), element("dd", text));
  return list;
}

// Return what a figure shows at the cursor. The page's own style does not reach into figures.
function tooltip({heading, numbers, words}) {
  const result = element("div", "", "tip");
  result.style.cssText = "font: 13px/1.45 system-ui, sans-serif; max-width: 340px";
  const title = element("div", heading);
  title.style.fontWeight = "600";
  const lines = [...numbers, ...words].map(([term, text]) => element("div", `${term}: ${text}`));
  result.append(title, ...lines);
  return result;
}
