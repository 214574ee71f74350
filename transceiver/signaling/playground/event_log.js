/** Every event of the session, newest last; the last few hundred are kept. */

import { EventFilter } from "./event_filter.js";

const EVENTS_KEPT = 500;
const AUDIO = { "input_audio_buffer.append": "audio", "response.output_audio.delta": "delta" };

export class EventLog {
  #list = document.getElementById("log-entries");
  #count = document.getElementById("log-count");
  #search = document.getElementById("log-filter");
  #direction = document.getElementById("log-direction");
  #keepAudio = document.getElementById("log-audio");
  #none = document.getElementById("log-none");
  #filter = new EventFilter();
  #entries = [];
  #seen = 0;
  #startedAt = performance.now();

  constructor() {
    document.getElementById("log-clear").addEventListener("click", () => this.clear());
    document.getElementById("log-copy").addEventListener("click", ({ target }) => this.#copy(target));
    this.#search.addEventListener("input", () => this.#refilter());
    this.#direction.addEventListener("change", () => this.#refilter());
  }

  clear() {
    this.#entries = [];
    this.#seen = 0;
    this.#startedAt = performance.now();
    this.#list.replaceChildren();
    this.#countEntries();
  }

  add(direction, event) {
    if (event.type in AUDIO && !this.#keepAudio.checked) return;
    const atMs = Math.round(performance.now() - this.#startedAt);
    const kept = withoutAudio(event);
    const element = entry(atMs, direction, kept);
    element.hidden = !this.#filter.passes(direction, kept);
    this.#entries.push({ at_ms: atMs, direction, event: kept, element });
    this.#seen += 1;
    this.#append(element);
    this.#countEntries();
  }

  #append(element) {
    const atEnd = this.#list.scrollHeight - this.#list.scrollTop - this.#list.clientHeight < 40;
    this.#list.append(element);
    if (this.#entries.length > EVENTS_KEPT) this.#entries.shift().element.remove();
    if (atEnd) this.#list.scrollTop = this.#list.scrollHeight;
  }

  #refilter() {
    this.#filter = new EventFilter(this.#search.value, this.#direction.value);
    for (const { direction, event, element } of this.#entries) {
      element.hidden = !this.#filter.passes(direction, event);
    }
    this.#countEntries();
  }

  #shown() {
    return this.#entries.filter(({ element }) => !element.hidden);
  }

  #countEntries() {
    const shown = this.#shown().length;
    const filtered = shown < this.#entries.length;
    this.#count.textContent = filtered ? `${shown} of ${this.#entries.length}` : String(this.#seen);
    this.#none.hidden = !(filtered && shown === 0);
  }

  async #copy(button) {
    const label = button.textContent;
    const shown = this.#shown().map(({ at_ms, direction, event }) => ({ at_ms, direction, event }));
    try {
      await navigator.clipboard.writeText(JSON.stringify(shown, null, 2));
      button.textContent = "Copied";
    } catch {
      button.textContent = "The browser refused";
    }
    setTimeout(() => { button.textContent = label; }, 1500);
  }
}

/** Audio is told by its length: nobody reads it, and it would take the memory of all else. */
function withoutAudio(event) {
  const member = AUDIO[event.type];
  return member ? { ...event, [member]: `(${event[member]?.length ?? 0} characters of base64)` } : event;
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
  if (label) {
    element.setAttribute("role", "img");
    element.setAttribute("aria-label", label);
  }
  return element;
}
