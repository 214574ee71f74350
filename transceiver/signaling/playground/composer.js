/** Where the user writes to the agent. */

export class Composer {
  #input = document.getElementById("message");
  #button = document.getElementById("send");

  /** `say` is given the text; false when it could not be sent, so that it stays. */
  constructor(say) {
    document.getElementById("composer").addEventListener("submit", (event) => {
      event.preventDefault();
      const text = this.#input.value.trim();
      if (text && say(text)) this.#input.value = "";
    });
  }

  set enabled(enabled) {
    this.#input.disabled = this.#button.disabled = !enabled;
  }
}
