/** Wires the page: one call at a time, its events to the views. */

import { Call, CallState } from "./call.js";
import { CallError } from "./call_error.js";
import { Composer } from "./composer.js";
import { Devices } from "./devices.js";
import { EventLog } from "./event_log.js";
import { LatencyChart } from "./latency.js";
import { Levels } from "./levels.js";
import { Responses } from "./responses.js";
import { Settings } from "./settings.js";
import { Statistics } from "./statistics.js";
import { ToolPanel } from "./tool_panel.js";
import { Transcript } from "./transcript.js";
import { WebRtcTransport } from "./webrtc_transport.js";
import { WebSocketTransport } from "./websocket_transport.js";

const TRANSPORTS = { webrtc: WebRtcTransport, websocket: WebSocketTransport };
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
};

const element = (id) => document.getElementById(id);
const send = (event) => call?.send(event) ?? false;
const settings = new Settings();
const transcript = new Transcript(send);
const latency = new LatencyChart();
const levels = new Levels();
const statistics = new Statistics();
const log = new EventLog();
const responses = new Responses(send);
const tools = new ToolPanel(() => send({ type: "session.update", session: { type: "realtime", tools: tools.offered() } }));
const composer = new Composer(say);
const devices = new Devices(switchMicrophone);
let call = null;

async function start() {
  if (call && !call.over) return;
  hideError();
  if (!settings.key) return settings.open(start);
  for (const view of [transcript, latency, log, responses, tools]) view.clear();
  levels.start();
  const session = { ...settings.session(), tools: tools.offered() };
  call = new Call(TRANSPORTS[settings.transport], { key: settings.key, session });
  follow(call);
  await call.start(devices.microphone);
}

function follow(followed) {
  const ofThisCall = (handler) => ({ detail }) => followed === call && handler(detail);
  followed.addEventListener("state", ofThisCall(showState));
  followed.addEventListener("event", ofThisCall(note));
  followed.addEventListener("playing", ofThisCall(showPlaying));
  followed.addEventListener("error", ofThisCall(showError));
  followed.addEventListener("remote", ofThisCall((stream) => {
    element("agent-audio").srcObject = stream;
    levels.listenToAgent(stream);
  }));
}

function note({ direction, event }) {
  log.add(direction, event);
  if (direction === "received") receive(event);
}

function receive(event) {
  const handled = responses.receive(event);
  transcript.receive(event);
  latency.receive(event);
  if (event.type in ACTIVITIES) element("activity").textContent = ACTIVITIES[event.type];
  if (event.type === "response.done") {
    answerCalls(event.response);
    showPlaying(call.playing);
  }
  if (event.type === "error" && !handled) {
    showError(new CallError("The server reported an error.", event.error?.message));
  }
  enableInterrupt();
}

/** Do what the agent asked of its tools, and let it go on. */
function answerCalls(response) {
  const outputs = tools.answer(response);
  for (const item of outputs) send({ type: "conversation.item.create", item });
  if (outputs.length > 0) responses.request();
}

/** Write instead of speaking. */
function say(text) {
  interrupt();
  const content = [{ type: "input_text", text }];
  const sent = send({ type: "conversation.item.create", item: { type: "message", role: "user", content } });
  if (sent) responses.request();
  return sent;
}

function interrupt() {
  if (!call || call.over) return;
  const speaks = responses.active || call.playing;
  responses.cancel();
  if (speaks) call.silence();
}

function showState(state) {
  const idle = call.over;
  const connected = state === CallState.CONNECTED;
  element("state").dataset.state = state;
  element("state-text").textContent = STATE_TEXT[state];
  moveFocus(idle);
  element("start").hidden = !idle;
  element("stop").hidden = idle;
  element("mute").disabled = idle;
  composer.enabled = connected;
  enableInterrupt();
  if (state === CallState.CONNECTING) {
    levels.listenToYou(call.microphone);
    devices.list();
  }
  if (connected) element("call-id").textContent = call.id ?? "–";
  statistics.watch(call);
  if (idle) finish();
}

function showPlaying(playing) {
  element("activity").textContent = playing ? "speaking" : "listening";
  enableInterrupt();
}

/** It keeps the focus while there is nothing to interrupt. */
function enableInterrupt() {
  element("interrupt").disabled = call.over;
  element("interrupt").ariaDisabled = String(!responses.active && !call.playing);
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
  responses.clear();
  setMuted(false);
  levels.stop();
  statistics.stop();
  transcript.finish();
}

function setMuted(muted) {
  if (call) call.muted = muted;
  element("mute").setAttribute("aria-pressed", String(muted));
}

async function switchMicrophone(deviceId) {
  if (!call || call.over) return;
  try {
    await call.switchMicrophone(deviceId);
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
element("interrupt").addEventListener("click", interrupt);
element("open-settings").addEventListener("click", () => settings.open());
element("dismiss-error").addEventListener("click", hideError);
window.addEventListener("keydown", ({ key }) => {
  if (key === "Escape" && !document.querySelector("dialog[open]")) interrupt();
});
window.addEventListener("pagehide", () => call?.stop());
