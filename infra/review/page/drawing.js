// Draw the map over the image, and the scales beside it.

import { element, shape } from "./elements.js";

const TOWARDS_ALL = [255, 140, 40];
const TOWARDS_NORMAL = [70, 150, 255];

// The map as a canvas of the image's size. Orange pushes towards ALL, blue towards normal; lines enclose the places of
// at least half the strongest value, solid towards ALL and dashed towards normal, so that grey print works, too.
export function mapLayer(map, width, height, opacity) {
  const values = map.values;
  const strongest = Math.max(...values.flat().map(Math.abs)) || 1;
  const small = element("canvas", { width: values[0].length, height: values.length });
  const pixels = new ImageData(values[0].length, values.length);
  values.flat().forEach((value, number) => {
    const [red, green, blue] = value > 0 ? TOWARDS_ALL : TOWARDS_NORMAL;
    pixels.data.set([red, green, blue, 255 * (Math.abs(value) / strongest)], 4 * number);
  });
  small.getContext("2d").putImageData(pixels, 0, 0);
  const layer = element("canvas", { width, height, class: "map", "aria-hidden": "true" });
  const context = layer.getContext("2d");
  context.globalAlpha = opacity;
  context.imageSmoothingEnabled = true;
  context.drawImage(small, map.left, map.top, map.side_px, map.side_px);
  context.globalAlpha = 1;
  for (const sign of [1, -1]) {
    context.setLineDash(sign > 0 ? [] : [5, 4]);
    context.strokeStyle = sign > 0 ? "#ffe0c2" : "#cfe4ff";
    context.lineWidth = 1.5;
    context.stroke(contour(values, sign * 0.5 * strongest, map));
  }
  return layer;
}

// The line around the places of at least `level` (at most, if it is negative), by marching squares.
function contour(values, level, map) {
  const path = new Path2D();
  const [rows, columns] = [values.length, values[0].length];
  const step = map.side_px / columns;
  const at = (row, column) =>
    row < 0 || column < 0 || row >= rows || column >= columns ? -1 : values[row][column] / level - 1;
  for (let row = -1; row < rows; row++) {
    for (let column = -1; column < columns; column++) {
      const corners = [[row, column], [row, column + 1], [row + 1, column + 1], [row + 1, column]];
      const crossings = [];
      for (let side = 0; side < 4; side++) {
        const [from, to] = [corners[side], corners[(side + 1) % 4]];
        const [a, b] = [at(...from), at(...to)];
        if (a > 0 === b > 0) continue;
        const share = a / (a - b);
        crossings.push([from[0] + share * (to[0] - from[0]), from[1] + share * (to[1] - from[1])]);
      }
      for (let pair = 0; pair + 1 < crossings.length; pair += 2) {
        const [first, second] = [crossings[pair], crossings[pair + 1]];
        path.moveTo(map.left + (first[1] + 0.5) * step, map.top + (first[0] + 0.5) * step);
        path.lineTo(map.left + (second[1] + 0.5) * step, map.top + (second[0] + 0.5) * step);
      }
    }
  }
  return path;
}

// The square that the model looked at.
export function squareLayer(map, width, height) {
  const { left, top, side_px: side } = map;
  return shape("svg", { viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" },
    shape("rect", { x: left, y: top, width: side, height: side, fill: "none", stroke: "#ffd479", "stroke-dasharray": "6 4",
      "vector-effect": "non-scaling-stroke", "stroke-width": 1.5 }));
}

// The places of what was measured: a triangle on each cleft, a circle of its area on each pale spot, a square on each vacuole.
export function marksLayer(places, width, height) {
  const [mark, radius] = [Math.max(width, height) / 60, (area) => Math.sqrt(area / Math.PI)];
  const style = { fill: "none", "vector-effect": "non-scaling-stroke", "stroke-width": 2 };
  return shape("svg", { viewBox: `0 0 ${width} ${height}`, class: "marks", "aria-hidden": "true" },
    places.clefts.map(([x, y]) => shape("path", { ...style, class: "cleft", stroke: "#9dffb0",
      d: `M${x} ${y - mark}L${x + mark} ${y + mark}L${x - mark} ${y + mark}Z` })),
    places.pale_spots.map(([x, y, area]) => shape("circle", { ...style, class: "pale-spot", stroke: "#fff",
      cx: x, cy: y, r: Math.max(mark / 2, radius(area)) })),
    places.vacuoles.map(([x, y, area]) => shape("rect", { ...style, class: "vacuole", stroke: "#fff",
      x: x - Math.max(mark / 2, radius(area)), y: y - Math.max(mark / 2, radius(area)),
      width: 2 * Math.max(mark / 2, radius(area)), height: 2 * Math.max(mark / 2, radius(area)) })));
}

// A term of the logit as a bar from the middle: to the right towards ALL, to the left towards normal.
export function termBar(value, most) {
  const length = 50 * Math.min(1, Math.abs(value) / (most || 1));
  return shape("svg", { viewBox: "0 0 108 14", class: "term", "aria-hidden": "true" },
    shape("rect", { x: value < 0 ? 54 - length : 54, y: 2, width: Math.max(0.5, length), height: 10, fill: value < 0 ? "#8cc4ff" : "#ffb27a" }),
    shape("line", { x1: 54, x2: 54, y1: 0, y2: 14, stroke: "#a9b0bc" }));
}

// The probability between its thresholds.
export function probabilityScale(probability, thresholds) {
  const x = (value) => 10 + 380 * value;
  const marks = (thresholds || []).map((value, number) => [
    shape("line", { x1: x(value), x2: x(value), y1: 8, y2: 30, stroke: "#e6e8ec", "stroke-dasharray": "3 2" }),
    shape("text", { x: x(value), y: 46, "text-anchor": number ? "start" : "end" }, value.toFixed(2)),
  ]);
  const said = thresholds ? `; thresholds ${thresholds.map((value) => value.toFixed(2)).join(" and ")}` : "";
  return shape("svg", { viewBox: "0 -6 400 58", class: "scale", role: "img",
    "aria-label": `Probability of ALL ${probability.toFixed(2)}${said}` },
    shape("rect", { x: x(0), y: 14, width: 380, height: 10, rx: 5, fill: "#3a404c" }),
    marks, shape("circle", { cx: x(probability), cy: 19, r: 7, fill: "#ffd479", stroke: "#14161a", "stroke-width": 2 }),
    shape("text", { x: x(0), y: 8, "font-size": 11 }, "normal"), shape("text", { x: x(1), y: 8, "text-anchor": "end" }, "ALL"));
}

// A measure as a dot below the ranges of both classes: from the first to the last quantile, with the middle one marked.
export function rangeScale(value, ranges) {
  const known = Object.values(ranges).flat();
  if (!known.length) return null;
  const [least, most] = [Math.min(value, ...known), Math.max(value, ...known)];
  const x = (number) => 8 + (128 * (number - least)) / (most - least || 1);
  const bars = [["ALL", "#ffb27a", 5], ["normal", "#8cc4ff", 13]].filter(([label]) => ranges[label]).map(([label, colour, y]) => {
    const numbers = ranges[label];
    const middle = x(numbers[Math.floor(numbers.length / 2)]);
    return [
      shape("rect", { x: x(numbers[0]), y: y - 2, width: Math.max(1, x(numbers.at(-1)) - x(numbers[0])), height: 5, fill: colour }),
      shape("line", { x1: middle, x2: middle, y1: y - 4, y2: y + 5, stroke: "#fff", "stroke-width": 2 }),
    ];
  });
  const said = Object.entries(ranges).map(([label, numbers]) => `${label} ${numbers[0]} to ${numbers.at(-1)}`).join(", ");
  return shape("svg", { viewBox: "0 0 144 32", class: "range", role: "img", "aria-label": `${value}; ${said}` },
    bars, shape("circle", { cx: x(value), cy: 24, r: 5, fill: "#ffd479" }));
}
