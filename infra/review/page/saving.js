// Save answers: "saved" is said only after the server has it. If somebody else was faster, ask whose answer shall stand.

import { NAMES, element, find, keyText } from "./elements.js";
import { said } from "./facts.js";
import { forget, remember, sendAnswer } from "./network.js";

export const answers = new Map();
export const pending = new Set();

let onChange = () => {};
export const whenChanged = (call) => { onChange = call; };

export function tell(message) {
  find("#message").textContent = message ?? "";
  find("#message").hidden = !message;
}

export const showSaved = (text) => { find("#saved").textContent = text; };

// Save an answer; resolves with the card as it is then, or null if it was not saved.
export function send(cell, given) {
  answers.set(cell.id, given.label);
  onChange();
  showSaved("Saving");
  const work = save(cell, given).catch((error) => {
    answers.delete(cell.id);
    forget(cell.id);
    tell(`Not saved: ${error.message} The cell was ${cell.key}.`);
    showSaved("Not saved");
    return null;
  });
  pending.add(work);
  work.finally(() => {
    pending.delete(work);
    onChange();
  });
  return work;
}

async function save(cell, given) {
  for (;;) {
    try {
      const card = await sendAnswer(cell.id, given, (trouble) => tell(`Not saved yet: ${trouble} Trying again; leave this page open.`));
      remember(cell.id, card);
      if (pending.size <= 1) tell(null);
      showSaved(`Saved: ${NAMES[given.label]}${card.labels?.disagree ? ". The readers disagree" : ""}`);
      return card;
    } catch (error) {
      if (error.status !== 412) throw error;
      const choice = await choose(cell, given, error.content.conflict);
      if (choice === "cancel") {
        answers.delete(cell.id);
        forget(cell.id);
        showSaved("Not answered");
        return null;
      }
      given = { ...given, seen: error.content.etag, choice };
    }
  }
}

let asking = Promise.resolve();

// Ask whose answer shall stand; one question after another.
function choose(cell, given, conflict) {
  const question = asking.then(() => new Promise((resolve) => {
    const dialog = find("#conflict");
    const others = [conflict.standing, ...conflict.history].filter(Boolean);
    find("#conflict-text").replaceChildren(element("p", {}, keyText(cell.key)),
      element("p", {}, "Stands: ", conflict.standing ? said(conflict.standing) : "no label; it was taken back."),
      others.length > 1 ? element("ul", {}, conflict.history.map((past) => element("li", {}, said(past)))) : "",
      element("p", {}, "You: ", element("strong", {}, NAMES[given.label])));
    dialog.querySelector("[value=keep]").disabled = !conflict.standing;
    const finish = (choice) => { dialog.close(); resolve(choice); };
    for (const button of dialog.querySelectorAll("button")) button.onclick = () => finish(button.value);
    dialog.oncancel = (event) => { event.preventDefault(); finish("cancel"); };
    dialog.showModal();
  }));
  asking = question;
  return question;
}

addEventListener("beforeunload", (event) => { if (pending.size) event.preventDefault(); });
