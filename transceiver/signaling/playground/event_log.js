/** Every event of the data channel, newest last; the last few hundred are kept. */

const EVENTS_KEPT = 500;

export class EventLog {
  #list = document.getElementById("log-entries");
  #count = document.getElementById("log-count");
  #entries = [];
  #seen = 0;
  #startedAt = performance.now();

  constructor() {
    document.getElementById("log-clear").addEventListener("click", () => this.clear());
    document.getElementById("log-copy").addEventListener("click", ({ target }) => this.#copy(target));
  }

  clear() {
    this.#entries = [];
    this.#seen = 0;
    this.#startedAt = performance.now();
    this.#list.replaceChildren();
    this.#count.textContent = "0";
  }

  add(direction, event) {
    const atMs = Math.round(performance.now() - this.#startedAt);
    this.#entries.push({ at_ms: atMs, direction, event });
    this.#count.textContent = String(++this.#seen);
    const atEnd = this.#list.scrollHeight - this.#list.scrollTop - this.#list.clientHeight < 40;
    this.#list.append(entry(atMs, direction, event));
    if (this.#entries.length > EVENTS_KEPT) {
      this.#entries.shift();
      this.#list.firstElementChild.remove();
    }
    if (atEnd) this.#list.scrollTop = this.#list.scrollHeight;
  }

  async #copy(button) {
    const label = button.textContent;
    try {
      await navigator.clipboard.writeText(JSON.stringify(this.#entries, null, 2));
      button.textContent = "Copied";
    } catch {
      button.textContent = "The browser refused";
    }
    setTimeout(() => { button.textContent = label; }, 1500);
  }
}

function entry(atMs, direction, event) {
  const item = document.createElement("li");
  const details = document.createElement("details");
  const summary = document.createElement("summary");
  summary.append(
    span("time", (atMs / 1000).toFixed(3)),
    span(`arrow ${direction}`, direction === "sent" ? "↑" : "↓", direction),
    span(event.type === "error" ? "type bad" : "type", event.type ?? "no type"),
  );
  details.append(summary);
  details.addEventListener("toggle", () => {
    if (details.childElementCount === 1) details.append(json(event));
  });
  item.append(details);
  return item;
}

/** Built only when opened: most events are never looked into. */
function json(event) {
  return Object.assign(document.createElement("pre"), { textContent: JSON.stringify(event, null, 2) });
}

function span(className, text, label) {
  const element = Object.assign(document.createElement("span"), { className, textContent: text });
  if (label) element.setAttribute("aria-label", label);
  return element;
}
