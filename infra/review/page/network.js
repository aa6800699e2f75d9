// Talk to the server: cells, cards, pictures and answers. Cards and pictures of the next cells are fetched ahead.

const KEPT = 40;
const AHEAD = 5;

export class Refusal extends Error {
  constructor(status, content) {
    super(content.error || `The program answered ${status}.`);
    this.status = status;
    this.content = content;
  }
}

async function ask(path, body) {
  const options = body === undefined ? {} : {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
  };
  const response = await fetch(path, { credentials: "same-origin", ...options });
  if (response.status === 403) {
    throw new Refusal(403, { error: "The program was started again. Open the address that it printed." });
  }
  const content = await response.json();
  if (!response.ok) throw new Refusal(response.status, content);
  return content;
}

export const listCells = (filters) => ask(`api/cells?${new URLSearchParams(filters)}`);
export const drawAudits = () => ask("api/audits", {});
export const agreement = () => ask("api/agreement");
export const checkPromise = () => ask("api/promise", {});
export const undo = () => ask("api/undo", {});
export const pictureOf = (id, kind = "image") => `api/cells/${encodeURIComponent(id)}/${kind}.png`;

// Send an answer until the server has it. A refusal of the server is an answer, too.
export async function sendAnswer(id, answer, onTrouble) {
  for (let pause = 500; ; pause = Math.min(2 * pause, 10000)) {
    try {
      return await ask(`api/cells/${encodeURIComponent(id)}/answer`, answer);
    } catch (error) {
      if (error instanceof Refusal && error.status < 500) throw error;
      onTrouble(error instanceof Refusal ? error.message : "The program cannot be reached. Is it still running?");
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }
}

// Answers that were sent since the page was opened: a card that was fetched before lacks them among its nearest cells.
let sent = 0;
const cards = new Map();
const pictures = new Map();

function kept(map, id, make) {
  if (!map.has(id)) {
    const promise = make();
    promise.catch(() => map.get(id) === promise && map.delete(id));
    map.set(id, promise);
    if (map.size > KEPT) map.delete(map.keys().next().value);
  }
  return map.get(id);
}

export const cardOf = (id) => kept(cards, id, () => {
  const promise = ask(`api/cells/${encodeURIComponent(id)}`);
  promise.sent = sent;
  return promise;
});

// The card as it is now, if it was fetched before an answer that was sent meanwhile; else null.
export function newerCard(id) {
  if ((cards.get(id)?.sent ?? sent) === sent) return null;
  cards.delete(id);
  return cardOf(id);
}

export function pictureElement(id) {
  return kept(pictures, id, async () => {
    const image = new Image();
    image.src = pictureOf(id);
    try {
      await image.decode();
    } catch {
      const response = await fetch(image.src);
      throw new Refusal(response.status, response.ok ? { error: "The image cannot be shown." } : await response.json());
    }
    return image;
  });
}

export function forget(id) {
  cards.delete(id);
  pictures.delete(id);
}

export function remember(id, card) {
  sent++;
  cards.set(id, Promise.resolve(card));
}

export function prefetch(ids) {
  for (const id of ids.slice(0, AHEAD)) {
    cardOf(id).catch(() => {});
    pictureElement(id).catch(() => {});
  }
}
