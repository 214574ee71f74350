/** Which tools the agent is offered, and the calls that it makes. */

import { TOOLS, toolOutput } from "./tools.js";

export class ToolPanel {
  #list = document.getElementById("tools");
  #notes = document.getElementById("notes");

  /** `changed` is called when the offer is another. */
  constructor(changed) {
    this.#list.append(...Object.entries(TOOLS).map(([name, { label }]) => choice(name, label)));
    this.#list.addEventListener("change", changed);
  }

  clear() {
    this.#notes.replaceChildren();
  }

  /** The session's `tools`. */
  offered() {
    const chosen = [...this.#list.querySelectorAll("input:checked")].map(({ value }) => value);
    return chosen.map((name) => {
      const { description, parameters } = TOOLS[name];
      return { type: "function", name, description, parameters };
    });
  }

  /** The items that answer the calls of a response that is done. */
  answer({ status, output }) {
    const calls = status === "completed" ? output ?? [] : [];
    return calls
      .filter(({ type }) => type === "function_call")
      .map(({ call_id, name, arguments: given }) =>
        ({ type: "function_call_output", call_id, output: toolOutput(name, given) }));
  }
}

function choice(name, label) {
  const item = document.createElement("li");
  const wrapper = document.createElement("label");
  const box = Object.assign(document.createElement("input"), { type: "checkbox", value: name, checked: true });
  const id = Object.assign(document.createElement("code"), { textContent: name });
  wrapper.append(box, ` ${label} `, id);
  item.append(wrapper);
  return item;
}
