/**
 * Asks for responses, of which one at a time may be active: for another one when that is done.
 */

const BUSY = "conversation_already_has_active_response";

export class Responses {
  #send;
  #active = null;
  #wanted = false;

  /** `send` sends a client event. */
  constructor(send) {
    this.#send = send;
  }

  get active() { return this.#active !== null; }

  clear() {
    this.#active = null;
    this.#wanted = false;
  }

  /** Have the agent answer, now or when it has answered. */
  request() {
    this.#wanted = true;
    this.#ask();
  }

  cancel() {
    if (this.#active) this.#send({ type: "response.cancel" });
  }

  /** Follow a server event; true when it is an error that is dealt with here. */
  receive(event) {
    if (event.type === "response.created") {
      this.#active = event.response.id;
    } else if (event.type === "response.done") {
      if (event.response.id === this.#active) this.#active = null;
      this.#ask();
    } else if (event.type === "error" && event.error?.code === BUSY) {
      this.#wanted = true;
      return true;
    }
    return false;
  }

  #ask() {
    if (!this.#wanted || this.active) return;
    this.#wanted = false;
    this.#send({ type: "response.create" });
  }
}
