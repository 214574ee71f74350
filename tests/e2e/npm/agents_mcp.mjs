// A session of @openai/agents-realtime with the tools of an MCP server. Prints what became of it.
//
//   node agents_mcp.mjs URL KEY SERVER_URL always|never

import { hostedMcpTool } from "@openai/agents-core";
import { RealtimeAgent, RealtimeSession } from "@openai/agents-realtime";

const [url, apiKey, serverUrl, requireApproval] = process.argv.slice(2);
const shop = hostedMcpTool({ serverLabel: "shop", serverUrl, allowedTools: ["look_up"], requireApproval });
const session = new RealtimeSession(new RealtimeAgent({ name: "agent", tools: [shop] }), {
  transport: "websocket",
  config: { outputModalities: ["text"] },
});

const events = [];
const errors = [];
const waiting = new Set();
session.on("transport_event", (event) => {
  events.push(event);
  waiting.forEach((look) => look());
});
session.on("error", ({ error }) => errors.push(error?.error?.code ?? String(error)));
session.on("tool_approval_requested", (_context, _agent, { approvalItem }) => session.approve(approvalItem));

function first(wanted) {
  return new Promise((resolve) => {
    const look = () => {
      const found = events.find(wanted);
      if (!found) return;
      waiting.delete(look);
      resolve(found);
    };
    waiting.add(look);
    look();
  });
}

const said = (event) =>
  event.type === "response.done" && event.response.output.find(({ type }) => type === "message");

const listed = new Promise((resolve) => session.on("mcp_tools_changed", resolve));
await session.connect({ apiKey, url });
const tools = await listed;
session.sendMessage("How much tea is there?");
const answer = said(await first(said));

// What is answered behind this was not asked for by anything before it.
session.transport.sendEvent({ type: "conversation.item.retrieve", item_id: "the_end" });
await first(({ type, error }) => type === "error" && error.code === "item_retrieve_invalid_item_id");
console.log(JSON.stringify({
  tools: tools.map(({ name }) => name),
  answer: answer.content[0].text,
  responses: events.filter(({ type }) => type === "response.created").length,
  called: session.history.filter(({ type }) => type === "mcp_call").map(({ status, output }) => [status, output]),
  errors,
}));
session.close();
