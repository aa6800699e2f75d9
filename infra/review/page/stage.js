// The image of the cell, with its layers, zoomed without smoothing.

import { mapLayer, marksLayer, squareLayer } from "./drawing.js";
import { element, find, signed } from "./elements.js";
import { pictureElement, pictureOf } from "./network.js";

const STEPS = [0.5, 1, 2, 3, 4, 6, 8, 12, 16];

// The cell is looked for on a copy of at most this many pixels a side; values up to BLACK count as background.
const SURVEY_PX = 256;
const BLACK = 16;

const view = { card: null, image: null, box: [0, 0, 1, 1], map: false, outline: false, zoom: null, mapSeen: false };

export const mapWasSeen = () => view.mapSeen;

// Show the picture of a cell; resolves once it is there, and fails if it cannot be shown.
export async function showPicture(id, isCurrent) {
  view.card = null;
  let image;
  try {
    image = await pictureElement(id);
  } catch (error) {
    if (isCurrent()) refuse(error.message);
    throw error;
  }
  if (!isCurrent()) return;
  image.alt = "Image of the cell";
  view.image = image;
  view.box = boxOf(image);
  find("#stage").replaceChildren(element("div", { id: "frame" }, image));
  size();
}

function refuse(message) {
  view.image = null;
  find("#stage").replaceChildren(element("p", { class: "refusal" }, message));
}

// Draw the layers of a card over the picture.
export function showLayers(card, isNew) {
  view.card = card;
  if (isNew) view.mapSeen = false;
  layers();
}

export function toggle(layer) {
  view[layer] = !view[layer];
  layers();
}

export function zoom(direction) {
  if (!view.image) return;
  const current = view.zoom ?? fit();
  view.zoom = direction === 0 ? null
    : direction > 0 ? STEPS.find((step) => step > current + 0.01) ?? current
      : STEPS.findLast((step) => step < current - 0.01) ?? current;
  size();
}

// The box around everything that is not black, with a margin: [left, top, width, height] in pixels of the image.
function boxOf(image) {
  const { naturalWidth: width, naturalHeight: height } = image;
  const scale = Math.min(1, SURVEY_PX / Math.max(width, height));
  const [columns, rows] = [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))];
  const context = element("canvas", { width: columns, height: rows }).getContext("2d", { willReadFrequently: true });
  context.drawImage(image, 0, 0, columns, rows);
  const { data } = context.getImageData(0, 0, columns, rows);
  let [left, top, right, bottom] = [columns, rows, -1, -1];
  for (let pixel = 0; pixel < columns * rows; pixel++) {
    if (Math.max(data[4 * pixel], data[4 * pixel + 1], data[4 * pixel + 2]) <= BLACK) continue;
    const [column, row] = [pixel % columns, Math.floor(pixel / columns)];
    [left, right] = [Math.min(left, column), Math.max(right, column + 1)];
    [top, bottom] = [Math.min(top, row), Math.max(bottom, row + 1)];
  }
  if (right < 0) return [0, 0, width, height];
  const margin = 0.06 * Math.max(right - left, bottom - top);
  [left, top] = [Math.max(0, left - margin), Math.max(0, top - margin)];
  [right, bottom] = [Math.min(columns, right + margin), Math.min(rows, bottom + margin)];
  return [left, top, right - left, bottom - top].map((value) => value / scale);
}

const fit = () => Math.min(find("#stage").clientWidth / view.box[2], find("#stage").clientHeight / view.box[3]);

function size() {
  if (!view.image) return;
  const scale = view.zoom ?? fit();
  const [stage, frame] = [find("#stage"), find("#frame")];
  frame.style.width = `${view.image.naturalWidth * scale}px`;
  frame.style.height = `${view.image.naturalHeight * scale}px`;
  const [left, top, width, height] = view.box.map((value) => value * scale);
  stage.scrollTo(left + (width - stage.clientWidth) / 2, top + (height - stage.clientHeight) / 2);
  find("#zoom").textContent = view.zoom ? `${view.zoom} ×` : "fit";
}

function layers() {
  const frame = find("#frame");
  const explanation = view.card && !view.card.blind ? view.card.explanation : null;
  const places = view.card && !view.card.blind ? view.card.morphology?.places : null;
  const [mapButton, outlineButton] = [find("[data-action=map]"), find("[data-action=outline]")];
  mapButton.setAttribute("aria-pressed", view.map);
  outlineButton.setAttribute("aria-pressed", view.outline);
  const legend = find("#legend");
  const said = [view.map && mapLegend(view.card, explanation), view.outline && outlineLegend(explanation, places)];
  legend.hidden = !view.card || !said.some(Boolean);
  legend.textContent = view.card ? said.filter(Boolean).join(" ") : "";
  if (!frame || !view.image) return;
  frame.replaceChildren(view.image);
  const { naturalWidth: width, naturalHeight: height } = view.image;
  if (view.outline && view.card) {
    frame.append(element("img", { src: pictureOf(view.card.id, "outline"), alt: "" }));
    if (explanation) frame.append(squareLayer(explanation.map, width, height));
    if (places) frame.append(marksLayer(places, width, height));
  }
  if (view.map && explanation) {
    view.mapSeen = true;
    frame.append(mapLayer(explanation.map, width, height, find("#opacity").value / 100));
  }
}

function mapLegend(card, explanation) {
  if (!card || card.blind) return "The map is shown after your answer.";
  if (!explanation) return card.unexplained;
  const strongest = Math.max(...explanation.map.values.flat().map(Math.abs));
  return `Orange, solid line: towards ALL. Blue, dashed line: towards normal. Strongest place: ${signed(strongest)} logits. ` +
    "Lines enclose at least half of that.";
}

function outlineLegend(explanation, places) {
  const marks = places && [["triangle: cleft", places.clefts], ["circle: pale spot", places.pale_spots], ["square: vacuole", places.vacuoles]];
  return ["White: outline of the cell", explanation && "yellow square: what the model sees",
    ...(marks || []).filter(([, found]) => found.length).map(([name]) => name)].filter(Boolean).join("; ") + ".";
}

find("#opacity").addEventListener("input", layers);
new ResizeObserver(size).observe(find("#stage"));
