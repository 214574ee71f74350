/** The two ends of a WebSocket's audio, on the browser's audio thread; one channel each. */

/** Shorter silences are none. */
const REPORT_S = 0.05;

/** Posts what it hears as Int16Array, `frame` samples at a time. */
class Recorder extends AudioWorkletProcessor {
  #frame;
  #filled = 0;

  constructor({ processorOptions }) {
    super();
    this.#frame = new Int16Array(processorOptions.frame);
  }

  process([[samples]]) {
    for (const sample of samples ?? []) {
      this.#frame[this.#filled++] = Math.round(32767 * Math.min(1, Math.max(-1, sample)));
      if (this.#filled === this.#frame.length) {
        this.port.postMessage(this.#frame);
        this.#filled = 0;
      }
    }
    return true;
  }
}

/**
 * Plays what is queued. Is told `{ item, samples }` (Float32Array), or `"cut"`; posts
 * `{ playing }` when that changes, and after a cut `{ cut: [{ item, played }] }`, in samples,
 * of each item of which something was left.
 */
class Player extends AudioWorkletProcessor {
  #queue = [];
  #offset = 0;
  #played = new Map();
  #playing = false;
  #soundedAt = -REPORT_S;

  constructor() {
    super();
    this.port.onmessage = ({ data }) => (data === "cut" ? this.#cut() : this.#queue.push(data));
  }

  process(_inputs, [[output]]) {
    let filled = 0;
    while (filled < output.length && this.#queue.length > 0) filled += this.#fill(output, filled);
    if (filled > 0) this.#soundedAt = currentTime;
    this.#report(filled > 0 || currentTime - this.#soundedAt < REPORT_S);
    return true;
  }

  #fill(output, filled) {
    const { item, samples } = this.#queue[0];
    const part = samples.subarray(this.#offset, this.#offset + output.length - filled);
    output.set(part, filled);
    this.#offset += part.length;
    this.#played.set(item, (this.#played.get(item) ?? 0) + part.length);
    if (this.#offset === samples.length) {
      this.#queue.shift();
      this.#offset = 0;
    }
    return part.length;
  }

  #cut() {
    const items = new Set(this.#queue.map(({ item }) => item));
    const cut = [...items].map((item) => ({ item, played: this.#played.get(item) ?? 0 }));
    this.#queue = [];
    this.#offset = 0;
    this.#played.clear();
    this.port.postMessage({ cut });
  }

  #report(playing) {
    if (playing === this.#playing) return;
    this.#playing = playing;
    this.port.postMessage({ playing });
  }
}

registerProcessor("recorder", Recorder);
registerProcessor("player", Player);
