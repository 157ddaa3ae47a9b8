// What the Node client scripts share: visits come in as JSON lines, what the client saw goes out as JSON lines.
import { createInterface } from "node:readline";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const REPEATS = 40; // how often a call is repeated until it is refused

/** Imports a package from the `node_modules` folder that the command line names. */
export const tool = (name) =>
  import(pathToFileURL(createRequire(join(process.argv[2], "from-here.js")).resolve(name)).href);

/** What the client's callbacks heard, and somebody who waits for it. */
export class Ear {
  heard = [];
  #waiting = [];

  hear(message) {
    this.heard.push(message);
    this.#waiting.splice(0).forEach((wake) => wake());
  }

  async wait(method) {
    for (;;) {
      const found = this.heard.find((message) => message.method === method);
      if (found) return found;
      await new Promise((wake) => this.#waiting.push(wake));
    }
  }
}

/** Makes every visit that stdin asks for. `connect` gives an object with a method for every kind of step. */
export async function travel(connect) {
  for await (const line of createInterface({ input: process.stdin })) {
    await visitOnce(connect, JSON.parse(line));
    say({ end: true });
  }
  process.exit(0); // whatever a refused connection left open
}

async function visitOnce(connect, visit) {
  const ear = new Ear();
  let speaker;
  const greeting = await once(visit.limit, async () => void (speaker = await connect(visit, ear)));
  if ("value" in greeting) {
    for (const step of visit.steps) say({ do: step.do, outcome: await outcome(visit.limit, speaker, step) });
    say({ do: "close", outcome: await once(visit.limit, async () => void (await speaker.close())) });
  } else {
    say({ do: "connect", outcome: greeting });
  }
  const text = (each) => JSON.stringify(each);
  say({ do: "heard", outcome: { value: ear.heard.sort((a, b) => (text(a) < text(b) ? -1 : 1)) } });
}

async function outcome(limit, speaker, step) {
  let seen;
  for (let count = 0; count < (step.until_refused ? REPEATS : 1); count++) {
    seen = await once(limit, () => speaker[step.do](step));
    if (!("value" in seen) || seen.value?.isError) break;
  }
  return seen;
}

async function once(limit, act) {
  let timer;
  const late = new Promise((resolve) => (timer = setTimeout(() => resolve({ hangs: true }), limit * 1000)));
  const done = act().then((value) => ({ value: value ?? null }), (error) => ({ error: described(error) }));
  try {
    return await Promise.race([done, late]);
  } finally {
    clearTimeout(timer);
  }
}

function described(error) {
  const data = error.data === undefined ? null : error.data;
  return { type: error.constructor.name, code: error.code ?? null, message: String(error.message), data };
}

function say(line) {
  process.stdout.write(JSON.stringify(line) + "\n");
}

/** One method for each kind of step: what the two generations of the client have in common. */
export class Speaker {
  constructor(client, ear) {
    this.client = client;
    this.ear = ear;
  }

  async hello() {
    const { client } = this;
    return [client.getServerVersion(), client.getInstructions(), client.getServerCapabilities()];
  }

  async list({ what }) {
    const name = { tools: "listTools", prompts: "listPrompts", resources: "listResources" }[what];
    const ask = (params) => this.client[name ?? "listResourceTemplates"](params);
    const pages = [await ask({})];
    while (pages.at(-1).nextCursor) pages.push(await ask({ cursor: pages.at(-1).nextCursor }));
    return pages;
  }

  call = ({ tool, arguments: given }) => this.callTool({ name: tool, arguments: given });

  async follow({ tool, arguments: given }) {
    const [steps, nods] = [[], []];
    const onprogress = (step) => {
      steps.push(step);
      nods.push(this.callTool({ name: "nod", arguments: {} }));
    };
    const result = await this.callTool({ name: tool, arguments: given }, { onprogress });
    await Promise.all(nods);
    return [result, steps];
  }

  async cancel({ tool }) {
    const giveUp = new AbortController();
    const options = { signal: giveUp.signal, onprogress: () => giveUp.abort("no longer needed") };
    try {
      return await this.callTool({ name: tool, arguments: {} }, options);
    } catch (error) {
      return described(error);
    }
  }

  read = ({ uri }) => this.client.readResource({ uri });
  prompt = ({ name, arguments: given }) => this.client.getPrompt({ name, arguments: given });
  complete = ({ name, argument }) => this.client.complete({ ref: { type: "ref/prompt", name }, argument });
  subscribe = ({ uri }) => this.client.subscribeResource({ uri });
  unsubscribe = ({ uri }) => this.client.unsubscribeResource({ uri });
  level = ({ level }) => this.client.setLoggingLevel(level);
  ping = () => this.client.ping();
  rooted = () => this.client.sendRootsListChanged();
  wait = ({ method }) => this.ear.wait(method);

  progress({ message }) {
    const params = { progressToken: "p", progress: 1, total: 2, message };
    return this.client.notification({ method: "notifications/progress", params });
  }

  listen({ uri }) {
    const filter = { toolsListChanged: true, resourceSubscriptions: [uri] };
    return this.client.listen(filter).then((subscription) => ((this.subscription = subscription), "listening"));
  }
}

/** The answers to every question of the server. */
export function answers(visit, ear) {
  const note = (request) => ear.hear({ method: request.method, params: request.params ?? null });
  return {
    elicit: (request) => (note(request), { action: "accept", content: { day: visit.day } }),
    sample: (request) => (
      note(request), { role: "assistant", content: { type: "text", text: "blue" }, model: "small" }
    ),
    roots: (request) => (note(request), { roots: [{ uri: "file:///home/ann/project" }] }),
  };
}

/** What an honest host declares. */
export const capabilities = { elicitation: {}, sampling: {}, roots: { listChanged: true } };
