// One visit of npm @modelcontextprotocol/client with a fixed token: lists, calls one tool, and says what came of it.
// Arguments: the node_modules folder, the URL, the mode, the tool, the token (or nothing).
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [modules, url, mode, name, token] = process.argv.slice(2);
const found = createRequire(join(modules, "from-here.js")).resolve("@modelcontextprotocol/client");
const { Client, StreamableHTTPClientTransport } = await import(pathToFileURL(found).href);

const challenges = [];
const noting = async (...request) => {
  const response = await fetch(...request);
  const challenge = response.headers.get("www-authenticate");
  if (challenge) challenges.push([response.status, challenge]);
  return response;
};

const client = new Client({ name: "by-hand", version: "1" }, { versionNegotiation: { mode } });
const authProvider = token ? { token: async () => token } : undefined;
const transport = new StreamableHTTPClientTransport(new URL(url), { authProvider, fetch: noting });
const told = { challenges };
try {
  await client.connect(transport);
  told.tools = (await client.listTools()).tools.map((tool) => tool.name).sort();
  told.result = await client.callTool({ name, arguments: {} });
} catch (error) {
  told.error = {
    type: error.constructor.name,
    scope: error.requiredScope ?? null,
    metadata: error.resourceMetadataUrl ? String(error.resourceMetadataUrl) : null,
    description: error.errorDescription ?? null,
    code: error.code ?? null,
  };
}
process.stdout.write(JSON.stringify(told) + "\n");
process.exit(0);
