/** Which events are shown: those whose type or ids hold every word, and no `-word`. */

const IDS = /"(?:\w*_)?id":"([^"]+)"/g;

export class EventFilter {
  #wanted;
  #unwanted;
  #direction;

  /** `direction` is "sent", "received", or "" for both. */
  constructor(words = "", direction = "") {
    const given = words.toLowerCase().split(/\s+/).filter((word) => word && word !== "-");
    this.#wanted = given.filter((word) => !word.startsWith("-"));
    this.#unwanted = given.filter((word) => word.startsWith("-")).map((word) => word.slice(1));
    this.#direction = direction;
  }

  passes(direction, event) {
    if (this.#direction && direction !== this.#direction) return false;
    if (this.#wanted.length + this.#unwanted.length === 0) return true;
    const text = searched(event);
    return this.#wanted.every((word) => text.includes(word)) && !this.#unwanted.some((word) => text.includes(word));
  }
}

function searched(event) {
  const ids = [...JSON.stringify(event).matchAll(IDS)].map(([, id]) => id);
  return [event.type, ...ids].join(" ").toLowerCase();
}
