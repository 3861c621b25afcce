"use strict";
// Numbers of a frame, how they are written, and the colours that stand for them.

function unpack(data) {
  const facts = JSON.parse(data.facts[0]);
  const [numbers, bytes] = [data.numbers[0], data.bytes[0]]; // of Bokeh's own kinds of arrays
  const parts = [new Float64Array(numbers.buffer, numbers.byteOffset, numbers.length), new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)];
  const arrays = {};
  for (const [name, [kind, start, shape]] of Object.entries(facts.arrays)) {
    const size = shape.reduce((a, b) => a * b, 1);
    arrays[name] = { values: parts[kind].subarray(start, start + size), shape };
  }
  return { facts, arrays };
}

function written(value, digits = 4) {
  if (value === null || value === undefined || Number.isNaN(value)) return "—";
  if (value === 0) return "0";
  const size = Math.abs(value);
  return size >= 1e5 || size < 1e-3 ? value.toExponential(digits - 2) : value.toPrecision(digits);
}

function counted(value) { return Math.round(value).toLocaleString("en-US"); }

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function rgb(code) { return [1, 3, 5].map((i) => parseInt(code.slice(i, i + 2), 16)); }

const theme = { table: null, above: "", below: "", text: "", quiet: "", card: "", line: "" };

function readTheme() {
  for (const name of ["above", "below", "text", "quiet", "card", "line", "accent"]) theme[name] = colour(`--${name}`);
  const [below, zero, above] = ["--below", "--zero", "--above"].map((name) => rgb(colour(name)));
  theme.table = new Uint32Array(256); // of bytes, of which 128 stands for 0
  const bytes = new Uint8ClampedArray(theme.table.buffer);
  for (let level = 0; level < 256; level++) {
    const share = (level - 128) / 127, end = share < 0 ? below : above;
    for (let i = 0; i < 3; i++) bytes[4 * level + i] = zero[i] + Math.abs(share) ** 0.8 * (end[i] - zero[i]);
    bytes[4 * level + 3] = 255;
  }
}

function levelColour(level) { return `rgb(${new Uint8Array(theme.table.buffer, 4 * level, 3).join()})`; }

// A picture of bytes as a canvas, which may be an older one; rows come from below if `upward`.
function picture(values, width, height, upward, canvas = document.createElement("canvas")) {
  if (canvas.width !== width || canvas.height !== height) { canvas.width = width; canvas.height = height; }
  const context = canvas.getContext("2d"), image = context.createImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  for (let row = 0; row < height; row++) {
    const source = (upward ? height - 1 - row : row) * width;
    for (let column = 0; column < width; column++) pixels[row * width + column] = theme.table[values[source + column]];
  }
  context.putImageData(image, 0, 0);
  return canvas;
}
