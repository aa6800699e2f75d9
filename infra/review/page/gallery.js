// Many cells at once: select some, and answer them all.

import { NAMES, element, find, keyText } from "./elements.js";
import { pictureOf } from "./network.js";

const PAGE = 48;

// `cells` returns the cells of the queue, `answers` what was said of them, and `answer` labels the selected ones.
export function gallery({ cells, answers, answer }) {
  let page = 0;
  const selected = new Set();

  function tile(cell) {
    const chosen = selected.has(cell.id);
    const given = answers().get(cell.id) ?? cell.label;
    const facts = [given ? `labelled ${NAMES[given] ?? given}` : null, cell.probability?.toFixed?.(2), cell.reasons].filter(Boolean);
    const button = element("button", { type: "button", "aria-pressed": String(chosen) },
      element("img", { src: pictureOf(cell.id), alt: "", loading: "lazy", decoding: "async" }), keyText(cell.key),
      element("span", {}, ` ${facts.join(", ")}`), element("strong", {}, chosen ? " ✓ selected" : ""));
    button.addEventListener("click", () => {
      selected.has(cell.id) ? selected.delete(cell.id) : selected.add(cell.id);
      const again = tile(cell);
      button.replaceWith(again);
      again.focus();
      count();
    });
    return button;
  }

  const onPage = () => cells().slice(page * PAGE, (page + 1) * PAGE);
  const pages = () => Math.max(1, Math.ceil(cells().length / PAGE));

  function count() {
    find("#selected").textContent = `${selected.size} selected`;
    find("#all-on-page").checked = onPage().length > 0 && onPage().every(({ id }) => selected.has(id));
    for (const button of document.querySelectorAll("[data-answer]")) button.disabled = !selected.size;
    find("#page").textContent = `page ${page + 1} of ${pages()}`;
    find("[data-page='-1']").disabled = page === 0;
    find("[data-page='1']").disabled = page + 1 >= pages();
  }

  function show() {
    page = Math.min(page, pages() - 1);
    find("#tiles").replaceChildren(...onPage().map((cell) => element("li", {}, tile(cell))));
    count();
  }

  for (const button of document.querySelectorAll("[data-page]")) {
    button.addEventListener("click", () => { page += Number(button.dataset.page); show(); find("#tiles").scrollTop = 0; });
  }
  find("#all-on-page").addEventListener("change", (event) => {
    for (const { id } of onPage()) event.target.checked ? selected.add(id) : selected.delete(id);
    show();
  });
  for (const button of document.querySelectorAll("[data-answer]")) {
    button.addEventListener("click", async () => {
      const ids = [...selected];
      selected.clear();
      count();
      await answer(ids, button.dataset.answer);
      show();
    });
  }
  return show;
}
