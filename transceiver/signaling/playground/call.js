/**
 * One WebRTC call to the Realtime API: microphone, peer connection, data channel.
 *
 * Dispatches:
 *   state    detail: one of CallState
 *   event    detail: { direction: "received" | "sent", event }
 *   remote   detail: the agent's MediaStream
 *   error    detail: CallError; the call has ended
 */

export const CallState = Object.freeze({
  IDLE: "idle",
  MICROPHONE: "microphone",
  CONNECTING: "connecting",
  CONNECTED: "connected",
  RECONNECTING: "reconnecting",
  ENDED: "ended",
  FAILED: "failed",
});

/** What went wrong, in words for the person who made the call. */
export class CallError extends Error {
  constructor(title, detail = "") {
    super(title);
    this.detail = detail;
  }
}

const CALLS_PATH = "/v1/realtime/calls";
const CONNECT_TIMEOUT_MS = 15_000;
const OVER = [CallState.ENDED, CallState.FAILED];

export class Call extends EventTarget {
  #key;
  #session;
  #peer = null;
  #channel = null;
  #microphone = null;
  #state = CallState.IDLE;
  #connectTimer = null;
  #muted = false;

  id = null;

  constructor({ key, session }) {
    super();
    this.#key = key;
    this.#session = session;
  }

  get state() { return this.#state; }
  get peer() { return this.#peer; }
  get microphone() { return this.#microphone; }
  get over() { return OVER.includes(this.#state); }

  /** Place the call; resolves when the answer is set or the call has failed. */
  async start(deviceId) {
    try {
      this.#setState(CallState.MICROPHONE);
      const microphone = await openMicrophone(deviceId);
      if (this.over) return stopTracks(microphone);
      this.#microphone = microphone;
      this.#applyMute();
      this.#peer = new RTCPeerConnection();
      this.#setState(CallState.CONNECTING);
      await this.#connect(this.#peer);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Hang up. */
  stop() {
    if (this.over) return;
    if (this.id) this.#hangUp();
    this.#end(CallState.ENDED);
  }

  set muted(muted) {
    this.#muted = muted;
    this.#applyMute();
  }

  /** Go on with another microphone. Throws CallError when it cannot be opened. */
  async switchMicrophone(deviceId) {
    const microphone = await openMicrophone(deviceId);
    const sender = this.#peer?.getSenders().find((candidate) => candidate.track?.kind === "audio");
    if (this.over || !sender) return stopTracks(microphone);
    await sender.replaceTrack(microphone.getAudioTracks()[0]);
    stopTracks(this.#microphone);
    this.#microphone = microphone;
    this.#applyMute();
  }

  /** Send one client event; false when the channel is not open. */
  send(event) {
    if (this.#channel?.readyState !== "open") return false;
    this.#channel.send(JSON.stringify(event));
    this.#dispatch("event", { direction: "sent", event });
    return true;
  }

  async #connect(peer) {
    peer.addEventListener("connectionstatechange", () => this.#followConnection());
    peer.addEventListener("track", ({ track, streams }) =>
      this.#dispatch("remote", streams[0] ?? new MediaStream([track])));
    for (const track of this.#microphone.getAudioTracks()) peer.addTrack(track, this.#microphone);
    this.#openChannel();

    const offer = await peer.createOffer();
    await peer.setLocalDescription(offer);
    const answer = await this.#exchange(offer.sdp);
    if (this.over) return this.#hangUp();
    this.#connectTimer = setTimeout(() => this.#fail(unreachableMedia(answer)), CONNECT_TIMEOUT_MS);
    await peer.setRemoteDescription({ type: "answer", sdp: answer });
  }

  #openChannel() {
    const channel = (this.#channel = this.#peer.createDataChannel("oai-events"));
    channel.addEventListener("open", () => this.#followConnection());
    channel.addEventListener("close", () => this.#end(CallState.ENDED));
    channel.addEventListener("message", ({ data }) => this.#receive(data));
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

  #receive(text) {
    let event;
    try {
      event = JSON.parse(text);
    } catch {
      event = { type: "unreadable", text };
    }
    this.#dispatch("event", { direction: "received", event });
  }

  #followConnection() {
    if (this.over) return;
    const { connectionState } = this.#peer;
    if (connectionState === "connected" && this.#channel.readyState === "open") {
      clearTimeout(this.#connectTimer);
      this.#setState(CallState.CONNECTED);
    } else if (connectionState === "disconnected") {
      this.#setState(CallState.RECONNECTING);
    } else if (connectionState === "failed") {
      this.#fail(new CallError("The connection was lost.", "No media came through any more."));
    }
  }

  #fail(error) {
    if (this.over) return;
    const known = error instanceof CallError;
    if (!known) console.error(error);
    this.#end(CallState.FAILED);
    this.#dispatch("error", known ? error : new CallError("The call failed.", String(error)));
  }

  #end(state) {
    if (this.over) return;
    clearTimeout(this.#connectTimer);
    this.#setState(state);
    if (this.#microphone) stopTracks(this.#microphone);
    this.#peer?.close();
  }

  #applyMute() {
    for (const track of this.#microphone?.getAudioTracks() ?? []) track.enabled = !this.#muted;
  }

  #setState(state) {
    if (state === this.#state) return;
    this.#state = state;
    this.#dispatch("state", state);
  }

  #dispatch(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

async function openMicrophone(deviceId) {
  if (!navigator.mediaDevices) {
    throw new CallError(
      "This page may not use the microphone.",
      "Browsers allow it only over https:// or from localhost.",
    );
  }
  const device = deviceId ? { deviceId: { exact: deviceId } } : {};
  const audio = { echoCancellation: true, noiseSuppression: true, autoGainControl: true, ...device };
  try {
    return await navigator.mediaDevices.getUserMedia({ audio });
  } catch (error) {
    throw microphoneError(error);
  }
}

function microphoneError(error) {
  switch (error.name) {
    case "NotAllowedError":
      return new CallError(
        "The microphone was refused.",
        "Allow it for this page in the browser's address bar, then start again.",
      );
    case "NotFoundError":
    case "OverconstrainedError":
      return new CallError("No microphone was found.", "Plug one in or choose another, then start again.");
    case "NotReadableError":
      return new CallError("The microphone cannot be opened.", "Another program may be using it.");
    default:
      return new CallError("The microphone cannot be opened.", String(error));
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

function stopTracks(stream) {
  for (const track of stream.getTracks()) track.stop();
}
