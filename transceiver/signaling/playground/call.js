/**
 * One session of the Realtime API with this browser's microphone, over a transport.
 *
 * Dispatches:
 *   state    detail: one of CallState
 *   event    detail: { direction: "received" | "sent", event }
 *   remote   detail: the agent's MediaStream
 *   playing  detail: whether the agent is being heard
 *   error    detail: CallError; the call has ended
 *
 * A transport has `connect(microphone)`, `send(text)` (false when it cannot), `receive(event)`,
 * `silence()`, `switchMicrophone(stream)`, `figures()` and `close()`, and is given this call,
 * to which it tells what happens by the methods under "the transport's side".
 */

import { CallError } from "./call_error.js";
import { openMicrophone, stopTracks } from "./microphone.js";

export const CallState = Object.freeze({
  IDLE: "idle",
  MICROPHONE: "microphone",
  CONNECTING: "connecting",
  CONNECTED: "connected",
  RECONNECTING: "reconnecting",
  ENDED: "ended",
  FAILED: "failed",
});

const OVER = [CallState.ENDED, CallState.FAILED];

export class Call extends EventTarget {
  #transport;
  #microphone = null;
  #state = CallState.IDLE;
  #muted = false;
  #playing = false;

  constructor(Transport, { key, session }) {
    super();
    this.#transport = new Transport(this, { key, session });
  }

  get id() { return this.#transport.id; }
  get state() { return this.#state; }
  get microphone() { return this.#microphone; }
  get over() { return OVER.includes(this.#state); }
  get playing() { return this.#playing; }

  /** Place the call; resolves when it is placed or has failed. */
  async start(deviceId) {
    try {
      this.#setState(CallState.MICROPHONE);
      const microphone = await openMicrophone(deviceId);
      if (this.over) return stopTracks(microphone);
      this.#microphone = microphone;
      this.#applyMute();
      this.#setState(CallState.CONNECTING);
      await this.#transport.connect(microphone);
    } catch (error) {
      this.failed(error);
    }
  }

  /** Hang up. */
  stop() {
    this.ended();
  }

  set muted(muted) {
    this.#muted = muted;
    this.#applyMute();
  }

  /** Go on with another microphone. Throws CallError when it cannot be opened. */
  async switchMicrophone(deviceId) {
    const microphone = await openMicrophone(deviceId);
    if (this.over) return stopTracks(microphone);
    await this.#transport.switchMicrophone(microphone);
    stopTracks(this.#microphone);
    this.#microphone = microphone;
    this.#applyMute();
  }

  /** Send one client event; false when the transport is not open. */
  send(event) {
    if (!this.#transport.send(JSON.stringify(event))) return false;
    this.#dispatch("event", { direction: "sent", event });
    return true;
  }

  /** Have the agent be heard no more, until it answers again. */
  silence() {
    this.#transport.silence();
  }

  /** The connection's figures, for Statistics. */
  figures() {
    return this.#transport.figures();
  }

  // ---- the transport's side ----

  connected() {
    this.#setState(CallState.CONNECTED);
  }

  interrupted() {
    this.#setState(CallState.RECONNECTING);
  }

  heard(stream) {
    this.#dispatch("remote", stream);
  }

  received(text) {
    let event;
    try {
      event = JSON.parse(text);
    } catch {
      event = { type: "unreadable", text };
    }
    this.#dispatch("event", { direction: "received", event });
    this.#transport.receive(event);
  }

  plays(playing) {
    if (playing === this.#playing) return;
    this.#playing = playing;
    this.#dispatch("playing", playing);
  }

  ended() {
    this.#end(CallState.ENDED);
  }

  failed(error) {
    if (this.over) return;
    const known = error instanceof CallError;
    if (!known) console.error(error);
    this.#end(CallState.FAILED);
    this.#dispatch("error", known ? error : new CallError("The call failed.", String(error)));
  }

  #end(state) {
    if (this.over) return;
    this.plays(false);
    this.#setState(state);
    stopTracks(this.#microphone);
    this.#transport.close();
  }

  #applyMute() {
    for (const track of this.#microphone?.getAudioTracks() ?? []) track.enabled = !this.#muted;
  }

  #setState(state) {
    if (state === this.#state || this.over) return;
    this.#state = state;
    this.#dispatch("state", state);
  }

  #dispatch(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
