// The panel beside the image: all that is known of the cell, or that nothing is shown before the answer.

import { probabilityScale, rangeScale, termBar } from "./drawing.js";
import { NAMES, element, keyText, signed, when, words } from "./elements.js";
import { pictureOf } from "./network.js";

// A box of 96 CSS pixels shows this many pixels of the image, so that all cells have the same scale.
const CROP_PX = 256;
const BOX_PX = 96;

// `listing` tells how many labels there are; `isNew` is false if the panel shows the same cell already.
export function showFacts(panel, card, listing, isNew) {
  const scrolled = panel.scrollTop;
  panel.replaceChildren(...(card.blind ? blindFacts(card) : fullFacts(card, listing)));
  panel.scrollTop = isNew ? 0 : scrolled;
}

function blindFacts(card) {
  return [
    element("h2", {}, "Blind"),
    element("p", {}, "Nothing of the model's view is shown before your answer. It is shown afterwards."),
    element("p", {}, keyText(card.key)),
    card.can_decide ? null : element("p", {}, "There is no picture of this image, so its class cannot be told."),
  ].filter(Boolean);
}

function fullFacts(card, listing) {
  return [
    element("h2", {}, card.audit ? "Audit" : "Why it is here"),
    card.reasons.length ? element("ul", {}, card.reasons.map((reason) => element("li", {}, reason)))
      : element("p", {}, "No person was asked."),
    card.second ? element("p", { id: "second" }, "Somebody has answered this cell. Their answer is shown after yours.") : null,
    ...score(card), ...evidence(card), ...morphology(card), ...nearest(card, listing), ...earlier(card),
    element("h2", {}, "Image"),
    element("p", {}, keyText(card.key)),
    element("p", { class: "faint" }, `${card.size[0] ?? "?"} × ${card.size[1] ?? "?"} px, scored ${when(card.scored_at)}, ${age(card.scored_at)} ago`),
    element("p", { class: "faint" }, `Model ${card.model.version}`),
    element("p", { class: "faint" }, "There are images of single cells alone, so the cell cannot be shown in its field."),
  ].filter(Boolean);
}

function score(card) {
  if (card.probability === null) return [element("p", {}, "The image has no score.")];
  const decision = card.decision === "review" ? "a person should decide" : `decided ${card.decision}`;
  return [
    element("h2", {}, `Probability of ALL: ${card.probability.toFixed(2)}, ${decision}`),
    probabilityScale(card.probability, card.thresholds),
    card.thresholds ? null : element("p", { class: "faint" }, "Another model or other thresholds decided than this page knows, so none are shown."),
  ].filter(Boolean);
}

function evidence(card) {
  const found = card.explanation;
  if (!found) return [element("h2", {}, "Evidence"), element("p", { class: "faint" }, card.unexplained), ...novelty(card)];
  const most = Math.max(Math.abs(found.map_sum), ...Object.values(found.other).map(Math.abs));
  const row = (name, value, kind, term) => element("tr", { class: kind }, element("th", { scope: "row" }, name),
    element("td", {}, term === undefined ? null : termBar(term, most)), element("td", { class: "number" }, value));
  return [
    element("h2", {}, "How the score adds up"),
    element("table", { id: "sum" }, element("tbody", {},
      row("typical normal cell", signed(found.baseline)),
      row("map", signed(found.map_sum), null, found.map_sum),
      ...Object.entries(found.other).map(([name, value]) => row(words(name), signed(value), null, value)),
      found.residual ? row("residual of the arithmetic", signed(found.residual)) : null,
      row("logit of this cell", signed(found.logit), "sum"))),
    element("p", { class: "faint" }, `On the map, ${signed(found.for)} towards ALL and ${signed(found.against)} towards normal. ` +
      "The terms below the map have no place on the cell. The logit is the logarithm of p / (1 − p)."),
    ...novelty(card),
  ];
}

function novelty(card) {
  const found = card.novelty;
  if (!found) return [];
  const limit = found.limit === null ? "" : `; from ${found.limit.toFixed(2)} on a cell counts as unlike the training data`;
  return [element("p", { class: "faint" }, `Most similar cell that the model stores: number ${found.stored_cell}, squared distance ` +
    `${found.distance.toFixed(2)}, of colour alone ${found.colour_distance.toFixed(2)}${limit}.`)];
}

function morphology(card) {
  const title = element("h2", {}, "Morphology");
  if (!card.morphology) return [title, element("p", { class: "faint" }, "Nothing was measured on this cell.")];
  const { features, measured, absent, shares } = card.morphology;
  const percent = (share) => `${Math.round(100 * share)} %`;
  return [
    title,
    element("ul", { id: "features" }, features.map((feature) => element("li", {}, feature))),
    element("table", {}, element("tbody", {},
      ...measured.map(({ name, what, value, ranges }) => element("tr", {}, element("th", { scope: "row" }, label(name), element("small", {}, what)),
        element("td", { class: "number" }, Number.isInteger(value) ? String(value) : value.toPrecision(3)),
        element("td", {}, rangeScale(value, ranges)))),
      ...absent.map(({ name, what, why }) => element("tr", {}, element("th", { scope: "row" }, label(name), element("small", {}, what)),
        element("td", { colspan: 2, class: "faint" }, why || "not measured"))))),
    element("p", { class: "faint" }, shares
      ? `Upper bar: ALL; lower bar: normal; each from the ${percent(shares[0])} to the ${percent(shares[1])} quantile of the training cells, ` +
        "with the median marked. Dot: this cell."
      : "The ranges of the two classes are unknown for the model that scored this cell."),
  ];
}

const label = (name) => words(name.replace(/_px$/, ""));

function nearest(card, listing) {
  const title = element("h2", {}, "Nearest cells that this laboratory labelled");
  const { measured, library: size, ALL, normal } = card.nearest;
  if (!size) {
    return [title, element("p", { class: "faint" }, listing?.answered ? "No labelled cell has measurements yet, so there is nothing to compare with."
      : "Nobody has labelled a cell yet, so there is nothing to compare with.")];
  }
  if (!measured) return [title, element("p", { class: "faint" }, "Nothing was measured on this cell, so no cell is near it.")];
  const group = (name, cells) => [
    element("p", {}, `Labelled ${name}${cells.length ? "" : ": none"}`),
    element("div", { class: "near" }, cells.map((cell) => figure(cell.id, `by ${cell.reviewer}, distance ${cell.distance.toFixed(2)}`))),
  ];
  return [title, element("p", {}, "This cell, at the same scale"), element("div", { class: "near" }, figure(card.id, "")),
    ...group("ALL", ALL), ...group("normal", normal),
    element("p", { class: "faint" }, `By morphology, of ${size} labelled cells. Distances are in interquartile ranges.` +
      (listing?.unread ? ` ${listing.unread} older labels are not read.` : ""))];
}

function figure(id, caption) {
  const image = element("img", { src: pictureOf(id), alt: "", loading: "lazy" });
  image.addEventListener("load", () => { image.style.width = `${(image.naturalWidth * BOX_PX) / CROP_PX}px`; });
  return element("figure", {}, element("div", { class: "crop" }, image), element("figcaption", {}, caption));
}

function earlier(card) {
  if (!card.labels) return [];
  const { standing, history, disagree } = card.labels;
  return [
    element("h2", {}, "Labels"),
    disagree ? element("p", { id: "disagree" }, element("strong", {}, "The readers disagree."), " Another answer decides.") : null,
    standing ? element("p", { id: "standing" }, "Stands: ", said(standing)) : element("p", { id: "standing" }, "No label stands."),
    history.length ? element("ul", { id: "history" }, history.map((past) => element("li", {}, said(past)))) : null,
  ].filter(Boolean);
}

const OUTCOMES = { second: "second reader" };

export function said(entry) {
  const what = entry.label ? NAMES[entry.label] ?? entry.label : "took the label back";
  const notes = [OUTCOMES[entry.outcome] ?? entry.outcome, entry.shown?.blind ? "blind" : null, entry.older ? "on an older version of the image" : null,
    entry.older_model ? "with another model" : null].filter(Boolean);
  return element("span", {}, element("strong", {}, what), " by ", element("bdi", {}, entry.reviewer || "somebody"),
    `, ${when(entry.labelled_at)}${notes.length ? ` (${notes.join(", ")})` : ""}`,
    entry.comment ? element("span", {}, ": ", element("bdi", {}, entry.comment)) : null);
}

function age(time) {
  const minutes = Math.max(0, (Date.now() - Date.parse(time)) / 60000);
  if (minutes < 120) return `${Math.round(minutes)} minutes`;
  return minutes < 2880 ? `${Math.round(minutes / 60)} hours` : `${Math.round(minutes / 1440)} days`;
}
