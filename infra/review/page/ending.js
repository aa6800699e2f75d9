// What stands at the end of the queue: how two readers agree, and whether the model keeps its promised error rates.

import { element, find } from "./elements.js";
import { agreement, checkPromise } from "./network.js";
import { pending } from "./saving.js";

const PROMISES = { all_decided_normal: "ALL cells decided normal", normal_decided_all: "Normal cells decided ALL" };
const OPEN = {
  no_audits: "cannot be said: no decided cell was labelled blind",
  nothing_decided: "nothing to test: no cell gets this decision",
};

export async function showDone(filtered) {
  find("#done-text").textContent = filtered ? "No other cell matches the filters."
    : "Every flag is answered. New ones appear here by themselves.";
  try {
    await Promise.all(pending); // the last answer counts, too
    const { text, disagreed } = await agreement();
    find("#agreement").textContent = text;
    find("#agreement").hidden = !text;
    find("#disagreements").hidden = !disagreed;
    find("[data-action=disagreements]").textContent = `Show the ${disagreed} on which the readers disagree`;
  } catch {
    find("#agreement").hidden = find("#disagreements").hidden = true;
  }
}

export async function showPromise() {
  const [button, panel] = [find("[data-action=promise]"), find("#promise")];
  button.disabled = true;
  panel.textContent = "Reading all results.";
  try {
    const { rates, audits } = await checkPromise();
    panel.replaceChildren(
      element("table", {}, element("thead", {}, element("tr", {},
        ["Share of", "promised", "here", "interval", ""].map((title) => element("th", { scope: "col" }, title)))),
      element("tbody", {}, rates.map(rateRow))),
      element("p", {}, `${audits} decided cells were drawn by chance and answered blind.`));
  } catch (error) {
    panel.textContent = error.message;
  }
  button.disabled = false;
}

const percent = (share) => `${(100 * share).toFixed(1)} %`;

function rateRow({ name, promised, rate, interval, verdict, audits_more: more, why_open: why }) {
  const said = verdict !== "open" ? verdict : OPEN[why] ?? (more === null ? "cannot be said yet" : `cannot be said yet: about ${more} audits more`);
  return element("tr", {}, element("th", { scope: "row" }, PROMISES[name]), element("td", {}, percent(promised)),
    element("td", {}, rate === null ? "-" : percent(rate)),
    element("td", {}, interval ? `${percent(interval[0])} to ${percent(interval[1])}` : "-"), element("td", {}, element("strong", {}, said)));
}
