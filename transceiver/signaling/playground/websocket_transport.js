/** A session over a WebSocket: audio in events; this side plays, and tells what was heard. */

import { CallError } from "./call_error.js";
import { EventAudio } from "./event_audio.js";

const PATH = "/v1/realtime";
const KEY_PROTOCOL = "openai-insecure-api-key.";

export class WebSocketTransport {
  #call;
  #key;
  #model;
  #session;
  #socket = null;
  #audio = null;
  #opened = false;
  #latest = null;
  #silenced = null;
  #bytes = { received: 0, sent: 0 };

  id = null;

  constructor(call, { key, session: { model, ...session } }) {
    this.#call = call;
    this.#key = key;
    this.#model = model;
    this.#session = session;
  }

  /** Resolves when the connection was asked for. Throws CallError. */
  async connect(microphone) {
    this.#audio = await EventAudio.open({
      recorded: (audio) => this.#call.send({ type: "input_audio_buffer.append", audio }),
      playing: (playing) => this.#call.plays(playing),
      cut: (items) => this.#tellHeard(items),
    });
    if (this.#call.over) return this.#audio.close();
    this.#call.heard(this.#audio.stream);
    this.#audio.record(microphone);
    const socket = (this.#socket = new WebSocket(this.#url(), ["realtime", KEY_PROTOCOL + this.#key]));
    socket.addEventListener("open", () => this.#follow());
    socket.addEventListener("close", (event) => this.#closed(event));
    socket.addEventListener("message", ({ data }) => {
      this.#bytes.received += data.length;
      this.#call.received(data);
    });
  }

  send(text) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(text);
    this.#bytes.sent += text.length;
    return true;
  }

  receive(event) {
    switch (event.type) {
      case "session.created":
        this.id = event.session?.id ?? null;
        this.#call.send({ type: "session.update", session: this.#session });
        this.#call.connected();
        break;
      case "response.output_audio.delta":
        this.#play(event);
        break;
      case "input_audio_buffer.speech_started":
        this.silence();
        break;
      default:
    }
  }

  silence() {
    this.#silenced = this.#latest;
    this.#audio?.cut();
  }

  async switchMicrophone(stream) {
    this.#audio?.record(stream);
  }

  figures() {
    return {
      remoteAddress: `${location.host} ${this.#url().protocol.slice(0, -1)}`,
      timestamp: performance.now(),
      bytesReceived: this.#bytes.received,
      bytesSent: this.#bytes.sent,
    };
  }

  close() {
    this.#audio?.close();
    this.#socket?.close();
  }

  #url() {
    const url = new URL(PATH, location.href.replace(/^http/, "ws"));
    if (this.#model) url.searchParams.set("model", this.#model);
    return url;
  }

  #follow() {
    this.#opened = true;
    if (this.#call.over) this.#socket.close();
  }

  /** What is still under way of an item that was silenced is not played. */
  #play({ item_id: item, delta }) {
    if (item === this.#silenced) return;
    this.#latest = item;
    this.#audio.play(item, delta);
  }

  /** What was cut counts as heard no further. */
  #tellHeard(items) {
    for (const { item, heardMs } of items) {
      this.#call.send({
        type: "conversation.item.truncate", item_id: item, content_index: 0, audio_end_ms: heardMs,
      });
    }
  }

  async #closed({ code, reason }) {
    if (this.#call.over) return;
    if (!this.#opened) return this.#call.failed(await refusal(this.#key));
    if (code === 1000) return this.#call.ended();
    this.#call.failed(new CallError("The connection was lost.", reason || `It was closed with code ${code}.`));
  }
}

/** A browser does not tell why a WebSocket was refused: another request does, mostly. */
async function refusal(key) {
  const headers = { Authorization: `Bearer ${key}` };
  const response = await fetch("/v1/models", { headers }).catch(() => null);
  if (!response) return new CallError("The server cannot be reached.", `Nothing answers at ${location.origin}.`);
  if (response.status === 401) return new CallError("The API key was not accepted.");
  return new CallError("The server takes no call at the moment.", "It refused the WebSocket.");
}
