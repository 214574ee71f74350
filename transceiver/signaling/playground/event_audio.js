/** Audio that travels in events: base64 of 16-bit samples, 24,000 a second, little-endian. */

import { CallError } from "./call_error.js";

const RATE = 24_000;
const FRAME_SAMPLES = RATE / 25;
const MODULE = new URL("./audio_worklet.js", import.meta.url);

export class EventAudio {
  #context;
  #recorder;
  #player;
  #source = null;

  /** Calls back with base64 of what is recorded, `true` and `false` as playing starts and stops. */
  static async open({ recorded, playing, cut }) {
    const context = new AudioContext({ sampleRate: RATE });
    await context.audioWorklet.addModule(MODULE);
    context.resume();
    return new EventAudio(context, { recorded, playing, cut });
  }

  constructor(context, { recorded, playing, cut }) {
    this.#context = context;
    this.#recorder = new AudioWorkletNode(context, "recorder", {
      numberOfOutputs: 0, channelCount: 1, channelCountMode: "explicit", processorOptions: { frame: FRAME_SAMPLES },
    });
    this.#recorder.port.onmessage = ({ data }) => recorded(encode(data));
    this.#player = new AudioWorkletNode(context, "player", { numberOfInputs: 0, outputChannelCount: [1] });
    this.#player.port.onmessage = ({ data }) =>
      "cut" in data ? cut(data.cut.map(inMilliseconds)) : playing(data.playing);
    const output = context.createMediaStreamDestination();
    this.#player.connect(output);
    this.stream = output.stream;
  }

  /** Throws CallError. */
  record(microphone) {
    this.#source?.disconnect();
    try {
      this.#source = this.#context.createMediaStreamSource(microphone);
    } catch (error) {
      throw new CallError("This browser cannot record for a WebSocket.", `Use WebRTC instead. ${error.message}`);
    }
    this.#source.connect(this.#recorder);
  }

  play(item, base64) {
    this.#player.port.postMessage({ item, samples: decode(base64) });
  }

  /** Play nothing of what is queued; `cut` is then called with how much of it was heard. */
  cut() {
    this.#player.port.postMessage("cut");
  }

  close() {
    this.#context.close();
  }
}

function inMilliseconds({ item, played }) {
  return { item, heardMs: Math.floor((1000 * played) / RATE) };
}

function encode(samples) {
  return btoa(String.fromCharCode(...new Uint8Array(samples.buffer)));
}

function decode(base64) {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  return Float32Array.from({ length: bytes.length >> 1 }, (_, index) => view.getInt16(2 * index, true) / 32768);
}
