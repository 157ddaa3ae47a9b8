// The two generations of the TypeScript client over pipes: one visit, told on the command line.
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const tool = (name) =>
  import(pathToFileURL(createRequire(join(process.argv[2], "from-here.js")).resolve(name)).href);
const facts = JSON.parse(process.argv.at(-1));
const dual = facts.mode !== "sdk";
const name = dual ? "@modelcontextprotocol/client" : "@modelcontextprotocol/sdk/client";
const { Client } = await tool(dual ? name : `${name}/index.js`);
const { StdioClientTransport } = await tool(dual ? `${name}/stdio` : `${name}/stdio.js`);

const client = new Client({ name: "visitor", version: "1" }, dual ? { versionNegotiation: { mode: facts.mode } } : {});
const [command, ...args] = facts.command;
await client.connect(new StdioClientTransport({ command, args, env: facts.env }));
const seen = { tools: (await client.listTools()).tools.map((each) => each.name), calls: [] };
for (const [name, given] of facts.calls) {
  try {
    const result = await client.callTool({ name, arguments: given });
    seen.calls.push([Boolean(result.isError), result.content.map((each) => each.text ?? "").join("")]);
  } catch (error) {
    seen.calls.push([error.code, String(error.message)]);
  }
}
await client.close();
console.log(JSON.stringify(seen));
