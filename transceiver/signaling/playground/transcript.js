/**
 * The transcript of both sides, kept up to date from server events.
 *
 * A turn is one conversation item. It appears when its speaker starts, its text
 * is filled in place, and a hidden live region reads out each finished turn.
 */

const SPEAKERS = { user: "You", assistant: "Agent" };

export class Transcript {
  #list = document.getElementById("transcript");
  #scroll = document.getElementById("transcript-scroll");
  #empty = document.getElementById("transcript-empty");
  #announcer = document.getElementById("announcer");
  #turns = new Map();
  #itemOfResponse = new Map();

  clear() {
    this.#turns.clear();
    this.#itemOfResponse.clear();
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
      this.#complete(this.#turn(item_id, "assistant"), `${name}(${given})`),
    "conversation.item.truncated": ({ item_id, audio_end_ms }) => this.#truncate(item_id, audio_end_ms),
    "conversation.item.deleted": ({ item_id }) => this.#delete(item_id),
    "response.done": ({ response }) => this.#finishResponse(response),
  };

  #addOutput(responseId, item) {
    if (item.type !== "message" && item.type !== "function_call") return;
    this.#itemOfResponse.set(responseId, item.id);
    this.#turn(item.id, "assistant");
  }

  #appendOutput({ item_id, delta }) {
    this.#edit(this.#turn(item_id, "assistant"), (turn) => turn.append(delta ?? ""));
  }

  #complete(turn, text) {
    this.#edit(turn, () => turn.complete(text ?? ""));
    if (turn.text) this.#announcer.textContent = `${turn.speaker}: ${turn.text}`;
  }

  #truncate(itemId, heardMs) {
    const turn = this.#turns.get(itemId);
    if (turn) this.#edit(turn, () => turn.interrupt(`interrupted after ${(heardMs / 1000).toFixed(1)} s`));
  }

  #delete(itemId) {
    this.#turns.get(itemId)?.element.remove();
    this.#turns.delete(itemId);
  }

  #finishResponse({ id, status, status_details: details }) {
    const turn = this.#turns.get(this.#itemOfResponse.get(id));
    if (!turn) return;
    if (status === "cancelled" && !turn.interrupted) turn.interrupt("interrupted");
    if (status === "failed") turn.note(details?.error?.message ?? "failed");
    if (status === "incomplete") turn.note(`incomplete: ${details?.reason ?? "unknown reason"}`);
    turn.settle();
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

class Turn {
  text = "";
  interrupted = false;
  #words = document.createElement("p");
  #note = document.createElement("p");

  constructor(role) {
    this.speaker = SPEAKERS[role];
    this.element = document.createElement("li");
    this.element.dataset.role = role;
    this.element.dataset.status = "partial";
    const name = Object.assign(document.createElement("span"), { className: "speaker", textContent: this.speaker });
    this.#words.className = "words";
    this.#note.className = "note";
    this.#note.hidden = true;
    this.element.append(name, this.#words, this.#note);
  }

  append(delta) {
    this.#show(this.text + delta);
  }

  complete(text) {
    this.#show(text);
    this.settle();
  }

  interrupt(note) {
    this.interrupted = true;
    this.element.dataset.status = "interrupted";
    this.note(note);
  }

  note(text) {
    this.#note.textContent = text;
    this.#note.hidden = false;
    this.settle();
  }

  settle() {
    if (this.element.dataset.status === "partial") this.element.dataset.status = "final";
  }

  #show(text) {
    this.text = text;
    this.#words.textContent = text;
  }
}
