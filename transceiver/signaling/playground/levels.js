/** Level meters of both voices, and the timeline of their last seconds. */

const FLOOR_DB = -60;
const COLUMN_MS = 50;
const COLUMN_PX = 4;
const BAR_PX = 2.5;
const ANNOUNCE_MS = 200;

export class Levels {
  #context = null;
  #you = null;
  #agent = null;
  #yourMeter = new Meter("you-meter");
  #agentMeter = new Meter("agent-meter");
  #timeline = new Timeline(document.getElementById("timeline"));
  #frame = 0;

  /** Call on a user gesture: browsers start audio only then. */
  start() {
    this.#context ??= new AudioContext();
    this.#context.resume();
    this.#timeline.clear();
    cancelAnimationFrame(this.#frame);
    this.#tick();
  }

  stop() {
    cancelAnimationFrame(this.#frame);
    this.#you?.disconnect();
    this.#agent?.disconnect();
    this.#you = this.#agent = null;
    this.#yourMeter.reset();
    this.#agentMeter.reset();
  }

  listenToYou(stream) {
    this.#you?.disconnect();
    this.#you = new Probe(this.#context, stream);
  }

  listenToAgent(stream) {
    this.#agent?.disconnect();
    this.#agent = new Probe(this.#context, stream);
  }

  #tick() {
    const you = this.#you?.level() ?? 0;
    const agent = this.#agent?.level() ?? 0;
    this.#yourMeter.show(you);
    this.#agentMeter.show(agent);
    this.#timeline.add(you, agent, performance.now());
    this.#frame = requestAnimationFrame(() => this.#tick());
  }
}

/** Measures one stream; levels run from 0 (silence) to 1 (full scale) in decibels. */
class Probe {
  #source;
  #analyser;
  #samples;

  constructor(context, stream) {
    this.#source = context.createMediaStreamSource(stream);
    this.#analyser = context.createAnalyser();
    this.#analyser.fftSize = 1024;
    this.#samples = new Float32Array(this.#analyser.fftSize);
    this.#source.connect(this.#analyser);
  }

  level() {
    this.#analyser.getFloatTimeDomainData(this.#samples);
    let energy = 0;
    for (const sample of this.#samples) energy += sample * sample;
    const decibels = 10 * Math.log10(energy / this.#samples.length + 1e-12);
    return Math.min(1, Math.max(0, 1 - decibels / FLOOR_DB));
  }

  disconnect() {
    this.#source.disconnect();
  }
}

class Meter {
  #element;
  #bar;
  #peak = 0;
  #announcedAt = 0;

  constructor(id) {
    this.#element = document.getElementById(id);
    this.#bar = this.#element.firstElementChild;
  }

  show(level) {
    this.#bar.style.transform = `scaleX(${level})`;
    this.#peak = Math.max(this.#peak, level);
    const now = performance.now();
    if (now - this.#announcedAt < ANNOUNCE_MS) return;
    this.#element.setAttribute("aria-valuenow", String(Math.round(100 * this.#peak)));
    this.#announcedAt = now;
    this.#peak = 0;
  }

  reset() {
    this.#announcedAt = this.#peak = 0;
    this.show(0);
  }
}

/** You above the line, the agent below it, newest at the right; a mark each second. */
class Timeline {
  #canvas;
  #columns = [];
  #peak = { you: 0, agent: 0 };
  #columnSince = 0;

  constructor(canvas) {
    this.#canvas = canvas;
    new ResizeObserver(() => this.#draw()).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#draw());
    new MutationObserver(() => this.#draw()).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  }

  clear() {
    this.#columns = [];
    this.#draw();
  }

  add(you, agent, now) {
    this.#peak = { you: Math.max(this.#peak.you, you), agent: Math.max(this.#peak.agent, agent) };
    if (now - this.#columnSince < COLUMN_MS) return;
    const newSecond = Math.floor(now / 1000) > Math.floor(this.#columnSince / 1000);
    this.#columns.push({ ...this.#peak, newSecond });
    this.#peak = { you: 0, agent: 0 };
    this.#columnSince = now;
    this.#draw();
  }

  #draw() {
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    const pen = this.#blankPen(width, height);
    const [line, you, agent] = ["#timeline", ".voice.you", ".voice.agent"].map(
      (selector) => getComputedStyle(document.querySelector(selector)).color,
    );
    const middle = Math.round(height / 2);
    const box = (color, ...edges) => {
      pen.fillStyle = color;
      pen.fillRect(...edges);
    };

    box(line, 0, middle, width, 1);
    this.#columns = this.#columns.slice(-Math.ceil(width / COLUMN_PX));
    let x = width - this.#columns.length * COLUMN_PX;
    for (const column of this.#columns) {
      if (column.newSecond) box(line, Math.round(x) - 1, 0, 1, height);
      const above = column.you * (middle - 3);
      box(you, x, middle - 1 - above, BAR_PX, above);
      box(agent, x, middle + 2, BAR_PX, column.agent * (height - middle - 4));
      x += COLUMN_PX;
    }
  }

  #blankPen(width, height) {
    const ratio = window.devicePixelRatio || 1;
    this.#canvas.width = width * ratio;
    this.#canvas.height = height * ratio;
    const pen = this.#canvas.getContext("2d");
    pen.scale(ratio, ratio);
    return pen;
  }
}
