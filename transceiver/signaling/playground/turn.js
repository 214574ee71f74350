/** One line of the transcript: who, what, and how it ended. */

const SPEAKERS = { user: "You", assistant: "Agent", tool: "Tool" };

export class Turn {
  text = "";
  interrupted = false;
  #words = document.createElement("p");
  #note = document.createElement("p");

  /** `role`: user, assistant or tool. */
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

  get isEmpty() { return !this.text && this.#note.hidden; }

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

  /** Of the text only `heard`, which is mostly its beginning, was heard. */
  cutTo(heard) {
    const unheard = this.text.startsWith(heard) ? this.text.slice(heard.length) : "";
    this.#words.replaceChildren(heard);
    if (!unheard.trim()) return;
    const rest = Object.assign(document.createElement("s"), { textContent: unheard });
    this.#words.append(hidden(" (cut off; not heard: "), rest, hidden(")"));
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

/** For those who listen to the page. */
function hidden(text) {
  return Object.assign(document.createElement("span"), { className: "visually-hidden", textContent: text });
}
