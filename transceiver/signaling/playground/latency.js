/** Where each answer's latency went: one stacked bar a turn, and the waterfall of one of them. */

const PREFIX = "antiphon_latency_";
const TOTAL = "antiphon_latency_ms";
const PARTS = [
  ["uplink_wait", "Uplink"],
  ["endpointing", "Endpointing"],
  ["asr", "Recognition"],
  ["brain", "Brain"],
  ["tts", "Synthesis"],
  ["trunk", "Trunk"],
  ["pacing", "Pacing"],
  ["transport", "Transport"],
];
const TURNS_SHOWN = 6;
const SHORTEST_SCALE_MS = 500;

export class LatencyChart {
  #bars = document.getElementById("latency-bars");
  #waterfall = document.getElementById("latency-waterfall");
  #total = document.getElementById("latency-total");
  #empty = document.getElementById("latency-empty");
  #turns = [];
  #count = 0;

  constructor() {
    this.#waterfall.append(...PARTS.map(([part, label]) => waterfallRow(part, label)));
  }

  clear() {
    this.#turns = [];
    this.#count = 0;
    this.#draw();
  }

  receive(event) {
    if (event.type !== "response.done") return;
    const account = readAccount(event.response?.metadata);
    if (!account) return;
    this.#turns.unshift({ number: ++this.#count, ...account });
    this.#turns.length = Math.min(this.#turns.length, TURNS_SHOWN);
    this.#draw();
  }

  #draw() {
    const newest = this.#turns[0];
    this.#empty.hidden = Boolean(newest);
    this.#total.hidden = this.#waterfall.hidden = !newest;
    const scaleMs = Math.max(SHORTEST_SCALE_MS, ...this.#turns.map((turn) => turn.totalMs));
    this.#bars.replaceChildren(...this.#turns.map((turn) => this.#bar(turn, scaleMs)));
    if (newest) this.#show(newest);
  }

  #bar(turn, scaleMs) {
    const item = document.createElement("li");
    const button = Object.assign(document.createElement("button"), { type: "button", className: "bar" });
    button.dataset.turn = turn.number;
    button.setAttribute("aria-label", `Turn ${turn.number}, ${describe(turn)}`);
    const stack = Object.assign(document.createElement("span"), { className: "stack" });
    stack.append(...PARTS.map(([part]) => segment(part, turn.parts[part], scaleMs)));
    const figure = Object.assign(document.createElement("span"), {
      className: "bar-total", textContent: `${Math.round(turn.totalMs)} ms`,
    });
    button.append(stack, figure);
    for (const type of ["pointerenter", "focus", "click"]) {
      button.addEventListener(type, () => this.#show(turn));
    }
    item.append(button);
    return item;
  }

  #show(turn) {
    this.#total.replaceChildren(
      Object.assign(document.createElement("strong"), { textContent: `${Math.round(turn.totalMs)} ms` }),
      ` turn ${turn.number}`,
    );
    this.#fall(turn);
    for (const bar of this.#bars.querySelectorAll(".bar")) {
      bar.ariaCurrent = String(bar.dataset.turn === String(turn.number));
    }
  }

  /** Each part begins where the one before it ended. */
  #fall({ totalMs, parts }) {
    let startMs = 0;
    for (const [part] of PARTS) {
      const row = this.#waterfall.querySelector(`[data-part="${part}"]`);
      const ms = parts[part] ?? 0;
      const step = row.querySelector(".step");
      step.style.marginLeft = percent(startMs, totalMs);
      step.style.width = percent(ms, totalMs);
      row.querySelector(".figure").textContent = part in parts ? `${Math.round(ms)} ms` : "–";
      startMs += Math.max(ms, 0);
    }
  }
}

function readAccount(metadata) {
  const totalMs = Number.parseFloat(metadata?.[TOTAL]);
  if (!Number.isFinite(totalMs)) return null;
  const parts = {};
  for (const [part] of PARTS) {
    const ms = Number.parseFloat(metadata[`${PREFIX}${part}_ms`]);
    if (Number.isFinite(ms)) parts[part] = ms;
  }
  return { totalMs, parts };
}

function describe({ totalMs, parts }) {
  const figures = PARTS.filter(([part]) => part in parts)
    .map(([part, label]) => `${label} ${Math.round(parts[part])}`);
  return `${Math.round(totalMs)} ms: ${figures.join(", ")}`;
}

function segment(part, ms = 0, scaleMs) {
  const element = document.createElement("span");
  element.dataset.part = part;
  element.style.width = percent(ms, scaleMs);
  return element;
}

function percent(ms, wholeMs) {
  return `${wholeMs > 0 ? (100 * Math.max(ms, 0)) / wholeMs : 0}%`;
}

function waterfallRow(part, label) {
  const row = document.createElement("div");
  row.dataset.part = part;
  const value = document.createElement("dd");
  const track = Object.assign(document.createElement("span"), { className: "track" });
  track.append(Object.assign(document.createElement("span"), { className: "step" }));
  value.append(track, Object.assign(document.createElement("span"), { className: "figure", textContent: "–" }));
  row.append(Object.assign(document.createElement("dt"), { textContent: label }), value);
  return row;
}
