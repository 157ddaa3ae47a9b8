// The client of npm @modelcontextprotocol/client: both eras over streamable HTTP.
import { answers, capabilities, Speaker, tool, travel } from "./itinerary.mjs";

const { Client, StreamableHTTPClientTransport } = await tool("@modelcontextprotocol/client");

class Dual extends Speaker {
  callTool = (params, options) => this.client.callTool(params, options);

  async close() {
    await this.subscription?.close();
    await this.transport.terminateSession?.();
    await this.client.close();
  }
}

await travel(async (visit, ear) => {
  const options = { capabilities, versionNegotiation: { mode: visit.mode } };
  const client = new Client({ name: "client", version: "1" }, options);
  const { elicit, sample, roots } = answers(visit, ear);
  client.setRequestHandler("elicitation/create", async (request) => elicit(request));
  client.setRequestHandler("sampling/createMessage", async (request) => sample(request));
  client.setRequestHandler("roots/list", async (request) => roots(request));
  client.fallbackNotificationHandler = async ({ method, params }) => ear.hear({ method, params: params ?? null });
  const speaker = new Dual(client, ear);
  speaker.transport = new StreamableHTTPClientTransport(new URL(visit.url));
  await client.connect(speaker.transport);
  return speaker;
});
