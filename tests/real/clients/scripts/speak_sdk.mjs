// The client of npm @modelcontextprotocol/sdk: streamable HTTP, and the deprecated HTTP+SSE transport.
import { answers, capabilities, Speaker, tool, travel } from "./itinerary.mjs";

const name = "@modelcontextprotocol/sdk";
const { Client } = await tool(`${name}/client/index.js`);
const { StreamableHTTPClientTransport } = await tool(`${name}/client/streamableHttp.js`);
const { SSEClientTransport } = await tool(`${name}/client/sse.js`);
const { ElicitRequestSchema, CreateMessageRequestSchema, ListRootsRequestSchema } = await tool(`${name}/types.js`);

class Sdk extends Speaker {
  callTool = (params, options) => this.client.callTool(params, undefined, options);

  async close() {
    await this.transport.terminateSession?.();
    await this.client.close();
  }
}

await travel(async (visit, ear) => {
  const client = new Client({ name: "sdk", version: "1" }, { capabilities });
  const { elicit, sample, roots } = answers(visit, ear);
  client.setRequestHandler(ElicitRequestSchema, async (request) => elicit(request));
  client.setRequestHandler(CreateMessageRequestSchema, async (request) => sample(request));
  client.setRequestHandler(ListRootsRequestSchema, async (request) => roots(request));
  client.fallbackNotificationHandler = async ({ method, params }) => ear.hear({ method, params: params ?? null });
  const speaker = new Sdk(client, ear);
  const Transport = visit.transport === "sse" ? SSEClientTransport : StreamableHTTPClientTransport;
  speaker.transport = new Transport(new URL(visit.url));
  await client.connect(speaker.transport);
  return speaker;
});
