/** The connection's figures, read from the call once a second. */

const INTERVAL_MS = 1000;
const NONE = "–";
const FIGURES = {
  "ice-state": ({ iceState }) => iceState,
  "dtls-state": ({ dtlsState }) => dtlsState,
  "remote-address": ({ remoteAddress }) => remoteAddress,
  rtt: ({ rttS }) => milliseconds(rttS),
  jitter: ({ jitterS }) => milliseconds(jitterS),
  "loss-down": ({ lossDown }) => percent(lossDown),
  "loss-up": ({ lossUp }) => percent(lossUp),
};
const BITRATES = ["bitrate-down", "bitrate-up"];

export class Statistics {
  #call = null;
  #timer = null;
  #previous = null;

  /** Read from this call, from now on; again after its state has changed. */
  watch(call) {
    if (call !== this.#call) {
      this.stop();
      this.#call = call;
      this.#previous = null;
      for (const id of [...Object.keys(FIGURES), ...BITRATES]) show(id, NONE);
      this.#timer = setInterval(() => this.#poll(), INTERVAL_MS);
    }
    this.#poll();
  }

  /** Stop reading; the last figures stay, for whoever looks into what happened. */
  stop() {
    clearInterval(this.#timer);
    this.#call = null;
  }

  async #poll() {
    const call = this.#call;
    const figures = await call?.figures();
    if (!figures || call !== this.#call) return;
    for (const [id, text] of Object.entries(FIGURES)) show(id, text(figures));
    if (figures.timestamp !== undefined) this.#showBitrate(figures);
  }

  #showBitrate({ timestamp, bytesReceived, bytesSent }) {
    const before = this.#previous;
    const elapsedMs = timestamp - (before?.timestamp ?? timestamp);
    if (before && elapsedMs < INTERVAL_MS / 2) return;
    this.#previous = { timestamp, bytesReceived, bytesSent };
    if (!before) return;
    show("bitrate-down", kilobits(bytesReceived - before.bytesReceived, elapsedMs));
    show("bitrate-up", kilobits(bytesSent - before.bytesSent, elapsedMs));
  }
}

function show(id, text) {
  document.getElementById(id).textContent = text ?? NONE;
}

function milliseconds(seconds) {
  if (!Number.isFinite(seconds)) return null;
  const ms = 1000 * seconds;
  return `${ms < 10 ? ms.toFixed(1) : ms.toFixed(0)} ms`;
}

function percent(fraction) {
  return Number.isFinite(fraction) ? `${(100 * fraction).toFixed(1)} %` : null;
}

function kilobits(bytes, elapsedMs) {
  return `${((8 * bytes) / elapsedMs).toFixed(0)} kbit/s`;
}
