/** Wires the page: one call at a time, its events to the views. */

import { Call, CallError, CallState } from "./call.js";
import { EventLog } from "./event_log.js";
import { LatencyChart } from "./latency.js";
import { Levels } from "./levels.js";
import { Settings } from "./settings.js";
import { Statistics } from "./statistics.js";
import { Transcript } from "./transcript.js";

const STATE_TEXT = {
  [CallState.IDLE]: "Not connected",
  [CallState.MICROPHONE]: "Asking for the microphone",
  [CallState.CONNECTING]: "Connecting",
  [CallState.CONNECTED]: "Connected",
  [CallState.RECONNECTING]: "Connection interrupted",
  [CallState.ENDED]: "Call ended",
  [CallState.FAILED]: "Call failed",
};
const ACTIVITIES = {
  "session.created": "listening",
  "input_audio_buffer.speech_started": "hearing you",
  "input_audio_buffer.speech_stopped": "thinking",
  "response.created": "thinking",
  "output_audio_buffer.started": "speaking",
  "output_audio_buffer.stopped": "listening",
  "output_audio_buffer.cleared": "listening",
};

const element = (id) => document.getElementById(id);
const settings = new Settings();
const transcript = new Transcript();
const latency = new LatencyChart();
const levels = new Levels();
const statistics = new Statistics();
const log = new EventLog();
let call = null;

async function start() {
  if (call && !call.over) return;
  hideError();
  if (!settings.key) return settings.open(start);
  for (const view of [transcript, latency, log]) view.clear();
  levels.start();
  call = new Call({ key: settings.key, session: settings.session() });
  follow(call);
  await call.start(element("microphone").value);
}

function follow(followed) {
  const ofThisCall = (handler) => ({ detail }) => followed === call && handler(detail);
  followed.addEventListener("state", ofThisCall(showState));
  followed.addEventListener("event", ofThisCall(receive));
  followed.addEventListener("error", ofThisCall(showError));
  followed.addEventListener("remote", ofThisCall((stream) => {
    element("agent-audio").srcObject = stream;
    levels.listenToAgent(stream);
  }));
}

function receive({ direction, event }) {
  log.add(direction, event);
  if (direction === "sent") return;
  transcript.receive(event);
  latency.receive(event);
  if (event.type in ACTIVITIES) element("activity").textContent = ACTIVITIES[event.type];
  if (event.type === "error") {
    showError(new CallError("The server reported an error.", event.error?.message));
  }
}

function showState(state) {
  const idle = call.over;
  element("state").dataset.state = state;
  element("state-text").textContent = STATE_TEXT[state];
  moveFocus(idle);
  element("start").hidden = !idle;
  element("stop").hidden = idle;
  element("mute").disabled = idle;
  if (state === CallState.CONNECTING) {
    levels.listenToYou(call.microphone);
    listMicrophones();
  }
  if (state === CallState.CONNECTED) element("call-id").textContent = call.id ?? "–";
  if (call.peer) statistics.watch(call.peer);
  if (idle) finish();
}

/** Start and stop take turns in one place: keyboard focus stays there. */
function moveFocus(idle) {
  const [gone, shown] = idle ? ["stop", "start"] : ["start", "stop"];
  if (document.activeElement !== element(gone)) return;
  element(shown).hidden = false;
  element(shown).focus();
}

function finish() {
  element("activity").textContent = "";
  element("agent-audio").srcObject = null;
  setMuted(false);
  levels.stop();
  statistics.stop();
  transcript.finish();
}

function setMuted(muted) {
  if (call) call.muted = muted;
  element("mute").setAttribute("aria-pressed", String(muted));
  element("mute").textContent = muted ? "Unmute" : "Mute";
}

/** Device names are known only once the microphone was allowed. */
async function listMicrophones() {
  const select = element("microphone");
  const chosen = select.value;
  const devices = await navigator.mediaDevices.enumerateDevices();
  const microphones = devices.filter(
    ({ kind, deviceId }) => kind === "audioinput" && deviceId && deviceId !== "default",
  );
  select.replaceChildren(new Option("Default microphone", ""),
    ...microphones.map(({ label, deviceId }) => new Option(label, deviceId)));
  select.value = microphones.some(({ deviceId }) => deviceId === chosen) ? chosen : "";
}

async function switchMicrophone() {
  if (!call || call.over) return;
  try {
    await call.switchMicrophone(element("microphone").value);
    levels.listenToYou(call.microphone);
  } catch (error) {
    showError(error);
  }
}

function showError(error) {
  element("error-title").textContent = error.message;
  element("error-detail").textContent = error.detail ?? "";
  element("error").hidden = false;
}

function hideError() {
  element("error").hidden = true;
}

element("start").addEventListener("click", start);
element("stop").addEventListener("click", () => call?.stop());
element("mute").addEventListener("click", ({ target }) => setMuted(target.getAttribute("aria-pressed") === "false"));
element("microphone").addEventListener("change", switchMicrophone);
element("open-settings").addEventListener("click", () => settings.open());
element("dismiss-error").addEventListener("click", hideError);
window.addEventListener("pagehide", () => call?.stop());
