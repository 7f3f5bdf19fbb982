// The MCP server as the library's own client sees it, over a fake mesh.
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { InMemoryTransport } from "@modelcontextprotocol/sdk/inMemory.js";
import {
  type CallToolResult,
  type ElicitRequest,
  ElicitRequestSchema,
  type ElicitResult,
} from "@modelcontextprotocol/sdk/types.js";
import { afterEach, assert, beforeEach, describe, test } from "vitest";
import { FakeMesh } from "../../test/fake-mesh.ts";
import { localLine } from "../command/line.ts";
import { COMMANDS } from "../commands.ts";
import { loadMcpSdk } from "./mcp-sdk.ts";
import { MAX_CALLS, McpSession } from "./mcp-session.ts";

const AGENT = "sector-1/cluster-1/agent-1";
const LOOKING = COMMANDS.filter((command) => command.needs === "mesh" && !command.changes);
const CHANGING = COMMANDS.filter((command) => command.needs === "mesh" && command.changes);

let fake: FakeMesh;
let nowMs: number;
const clients: Client[] = [];

beforeEach(() => {
  fake = new FakeMesh();
  nowMs = 0;
});

afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
});

/** A client of the mesh; with `answer` one that can ask its person. */
async function connect(answer?: (request: ElicitRequest) => ElicitResult): Promise<Client> {
  const line = localLine(fake.mesh, COMMANDS);
  const session = new McpSession({ line, commands: COMMANDS, nowMs: () => nowMs });
  const [here, there] = InMemoryTransport.createLinkedPair();
  const sdk = await loadMcpSdk();
  await sdk.serve(session, there, (trouble) => assert.fail(trouble));
  const capabilities = answer === undefined ? {} : { elicitation: {} };
  const client = new Client({ name: "test", version: "1" }, { capabilities });
  if (answer !== undefined) client.setRequestHandler(ElicitRequestSchema, answer);
  await client.connect(here);
  clients.push(client);
  return client;
}

interface Called {
  readonly text: string;
  readonly data: Record<string, unknown>;
  readonly isError: boolean;
}

async function call(client: Client, name: string, args: object = {}): Promise<Called> {
  const result = (await client.callTool({ name, arguments: { ...args } })) as CallToolResult;
  const [content] = result.content;
  const text = content.type === "text" ? content.text : assert.fail(content.type);
  return { text, data: result.structuredContent ?? {}, isError: result.isError === true };
}

describe("the tools", () => {
  test("are the commands that need a mesh, with the schemas of their arguments", async () => {
    const { tools } = await (await connect()).listTools();
    assert.sameMembers(
      tools.map(({ name }) => name),
      [...LOOKING, ...CHANGING].map(({ name }) => name),
    );
    for (const command of [...LOOKING, ...CHANGING]) {
      const tool = tools.find(({ name }) => name === command.name);
      const isChanging = CHANGING.includes(command);
      const names = Object.keys(command.parameters);
      assert.sameMembers(
        Object.keys(tool?.inputSchema.properties ?? {}),
        isChanging ? [...names, "confirm"] : names,
      );
      assert.deepInclude(tool?.annotations, {
        readOnlyHint: !isChanging,
        destructiveHint: isChanging,
      });
      assert.include(tool?.description, command.help);
    }
    const inspect = tools.find(({ name }) => name === "inspect");
    assert.deepEqual(inspect?.inputSchema.required, ["address"]);
  });

  test("take no token where the client can ask its person", async () => {
    const { tools } = await (await connect(() => ({ action: "cancel" }))).listTools();
    for (const tool of tools) assert.notProperty(tool.inputSchema.properties, "confirm");
  });

  test("no command has an argument called confirm, which is the server's", () => {
    for (const { parameters } of COMMANDS) assert.notProperty(parameters, "confirm");
  });
});

describe("a tool that looks", () => {
  test("gives text for people, without colour, and the data of --json", async () => {
    const { text, data, isError } = await call(await connect(), "status");
    assert.match(text, /Agents: 24 \/ 24 active/);
    assert.notInclude(text, "\u001b");
    assert.deepInclude(data.agents, { total: 24 });
    assert.isFalse(isError);
  });

  test("whose data is a list gives it as data; a long one is cut and says so", async () => {
    fake = new FakeMesh({
      agent: "",
      topology: { sectors: 20, clustersPerSector: 10, agentsPerCluster: 10 },
    });
    const client = await connect();
    const few = await call(client, "agents", { limit: 3 });
    assert.lengthOf(few.data.data as unknown[], 3);
    const all = await call(client, "agents", { limit: 2_000 });
    assert.deepInclude(all.data.truncated, { member: "data", of: 2_000 });
    assert.match(all.text, /more characters are left out: ask for less, with a limit/);
    assert.match(all.text, /\n… \d+ of 2,000 are shown: ask for less[^\n]*$/);
  });

  test("and lists what it may also change needs no confirmation for that", async () => {
    const { data } = await call(await connect(), "route");
    assert.deepEqual(data, { routes: [] });
  });

  test("with a wrong argument is an error that names it", async () => {
    const client = await connect();
    const { text, data, isError } = await call(client, "agents", { limit: "many" });
    assert.isTrue(isError);
    assert.match(text, /^agents: limit: expected a whole number .*, got "many"$/);
    assert.deepEqual(data.error, { code: "CONSOLE_USAGE", message: text });
    const surplus = await call(client, "status", { confirm: "x" });
    assert.match(surplus.text, /^status: unknown argument "confirm"$/);
  });

  test("at an address that is not there is an error with the sentence of the mesh", async () => {
    const { text, data, isError } = await call(await connect(), "inspect", { address: "sector-9" });
    assert.isTrue(isError);
    assert.match(text, /no actor "sector-9"/);
    assert.deepInclude(data.error, { code: "MESH_UNKNOWN_ACTOR" });
  });
});

test("an unknown tool, and a command that needs no mesh, are errors of the protocol", async () => {
  const client = await connect();
  for (const name of ["launch", "start", "mcp"]) {
    const error = await call(client, name).then(() => assert.fail(name), String);
    assert.match(error, new RegExp(`-32602: unknown tool "${name}"`));
  }
});

describe("a tool that changes, for a client that cannot ask", () => {
  test("does nothing at first and tells whom it would touch; with the token it acts, once", async () => {
    const client = await connect();
    const offered = await call(client, "kill", { target: AGENT });
    assert.isFalse(offered.isError);
    assert.match(
      offered.text,
      /^kill: touches 1 of 24 agents .*\nNothing has been done\. To do it/,
    );
    assert.deepInclude(offered.data, { done: false, command: "kill" });
    assert.deepInclude(offered.data.plan, { agents: { touched: 1, total: 24 } });
    assert.isEmpty(fake.calls);
    const confirmed = { target: AGENT, confirm: offered.data.confirm };
    const done = await call(client, "kill", confirmed);
    assert.match(done.text, /killed; its supervisor takes over$/);
    assert.deepEqual(done.data, { killed: AGENT });
    assert.deepEqual(fake.calls, [`kill ${AGENT}`]);
    assert.match((await call(client, "kill", confirmed)).text, /^confirm: expected a token/);
    assert.lengthOf(fake.calls, 1);
  });

  test("takes the token for no other arguments, command or client, and not after two minutes", async () => {
    const [client, stranger] = [await connect(), await connect()];
    const token = async (): Promise<unknown> =>
      (await call(client, "kill", { target: AGENT })).data.confirm;
    const other = { target: "sector-2/cluster-1/agent-1", confirm: await token() };
    assert.match((await call(client, "kill", other)).text, /for another command/);
    const restart = { address: AGENT, confirm: await token() };
    assert.match((await call(client, "restart", restart)).text, /for another command/);
    const mine = { target: AGENT, confirm: await token() };
    assert.match((await call(stranger, "kill", mine)).text, /given here/);
    nowMs += 120_000;
    assert.match((await call(client, "kill", mine)).text, /older than 120 s/);
    for (const confirm of ["", "yes", true, null])
      assert.isTrue((await call(client, "kill", { target: AGENT, confirm })).isError);
    assert.isEmpty(fake.calls);
  });

  test("of the arguments the meaning counts, not how they are written", async () => {
    const client = await connect();
    const asked = { address: AGENT, message: { add: 1, to: 2 }, ttl: "2s" };
    const { confirm } = (await call(client, "tell", asked)).data;
    const same = { ttl: "2000ms", message: { to: 2, add: 1 }, address: AGENT, confirm };
    assert.isFalse((await call(client, "tell", same)).isError);
    assert.lengthOf(fake.calls, 1);
  });

  test("a dry run is what it is", async () => {
    const client = await connect();
    const { data } = await call(client, "restart", { address: "sector-1", dryRun: true });
    assert.deepInclude(data, { dryRun: true, agents: { touched: 8, total: 24 } });
    assert.notProperty(data, "confirm");
  });

  test("undo is confirmed for the change that was shown, not for one made meanwhile", async () => {
    const client = await connect();
    const line = localLine(fake.mesh, COMMANDS);
    await line.call("route", { action: "avoid", target: AGENT });
    const shown = await call(client, "undo");
    assert.match(shown.text, /^route taken back: route allow/);
    await line.call("route", { action: "avoid", target: "sector-2" });
    const late = await call(client, "undo", { confirm: shown.data.confirm });
    assert.match(late.text, /or another change/);
    assert.lengthOf(fake.avoided, 2);
    const { confirm } = (await call(client, "undo")).data;
    assert.isFalse((await call(client, "undo", { confirm })).isError);
    assert.deepEqual(
      fake.avoided.map(({ target }) => target),
      [AGENT],
    );
  });

  test("that runs and does not achieve what was wanted is an error, with its data", async () => {
    fake.outcome = () => ({ ready: 3, transit: 21 });
    const client = await connect();
    const { confirm } = (await call(client, "cascade", { verb: "sync" })).data;
    const { isError, data } = await call(client, "cascade", { verb: "sync", confirm });
    assert.isTrue(isError);
    assert.deepInclude(data, { ready: 3, transit: 21 });
  });
});

describe("a tool that changes, for a client that can ask", () => {
  const yes: ElicitResult = { action: "accept", content: { yes: true } };

  test("asks with the command as typed and whom it touches, and acts on a yes", async () => {
    const asked: string[] = [];
    const client = await connect(({ params }) => {
      asked.push(params.message);
      assert.isEmpty(fake.calls);
      return yes;
    });
    const { data } = await call(client, "kill", { target: AGENT });
    assert.deepEqual(data, { killed: AGENT });
    assert.lengthOf(asked, 1);
    assert.match(asked[0], new RegExp(`^kill ${AGENT}\n\nkill: touches 1 of 24 agents`));
    await call(client, "status");
    assert.lengthOf(asked, 1);
  });

  for (const answer of [
    { action: "accept", content: { yes: false } },
    { action: "decline" },
    { action: "cancel" },
  ] as const) {
    test(`does nothing on ${JSON.stringify(answer)}`, async () => {
      const client = await connect(() => answer);
      const { text, isError } = await call(client, "kill", { target: AGENT });
      assert.isTrue(isError);
      assert.equal(text, "kill: not done, the person did not agree");
      assert.isEmpty(fake.calls);
    });
  }

  test("takes no token instead of an answer", async () => {
    const client = await connect(() => assert.fail("asked"));
    const { text } = await call(client, "kill", { target: AGENT, confirm: "x" });
    assert.equal(text, 'kill: unknown argument "confirm"');
  });

  test("does nothing when it has become another change while the person was thinking", async () => {
    const line = localLine(fake.mesh, COMMANDS);
    await line.call("route", { action: "avoid", target: AGENT });
    const client = await connect(() => {
      // Runs to its end before the answer is read: the fake mesh does not wait.
      void line.call("route", { action: "avoid", target: "sector-2" });
      return yes;
    });
    assert.match((await call(client, "undo")).text, /^undo: not done, it would be another change/);
    assert.lengthOf(fake.avoided, 2);
  });

  test("shows the person no control characters, and says when the command is longer than shown", async () => {
    const asked: string[] = [];
    const client = await connect(({ params }) => {
      asked.push(params.message);
      return { action: "decline" };
    });
    await call(client, "tell", { address: AGENT, message: `\u001b[2J${"x".repeat(5_000)}` });
    assert.notInclude(asked[0], "\u001b");
    assert.match(asked[0], /x… and 4,\d{3} more characters\n\ntell: touches 1 of 24/);
  });
});

describe("calls under way", () => {
  test("are told of their progress", async () => {
    const client = await connect();
    const { confirm } = (await call(client, "cascade")).data;
    const heard: string[] = [];
    const request = { name: "cascade", arguments: { confirm } };
    await client.callTool(request, undefined, {
      onprogress: ({ message }) => heard.push(String(message)),
    });
    assert.match(heard[0], /12/);
  });

  test("are bounded; what is too many is refused, what has ended makes room", async () => {
    const client = await connect();
    let answer = (): void => {};
    const answered = new Promise<void>((resolve) => (answer = resolve));
    fake.answer = async () => {
      await answered;
      return { state: 1, value: "late" };
    };
    const asks = await Promise.all(
      Array.from({ length: MAX_CALLS }, async () => {
        const args = { address: AGENT, message: 1 };
        return { ...args, confirm: (await call(client, "ask", args)).data.confirm };
      }),
    );
    const waiting = asks.map((args) => call(client, "ask", args));
    const refused = await call(client, "status");
    assert.deepInclude(refused.data.error, { code: "CONSOLE_BUSY" });
    answer();
    for (const { isError } of await Promise.all(waiting)) assert.isFalse(isError);
    assert.isFalse((await call(client, "status")).isError);
  });

  test("end when the client cancels them", async () => {
    const client = await connect();
    const args = { address: AGENT, message: 1 };
    const { confirm } = (await call(client, "ask", args)).data;
    const cancel = new AbortController();
    const aborted = new Promise<void>((resolve) => {
      fake.answer = (_, signal) => {
        signal?.addEventListener("abort", () => resolve());
        cancel.abort(new Error("enough"));
        return new Promise(() => {});
      };
    });
    const asked = client.callTool({ name: "ask", arguments: { ...args, confirm } }, undefined, {
      signal: cancel.signal,
    });
    assert.match(await asked.then(() => "", String), /enough/);
    await aborted;
  });
});

describe("resources", () => {
  test("are listed page by page, with templates for each kind of address", async () => {
    const client = await connect();
    const { resources, nextCursor } = await client.listResources();
    assert.deepInclude(resources[0], { uri: "mesh://status", mimeType: "application/json" });
    assert.lengthOf(resources, 2 + 3 + 6);
    assert.isUndefined(nextCursor);
    const { resourceTemplates } = await client.listResourceTemplates();
    assert.deepEqual(
      resourceTemplates.map(({ uriTemplate }) => uriTemplate),
      ["sector", "cluster", "agent"].map((kind) => `mesh://${kind}/{+address}`),
    );
    const error = await client.listResources({ cursor: "x" }).then(() => "", String);
    assert.match(error, /-32602: cursor: expected one of this list, got x/);
  });

  test("are the JSON of their command", async () => {
    const client = await connect();
    const line = localLine(fake.mesh, COMMANDS);
    for (const [uri, command, args] of [
      ["mesh://status", "status", {}],
      ["mesh://kpis", "kpis", {}],
      [`mesh://agent/${AGENT}`, "inspect", { address: AGENT }],
      ["mesh://sector/sector-2", "inspect", { address: "sector-2" }],
    ] as const) {
      const { contents } = await client.readResource({ uri });
      const [content] = contents;
      assert.deepInclude(content, { uri, mimeType: "application/json" });
      const text = "text" in content ? content.text : assert.fail(uri);
      const [read, wanted] = [JSON.parse(text), await line.call(command, args)];
      // The moment of the question is the only thing that may differ.
      assert.deepEqual(Object.keys(read), Object.keys(wanted as object));
      if (command === "inspect") assert.deepEqual(read, wanted);
    }
  });

  test("that are not there are told so by name", async () => {
    const client = await connect();
    for (const uri of ["mesh://worker/worker-1", "mesh://sector/sector-9"]) {
      const error = await client.readResource({ uri }).then(() => "", String);
      assert.include(error, `-32002: no resource ${uri}`);
    }
  });

  test("complete their addresses", async () => {
    const client = await connect();
    const { completion } = await client.complete({
      ref: { type: "ref/resource", uri: "mesh://agent/{+address}" },
      argument: { name: "address", value: "sector-1/" },
    });
    assert.deepEqual(completion.values, ["sector-1/cluster-1/", "sector-1/cluster-2/"]);
  });
});

describe("the library", () => {
  test("that is not installed is asked for with the command that installs it", async () => {
    const absent = Object.assign(new Error("Cannot find package"), {
      code: "ERR_MODULE_NOT_FOUND",
    });
    const error = await loadMcpSdk(() => Promise.reject(absent)).then(() => "", String);
    assert.match(error, /not installed: npm install @modelcontextprotocol\/sdk@1\.32\.2$/);
  });

  test("that is broken in another way says so itself", async () => {
    const broken = new SyntaxError("unexpected token");
    const error = await loadMcpSdk(() => Promise.reject(broken)).then(() => "", String);
    assert.match(error, /unexpected token/);
  });
});
