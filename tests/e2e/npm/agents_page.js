// A page that talks by @openai/agents-realtime, over WebRTC or a WebSocket, for the test to drive.
"use strict";

const RATE = 24000;
const PIECE = RATE / 10;
const { OpenAIRealtimeWebRTC, RealtimeAgent, RealtimeSession, tool } = OpenAIAgentsRealtime;

const page = { session: null, events: [], errors: [], toolRuns: 0, interruptions: 0, say: null };

const noParameters = { type: "object", properties: {}, required: [], additionalProperties: true };
const clock = tool({
  name: "current_time",
  description: "what time is it",
  parameters: noParameters,
  strict: false,
  execute: async () => {
    page.toolRuns += 1;
    return "half past nine";
  },
});

// `url` is the full address, as the SDK wants it. Returns the call's id, where there is one.
async function connect({ transport, url, key, instructions }) {
  const agent = new RealtimeAgent({ name: "agent", instructions, tools: [clock] });
  const overWebRtc = transport === "webrtc";
  const microphone = overWebRtc ? webRtcMicrophone() : null;
  const session = new RealtimeSession(agent, {
    transport: overWebRtc
      ? new OpenAIRealtimeWebRTC({ mediaStream: microphone.stream })
      : "websocket",
  });
  page.session = session;
  session.on("transport_event", (event) => page.events.push({ at: performance.now() / 1000, event }));
  session.on("error", (error) => page.errors.push(describe(error)));
  session.on("audio_interrupted", () => { page.interruptions += 1; });
  await session.connect({ apiKey: key, url });
  page.say = overWebRtc ? microphone.say : webSocketMicrophone(session);
  return session.transport.callId ?? null;
}

function describe(error) {
  return JSON.stringify(error, (_name, value) =>
    value instanceof Error ? { message: value.message, ...value } : value);
}

function samplesOf(base64) {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  return new Int16Array(bytes.buffer);
}

function webRtcMicrophone() {
  const context = new AudioContext({ sampleRate: 2 * RATE });
  const destination = context.createMediaStreamDestination();
  const say = (base64) => {
    const samples = Float32Array.from(samplesOf(base64), (sample) => sample / 32768);
    const buffer = context.createBuffer(1, samples.length, RATE);
    buffer.copyToChannel(samples, 0);
    const source = context.createBufferSource();
    source.buffer = buffer;
    source.connect(destination);
    source.start();
  };
  return { stream: destination.stream, say };
}

// Sends a tenth of a second ten times a second, silence where nothing is said.
function webSocketMicrophone(session) {
  const waiting = [];
  setInterval(() => {
    session.sendAudio((waiting.shift() ?? new Int16Array(PIECE)).buffer);
  }, 100);
  return (base64) => {
    const samples = samplesOf(base64);
    for (let at = 0; at < samples.length; at += PIECE) {
      const piece = new Int16Array(PIECE);
      piece.set(samples.subarray(at, at + PIECE));
      waiting.push(piece);
    }
  };
}

// What was said by either, as the SDK's history has it.
function transcripts(role) {
  return page.session.history
    .filter((item) => item.type === "message" && item.role === role)
    .map((item) => item.content.map((part) => part.transcript ?? part.text ?? "").join(""));
}
