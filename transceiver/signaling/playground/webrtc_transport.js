/** A call over WebRTC: audio on its tracks, events on a data channel; the server plays and cuts. */

import { CallError } from "./call_error.js";
import { readPeerFigures } from "./peer_figures.js";

const CALLS_PATH = "/v1/realtime/calls";
const CONNECT_TIMEOUT_MS = 15_000;
const PLAYING = {
  "output_audio_buffer.started": true,
  "output_audio_buffer.stopped": false,
  "output_audio_buffer.cleared": false,
};

export class WebRtcTransport {
  #call;
  #key;
  #session;
  #peer = null;
  #channel = null;
  #connectTimer = null;
  #gone = false;

  id = null;

  constructor(call, { key, session }) {
    this.#call = call;
    this.#key = key;
    this.#session = session;
  }

  /** Resolves when the answer is set. Throws CallError. */
  async connect(microphone) {
    const peer = (this.#peer = new RTCPeerConnection());
    peer.addEventListener("connectionstatechange", () => this.#followConnection());
    peer.addEventListener("track", ({ track, streams }) =>
      this.#call.heard(streams[0] ?? new MediaStream([track])));
    for (const track of microphone.getAudioTracks()) peer.addTrack(track, microphone);
    this.#openChannel();

    const offer = await peer.createOffer();
    await peer.setLocalDescription(offer);
    const answer = await this.#exchange(offer.sdp);
    if (this.#call.over) return this.#hangUp();
    this.#connectTimer = setTimeout(() => this.#call.failed(unreachableMedia(answer)), CONNECT_TIMEOUT_MS);
    await peer.setRemoteDescription({ type: "answer", sdp: answer });
  }

  send(text) {
    if (this.#channel?.readyState !== "open") return false;
    this.#channel.send(text);
    return true;
  }

  receive(event) {
    if (event.type in PLAYING) this.#call.plays(PLAYING[event.type]);
  }

  silence() {
    this.#call.send({ type: "output_audio_buffer.clear" });
  }

  async switchMicrophone(stream) {
    const sender = this.#peer?.getSenders().find((candidate) => candidate.track?.kind === "audio");
    await sender?.replaceTrack(stream.getAudioTracks()[0]);
  }

  figures() {
    return this.#peer ? readPeerFigures(this.#peer) : {};
  }

  close() {
    clearTimeout(this.#connectTimer);
    if (this.id && !this.#gone) this.#hangUp();
    this.#peer?.close();
  }

  #openChannel() {
    const channel = (this.#channel = this.#peer.createDataChannel("oai-events"));
    channel.addEventListener("open", () => this.#followConnection());
    channel.addEventListener("close", () => this.#hungUp());
    channel.addEventListener("message", ({ data }) => this.#call.received(data));
  }

  async #exchange(sdp) {
    const form = new FormData();
    form.set("sdp", sdp);
    form.set("session", JSON.stringify(this.#session));
    const response = await this.#post(CALLS_PATH, form).catch(() => {
      throw new CallError("The server cannot be reached.", `Nothing answers at ${location.origin}.`);
    });
    if (!response.ok) throw await refusal(response);
    this.id = response.headers.get("Location")?.split("/").pop() ?? null;
    return response.text();
  }

  #post(path, body) {
    const headers = { Authorization: `Bearer ${this.#key}` };
    return fetch(path, { method: "POST", headers, body, keepalive: body === undefined });
  }

  /** Tell the server, which would otherwise find out by the missing media; best effort. */
  #hangUp() {
    this.#post(`${CALLS_PATH}/${this.id}/hangup`).catch(() => {});
  }

  #hungUp() {
    this.#gone = true;
    this.#call.ended();
  }

  #followConnection() {
    if (this.#call.over) return;
    const { connectionState } = this.#peer;
    if (connectionState === "connected" && this.#channel.readyState === "open") {
      clearTimeout(this.#connectTimer);
      this.#call.connected();
    } else if (connectionState === "disconnected") {
      this.#call.interrupted();
    } else if (connectionState === "failed") {
      this.#call.failed(new CallError("The connection was lost.", "No media came through any more."));
    }
  }
}

async function refusal(response) {
  const body = await response.json().catch(() => null);
  const detail = body?.error?.message ?? "";
  if (response.status === 401) return new CallError("The API key was not accepted.", detail);
  if (response.status === 429 || response.status === 503) {
    return new CallError("The server takes no call at the moment.", detail);
  }
  return new CallError(`The server refused the call (${response.status}).`, detail);
}

function unreachableMedia(answer) {
  const candidate = /^a=candidate:\S+ \d+ (\S+) \d+ (\S+) (\d+)/m.exec(answer);
  const address = candidate ? `${candidate[1].toUpperCase()} ${candidate[2]} port ${candidate[3]}` : "its media address";
  return new CallError("Media cannot reach the server.", `Nothing answers at ${address}: is it open, and advertised right?`);
}
