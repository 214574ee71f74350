/**
 * The transcript of both sides, kept up to date from server events.
 *
 * A turn is one conversation item: something said, written, or a tool that was called. It appears
 * when it begins, its text is filled in place, and a hidden live region reads out each finished
 * turn. Of an answer that was cut, what was not heard is struck out.
 */

import { Turn } from "./turn.js";

export class Transcript {
  #list = document.getElementById("transcript");
  #scroll = document.getElementById("transcript-scroll");
  #empty = document.getElementById("transcript-empty");
  #announcer = document.getElementById("announcer");
  #turns = new Map();
  #itemsOfResponse = new Map();
  #itemOfCall = new Map();
  #send;

  /** `send` sends a client event. */
  constructor(send) {
    this.#send = send;
  }

  clear() {
    this.#turns.clear();
    this.#itemsOfResponse.clear();
    this.#itemOfCall.clear();
    this.#list.replaceChildren();
    this.#announcer.textContent = "";
    this.#empty.hidden = false;
  }

  /** Close what a call that has ended left open. */
  finish() {
    for (const turn of this.#turns.values()) turn.settle();
  }

  receive(event) {
    this.#handlers[event.type]?.(event);
  }

  #handlers = {
    "input_audio_buffer.speech_started": ({ item_id }) => this.#turn(item_id, "user"),
    "conversation.item.added": ({ item }) => this.#added(item),
    "conversation.item.input_audio_transcription.delta": ({ item_id, delta }) =>
      this.#edit(this.#turn(item_id, "user"), (turn) => turn.append(delta ?? "")),
    "conversation.item.input_audio_transcription.completed": ({ item_id, transcript }) =>
      this.#complete(this.#turn(item_id, "user"), transcript),
    "conversation.item.input_audio_transcription.failed": ({ item_id, error }) =>
      this.#edit(this.#turn(item_id, "user"), (turn) => turn.note(error?.message ?? "not transcribed")),
    "response.output_item.added": ({ response_id, item }) => this.#addOutput(response_id, item),
    "response.output_audio_transcript.delta": (event) => this.#appendOutput(event),
    "response.output_text.delta": (event) => this.#appendOutput(event),
    "response.output_audio_transcript.done": ({ item_id, transcript }) =>
      this.#complete(this.#turn(item_id, "assistant"), transcript),
    "response.output_text.done": ({ item_id, text }) =>
      this.#complete(this.#turn(item_id, "assistant"), text),
    "response.function_call_arguments.done": ({ item_id, name, arguments: given }) =>
      this.#complete(this.#turn(item_id, "tool"), `${name}(${given})`),
    "conversation.item.truncated": ({ item_id, audio_end_ms }) => this.#truncate(item_id, audio_end_ms),
    "conversation.item.retrieved": ({ item }) => this.#cutToHeard(item),
    "conversation.item.deleted": ({ item_id }) => this.#delete(item_id),
    "response.done": ({ response }) => this.#finishResponse(response),
  };

  #added(item) {
    if (item.type === "function_call_output") return this.#showOutput(item);
    const text = item.content?.find(({ type }) => type === "input_text")?.text;
    if (item.role === "user" && text) this.#complete(this.#turn(item.id, "user"), text);
  }

  #showOutput({ call_id: call, output }) {
    const turn = this.#turns.get(this.#itemOfCall.get(call));
    if (turn) this.#edit(turn, () => turn.note(`→ ${output}`));
  }

  #addOutput(responseId, item) {
    if (item.type !== "message" && item.type !== "function_call") return;
    const items = this.#itemsOfResponse.get(responseId) ?? [];
    this.#itemsOfResponse.set(responseId, [...items, item.id]);
    if (item.type === "function_call") this.#itemOfCall.set(item.call_id, item.id);
    this.#turn(item.id, item.type === "message" ? "assistant" : "tool");
  }

  #appendOutput({ item_id, delta }) {
    this.#edit(this.#turn(item_id, "assistant"), (turn) => turn.append(delta ?? ""));
  }

  #complete(turn, text) {
    this.#edit(turn, () => turn.complete(text ?? ""));
    if (turn.text) this.#announcer.textContent = `${turn.speaker}: ${turn.text}`;
  }

  /** The event says how long it was heard only: the words are asked for. */
  #truncate(itemId, heardMs) {
    const turn = this.#turns.get(itemId);
    if (!turn) return;
    this.#edit(turn, () => turn.interrupt(`interrupted after ${(heardMs / 1000).toFixed(1)} s`));
    this.#send({ type: "conversation.item.retrieve", item_id: itemId });
  }

  #cutToHeard({ id, content }) {
    const turn = this.#turns.get(id);
    const heard = content?.find(({ type }) => type === "output_audio")?.transcript;
    if (turn?.interrupted && typeof heard === "string") this.#edit(turn, () => turn.cutTo(heard));
  }

  #delete(itemId) {
    this.#turns.get(itemId)?.element.remove();
    this.#turns.delete(itemId);
  }

  #finishResponse({ id, status, status_details: details }) {
    const turns = (this.#itemsOfResponse.get(id) ?? []).map((item) => this.#turns.get(item)).filter(Boolean);
    const last = turns.at(-1);
    if (status === "cancelled" && last && !last.interrupted) last.interrupt("interrupted");
    if (status === "failed") last?.note(details?.error?.message ?? "failed");
    if (status === "incomplete") last?.note(`incomplete: ${details?.reason ?? "unknown reason"}`);
    for (const turn of turns) {
      turn.settle();
      if (turn.isEmpty) turn.element.hidden = true;
    }
  }

  #turn(itemId, role) {
    let turn = this.#turns.get(itemId);
    if (!turn) {
      turn = new Turn(role);
      this.#turns.set(itemId, turn);
      this.#empty.hidden = true;
      this.#edit(turn, () => this.#list.append(turn.element));
    }
    return turn;
  }

  /** Change a turn, and keep the newest line in view unless the user has scrolled away. */
  #edit(turn, change) {
    const box = this.#scroll;
    const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 40;
    change(turn);
    if (atEnd) box.scrollTop = box.scrollHeight;
  }
}
