// A session of npm's `openai` over wss: a spoken answer, a tool, an error. Prints what it got.
//
//   NODE_EXTRA_CA_CERTS=tls.crt OPENAI_BASE_URL=https://host/v1 OPENAI_API_KEY=... node openai_ws.mjs

import OpenAI from "openai";
import { OpenAIRealtimeWS } from "openai/realtime/ws";

const server = new OpenAI();
const { value } = await server.realtime.clientSecrets.create({
  session: { type: "realtime", instructions: "I am awake." },
});
const client = new OpenAI({ apiKey: value });
const realtime = new OpenAIRealtimeWS({ model: "gpt-realtime" }, client);

const events = [];
const errors = [];
const waiting = new Set();
realtime.on("event", (event) => {
  events.push(event);
  waiting.forEach((look) => look());
});
realtime.on("error", (error) => {
  errors.push(error.error?.code ?? error.message);
  waiting.forEach((look) => look());
});

let seen = 0;

function next(type) {
  return new Promise((resolve) => {
    const look = () => {
      const at = events.findIndex((event, index) => index >= seen && event.type === type);
      if (at < 0) return;
      waiting.delete(look);
      seen = at + 1;
      resolve(events[at]);
    };
    waiting.add(look);
    look();
  });
}

function write(text) {
  const content = [{ type: "input_text", text }];
  realtime.send({ type: "conversation.item.create", item: { type: "message", role: "user", content } });
  realtime.send({ type: "response.create" });
}

await next("session.created");
write("Are you awake?");
const spoken = await next("response.done");
const audio = events
  .filter(({ type }) => type === "response.output_audio.delta")
  .map(({ delta }) => Buffer.from(delta, "base64"));

const parameters = { type: "object", properties: { city: { type: "string" } } };
const weather = { type: "function", name: "weather", description: "the weather in", parameters };
realtime.send({
  type: "session.update",
  session: { type: "realtime", output_modalities: ["text"], tools: [weather] },
});
await next("session.updated");
write("Tell me the weather in Rome.");
const call = await next("response.function_call_arguments.done");
await next("response.done");
const item = { type: "function_call_output", call_id: call.call_id, output: "sunny" };
realtime.send({ type: "conversation.item.create", item });
realtime.send({ type: "response.create" });
const told = await next("response.done");

realtime.send({ type: "response.cancel", event_id: "mine" });
const refused = await next("error");

realtime.close();
console.log(JSON.stringify({
  spoken: spoken.response.output[0].content[0].transcript,
  audioSeconds: Buffer.concat(audio).length / 48000,
  call: { name: call.name, arguments: call.arguments },
  told: told.response.output[0].content[0].text,
  refused: { code: refused.error.code, event_id: refused.error.event_id },
  errors,
}));
