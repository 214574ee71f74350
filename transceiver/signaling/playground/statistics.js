/** The connection's figures, read from getStats() once a second. */

const INTERVAL_MS = 1000;
const NONE = "–";
const FIGURES = ["rtt", "jitter", "loss-down", "loss-up", "bitrate-down", "bitrate-up",
  "ice-state", "dtls-state", "remote-address"];

export class Statistics {
  #peer = null;
  #timer = null;
  #previous = null;

  watch(peer) {
    if (peer === this.#peer) return;
    this.stop();
    this.#peer = peer;
    this.#previous = null;
    for (const id of FIGURES) show(id, NONE);
    this.#timer = setInterval(() => this.#poll(), INTERVAL_MS);
    for (const type of ["iceconnectionstatechange", "connectionstatechange"]) {
      peer.addEventListener(type, () => this.#poll());
    }
    this.#poll();
  }

  /** Stop reading; the last figures stay, for whoever looks into what happened. */
  stop() {
    clearInterval(this.#timer);
    this.#peer = null;
  }

  async #poll() {
    const peer = this.#peer;
    if (!peer) return;
    show("ice-state", peer.iceConnectionState);
    const report = await peer.getStats();
    if (peer === this.#peer) this.#showReport(report);
  }

  #showReport(report) {
    const { transport, pair, remote, inbound, reception } = pick(report);
    show("dtls-state", transport?.dtlsState);
    show("remote-address", remote && `${bracketed(remote.address ?? remote.ip)}:${remote.port} ${remote.protocol}`);
    show("rtt", milliseconds(pair?.currentRoundTripTime));
    show("jitter", milliseconds(inbound?.jitter));
    show("loss-down", percent(inbound?.packetsLost, inbound?.packetsLost + inbound?.packetsReceived));
    show("loss-up", reception && percent(reception.fractionLost, 1));
    if (transport) this.#showBitrate(transport);
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

/** The reports that matter here, of a browser's many. */
function pick(report) {
  const all = [...report.values()];
  const transport = all.find(({ type }) => type === "transport");
  const pair = report.get(transport?.selectedCandidatePairId)
    ?? all.find(({ type, nominated, state }) => type === "candidate-pair" && nominated && state === "succeeded");
  return {
    transport,
    pair,
    remote: report.get(pair?.remoteCandidateId),
    inbound: all.find(({ type, kind }) => type === "inbound-rtp" && kind === "audio"),
    reception: all.find(({ type, kind }) => type === "remote-inbound-rtp" && kind === "audio"),
  };
}

function show(id, text) {
  document.getElementById(id).textContent = text ?? NONE;
}

function milliseconds(seconds) {
  if (!Number.isFinite(seconds)) return null;
  const ms = 1000 * seconds;
  return `${ms < 10 ? ms.toFixed(1) : ms.toFixed(0)} ms`;
}

function percent(part, whole) {
  if (!(whole > 0)) return null;
  return `${((100 * Math.max(0, part)) / whole).toFixed(1)} %`;
}

function kilobits(bytes, elapsedMs) {
  return `${((8 * bytes) / elapsedMs).toFixed(0)} kbit/s`;
}

function bracketed(host) {
  return host?.includes(":") ? `[${host}]` : host;
}
