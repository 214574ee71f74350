/** The choice of microphone and loudspeaker, kept up to date as devices come and go. */

const KINDS = { audioinput: ["microphone", "Default microphone"], audiooutput: ["speaker", "Default speaker"] };

export class Devices {
  #output = document.getElementById("agent-audio");
  #speaker = document.getElementById("speaker");

  /** `chosen` is called with the microphone's id when another one is. */
  constructor(chosen) {
    document.getElementById("microphone").addEventListener("change", ({ target }) => chosen(target.value));
    this.#speaker.addEventListener("change", () => this.#output.setSinkId(this.#speaker.value));
    document.getElementById("speaker-choice").hidden = !("setSinkId" in this.#output);
    navigator.mediaDevices?.addEventListener?.("devicechange", () => this.list());
  }

  get microphone() { return document.getElementById("microphone").value; }

  /** Names are known only once the microphone was allowed. */
  async list() {
    const devices = await navigator.mediaDevices.enumerateDevices();
    for (const [kind, [id, byDefault]] of Object.entries(KINDS)) {
      offer(document.getElementById(id), byDefault, devices.filter((device) => device.kind === kind));
    }
  }
}

function offer(select, byDefault, devices) {
  const chosen = select.value;
  const named = devices.filter(({ deviceId, label }) => deviceId && deviceId !== "default" && label);
  select.replaceChildren(new Option(byDefault, ""), ...named.map(({ label, deviceId }) => new Option(label, deviceId)));
  select.value = named.some(({ deviceId }) => deviceId === chosen) ? chosen : "";
}
