/** The settings dialog, and where its values are kept: this tab's session storage. */

const STORAGE_KEY = "antiphon.settings";
const FIELDS = ["key", "transport", "model", "voice", "instructions"];
const DEFAULTS = { transport: "webrtc" };

export class Settings {
  #dialog = document.getElementById("settings");
  #inputs = Object.fromEntries(FIELDS.map((name) => [name, document.getElementById(name)]));
  #values = load();
  #onSaved = null;

  constructor() {
    this.#takeFromAddress();
    window.addEventListener("hashchange", () => this.#takeFromAddress());
    document.getElementById("settings-form").addEventListener("submit", (event) => this.#save(event));
    document.getElementById("settings-cancel").addEventListener("click", () => this.#dialog.close());
    document.getElementById("reveal-key").addEventListener("click", ({ target }) => this.#reveal(target));
  }

  get key() { return this.#values.key ?? ""; }

  /** "webrtc" or "websocket". */
  get transport() { return this.#values.transport === "websocket" ? "websocket" : DEFAULTS.transport; }

  /** The session configuration for a call with these settings. */
  session() {
    const { model, voice, instructions } = this.#values;
    const audio = { input: { transcription: { model: "gpt-4o-mini-transcribe" } } };
    if (voice) audio.output = { voice };
    return { type: "realtime", ...(model && { model }), ...(instructions && { instructions }), audio };
  }

  /** Show the dialog; `onSaved` runs once if the user saves. */
  open(onSaved = null) {
    this.#onSaved = onSaved;
    for (const name of FIELDS) this.#inputs[name].value = this.#values[name] || DEFAULTS[name] || "";
    this.#dialog.showModal();
    this.#inputs[this.key ? "model" : "key"].focus();
    if (this.key) suggestModels(this.key);
  }

  /**
   * Read `#key=...&model=...` and drop it from the address bar, so that the key
   * is neither shoulder-surfed, bookmarked nor shared with the link.
   */
  #takeFromAddress() {
    const given = new URLSearchParams(location.hash.slice(1));
    const found = FIELDS.filter((name) => given.has(name));
    if (found.length === 0) return;
    for (const name of found) this.#values[name] = given.get(name).trim();
    store(this.#values);
    history.replaceState(null, "", location.pathname + location.search);
  }

  #save(event) {
    event.preventDefault();
    for (const name of FIELDS) this.#values[name] = this.#inputs[name].value.trim();
    store(this.#values);
    this.#dialog.close();
    this.#onSaved?.();
  }

  #reveal(button) {
    const reveal = this.#inputs.key.type === "password";
    this.#inputs.key.type = reveal ? "text" : "password";
    button.textContent = reveal ? "Hide" : "Show";
    button.setAttribute("aria-pressed", String(reveal));
  }
}

/** Offer the server's model names; the field stays free text, so a failure costs nothing. */
async function suggestModels(key) {
  const response = await fetch("/v1/models", { headers: { Authorization: `Bearer ${key}` } }).catch(() => null);
  if (!response?.ok) return;
  const { data } = await response.json();
  const options = data.map(({ id }) => Object.assign(document.createElement("option"), { value: id }));
  document.getElementById("models").replaceChildren(...options);
}

function load() {
  try {
    return JSON.parse(sessionStorage.getItem(STORAGE_KEY)) ?? {};
  } catch {
    return {};
  }
}

function store(values) {
  try {
    sessionStorage.setItem(STORAGE_KEY, JSON.stringify(values));
  } catch {
    // Storage may be switched off: the values then last until the page is left.
  }
}
