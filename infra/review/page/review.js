// The page's state and actions: which cell is shown, what was answered, and what is still to be saved.

import { NAMES, element, find, keyText } from "./elements.js";
import { showFacts } from "./facts.js";
import { gallery } from "./gallery.js";
import { listen } from "./keys.js";
import { showDone, showPromise } from "./ending.js";
import { cardOf, drawAudits, forget, listCells, newerCard, prefetch, undo } from "./network.js";
import { answers, pending, send, showSaved, tell, whenChanged } from "./saving.js";
import { mapWasSeen, showLayers, showPicture, toggle, zoom } from "./stage.js";

const LOADING_MS = 200;
const CALM_MS = 30000;

const state = { cells: [], index: 0, revealed: null, shownAt: 0, turn: 0, card: null, picture: false,
  listing: null, inGallery: false };
const current = () => state.cells[state.index];

// --- the queue -------------------------------------------------------------------------------------------------

const filters = () => Object.fromEntries([...new FormData(find("#filters"))].filter(([, value]) => value));

const isFiltered = () => Object.entries(filters()).some(([name, value]) => name !== "state" || value !== "open");

async function load({ anew = false } = {}) {
  const asked = filters();
  let listing;
  try {
    listing = await listCells(asked);
  } catch (error) {
    return tell(error.message || "The program cannot be reached.");
  }
  if (JSON.stringify(asked) !== JSON.stringify(filters())) return;
  if (listing.fault) tell(listing.fault);
  state.listing = listing;
  const before = anew ? [] : state.cells.slice(0, state.index + 1);
  const known = new Set(before.map(({ id }) => id));
  const wasShown = anew ? undefined : current()?.id;
  state.cells = [...before, ...listing.cells.filter(({ id }) => !known.has(id))];
  if (anew) state.index = 0;
  const select = find("[name=reason]");
  const options = ["", ...listing.reasons];
  if (options.length !== select.options.length) {
    const chosen = select.value;
    select.replaceChildren(...options.map((reason) => element("option", { value: reason }, reason ? reason.replaceAll("_", " ") : "any")));
    select.value = options.includes(chosen) ? chosen : "";
  }
  progress();
  if (state.inGallery) anew && showGallery();
  else if (anew || current()?.id !== wasShown || !current()) show();
  else prefetch(coming());
}

function progress() {
  const { listing } = state;
  if (!listing) return;
  const said = [...answers.values()].filter(Boolean).length;
  const open = Math.max(0, listing.total - (listing.cells ? listing.cells.filter(({ id }) => answers.get(id)).length : 0));
  find("#progress").textContent = `${said} answered now, ${open} ${find("[name=state]").value === "open" ? "open" : "listed"}` +
    (listing.loading ? ", reading flags" : "");
  find("#bar").max = said + open || 1;
  find("#bar").value = said;
}

async function poll() {
  await new Promise((resolve) => setTimeout(resolve, state.listing?.loading ?? true ? LOADING_MS : CALM_MS));
  if (!document.hidden) await load();
  poll();
}

// --- one cell --------------------------------------------------------------------------------------------------

const coming = () => state.cells.slice(state.index + 1).filter(({ id }) => !answers.get(id)).map(({ id }) => id);

async function show() {
  const turn = ++state.turn;
  const isCurrent = () => turn === state.turn;
  const cell = current();
  const reading = state.listing?.loading ?? true;
  find("#card").hidden = !cell || state.inGallery;
  find("#gallery").hidden = !state.inGallery;
  find("#done").hidden = Boolean(cell) || reading || state.inGallery;
  state.card = null;
  state.picture = false;
  if (!cell) return reading || showDone(isFiltered());
  enable();
  const card = cardOf(cell.id);
  try {
    await showPicture(cell.id, isCurrent);
    if (!isCurrent()) return;
    state.picture = true;
  } catch (error) {
    if (isCurrent() && error.status === 403) tell(error.message);
  }
  state.shownAt = performance.now();
  try {
    const found = await card;
    if (isCurrent()) showCard(found, true);
  } catch (error) {
    if (!isCurrent()) return;
    find("#facts").replaceChildren(element("p", {}, error.message), element("p", {}, keyText(cell.key)));
  }
  if (isCurrent()) prefetch(coming());
  try {
    const newer = await newerCard(cell.id);
    if (newer && isCurrent() && !state.revealed) showCard(newer, false);
  } catch {
    // the card that is shown is as good as it was
  }
}

function showCard(card, isNew) {
  state.card = card;
  showFacts(find("#facts"), card, state.listing, isNew);
  showLayers(card, isNew);
  enable();
}

function enable() {
  const { card } = state;
  const given = current() && (answers.get(current().id) ?? card?.labels?.standing?.label);
  for (const label of Object.keys(NAMES)) {
    const button = find(`[data-action="${label}"]`);
    const decidable = label === "cannot_say" || (card?.can_decide && state.picture);
    button.disabled = !card || !decidable || state.revealed === card.id;
    button.setAttribute("aria-pressed", String(given === label));
  }
}

function move(step) {
  state.revealed = null;
  let index = state.index + step;
  // Forwards, cells that were answered on this page are passed over; backwards they are shown, to look again.
  while (step > 0 && index < state.cells.length && answers.get(state.cells[index].id)) index++;
  if (index < 0) return;
  if (index >= state.cells.length) {
    const open = state.cells.findIndex(({ id }) => !answers.get(id));
    index = open >= 0 && step > 0 ? open : state.cells.length;
  }
  state.index = index;
  show();
}

// --- answers ---------------------------------------------------------------------------------------------------

function answer(label) {
  const { card } = state;
  if (!card || find(`[data-action="${label}"]`).disabled) return;
  const cell = current();
  const comment = find("#comment").value;
  const given = { label, version: card.version, seen: card.etag, seconds: (performance.now() - state.shownAt) / 1000,
    map_shown: mapWasSeen(), comment };
  find("#comment").value = "";
  const wasBlind = card.blind;
  if (wasBlind) {
    state.revealed = card.id;
    enable();
  }
  const saving = send(cell, given).then((saved) => {
    if (wasBlind && current()?.id === cell.id) {
      if (!saved) state.revealed = null;
      if (saved) {
        showCard(saved, false);
        showSaved(`${find("#saved").textContent}. Go on with the next cell.`);
      }
      enable();
    }
  });
  if (!wasBlind) move(1);
  return saving;
}

async function takeBack() {
  await Promise.all(pending);
  try {
    const { id, key } = await undo();
    if (!id) return showSaved("Nothing to undo");
    forget(id);
    answers.delete(id);
    state.revealed = null;
    let index = state.cells.findIndex((cell) => cell.id === id);
    if (index < 0) {
      index = Math.min(state.index, state.cells.length);
      state.cells.splice(index, 0, { id, key });
    }
    state.index = index;
    tell(null);
    showSaved("Taken back");
    progress();
    if (state.inGallery) showGallery();
    else show();
  } catch (error) {
    tell(`Not taken back: ${error.message}`);
  }
}

async function answerAll(ids, label) {
  await Promise.all(ids.map(async (id) => {
    const cell = state.cells.find((one) => one.id === id);
    try {
      forget(id);
      const card = await cardOf(id);
      if (label !== "cannot_say" && !card.can_decide) return;
      await send(cell, { label, version: card.version, seen: card.etag, seconds: null, map_shown: false, comment: "" });
    } catch (error) {
      tell(`Not saved: ${error.message}`);
    }
  }));
}

async function audit() {
  const button = find("[data-action=audits]");
  button.disabled = true;
  find("#done-text").textContent = "Drawing.";
  try {
    const { drawn } = await drawAudits();
    await load();
    if (!drawn) find("#done-text").textContent = "There is no decided cell left to draw.";
  } catch (error) {
    find("#done-text").textContent = error.message;
  }
  button.disabled = false;
}

// --- actions ---------------------------------------------------------------------------------------------------

const redraw = gallery({ cells: () => state.cells, answers: () => answers, answer: answerAll });

function showGallery() {
  find("#card").hidden = find("#done").hidden = true;
  find("#gallery").hidden = false;
  redraw();
}

const ACTIONS = {
  ALL: () => answer("ALL"), normal: () => answer("normal"), cannot_say: () => answer("cannot_say"), undo: takeBack,
  next: () => move(1), previous: () => move(-1), map: () => toggle("map"), outline: () => toggle("outline"),
  larger: () => zoom(1), smaller: () => zoom(-1), fit: () => zoom(0), help: () => find("#help").showModal(),
  comment: () => find("#comment").focus(),
  gallery: () => {
    state.inGallery = !state.inGallery;
    find("[data-action=gallery]").setAttribute("aria-pressed", state.inGallery);
    if (state.inGallery) showGallery();
    else show();
  },
  filters: () => {
    const form = find("#filters");
    form.hidden = !form.hidden;
    find("[data-action=filters]").setAttribute("aria-expanded", !form.hidden);
    if (!form.hidden) form.querySelector("select").focus();
  },
  audits: audit, promise: showPromise,
  disagreements: () => {
    find("[name=state]").value = "disagreed";
    find("#filters").hidden = false;
    find("[data-action=filters]").setAttribute("aria-expanded", true);
    load({ anew: true });
  },
  clear: () => { find("#filters").reset(); load({ anew: true }); },
};
const IN_GALLERY = ["undo", "gallery", "filters", "help", "clear", "audits", "promise", "disagreements"];

function act(name) {
  if (state.inGallery ? !IN_GALLERY.includes(name) : !ACTIONS[name]) return;
  ACTIONS[name]();
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-action]");
  if (button) act(button.dataset.action);
  if (event.target.closest("[data-close]")) event.target.closest("dialog").close();
});
find("#filters").addEventListener("change", () => { answers.clear(); load({ anew: true }); });
find("#filters").addEventListener("submit", (event) => event.preventDefault());
find("[name=state] [value=disagreed]").hidden = document.body.dataset.reviewers === "1";
find("#reason-filter").hidden = document.body.dataset.blind === "yes";
whenChanged(progress);
listen(act);
await load({ anew: true });
poll();
