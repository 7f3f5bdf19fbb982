// A language model that answers on a local port: what it is told, what becomes of what it proposes, how it fails.
import { mkdtempSync } from "node:fs";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, assert, beforeEach, describe, test } from "vitest";
import { FakeMesh } from "../../test/fake-mesh.ts";
import { Person } from "../../test/person.ts";
import { localLine } from "../command/line.ts";
import { COMMANDS } from "../commands.ts";
import { Repl } from "../repl.ts";
import { languageModel, proposedBy } from "./language-model.ts";

const AGENT = "sector-1/cluster-1/agent-1";
/** The grammar knows no German. */
const FOREIGN = "bitte Agent eins im ersten Cluster von Sektor eins neu starten";

interface Request {
  readonly path: string | undefined;
  readonly authorization: string | undefined;
  readonly body: {
    readonly model: string;
    readonly messages: readonly { role: string; content: string }[];
    readonly tools: readonly { function: { name: string; parameters: unknown } }[];
  };
}

let server: Server;
let url: string;
let requests: Request[];
/** What the model answers: a status and a body, or nothing at all. */
let answer: { readonly status: number; readonly body: string } | undefined;

beforeEach(async () => {
  requests = [];
  server = createServer(async (request, response) => {
    requests.push({
      path: request.url,
      authorization: request.headers.authorization,
      body: JSON.parse(await textOf(request)),
    });
    if (answer !== undefined) response.writeHead(answer.status).end(answer.body);
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((closed) => server.close(closed));
});

async function textOf(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of request) text += chunk;
  return text;
}

/** The model calls these tools. */
function calls(...tools: readonly (readonly [name: string, args: unknown])[]): void {
  const toolCalls = tools.map(([name, args]) => ({
    type: "function",
    function: { name, arguments: JSON.stringify(args) },
  }));
  const body = JSON.stringify({
    choices: [{ message: { role: "assistant", tool_calls: toolCalls } }],
  });
  answer = { status: 200, body };
}

async function say(
  words: string,
  env: Record<string, string> = {},
): Promise<{ code: number; out: string; talk: string }> {
  const person = new Person({ cwd: tmpdir(), env });
  const code = await person.run("say", words, "--json");
  return { code, out: person.out, talk: person.talk };
}

/** A session with the model in which all this is said. */
async function session(
  ...lines: string[]
): Promise<{ out: string; calls: readonly string[]; failed: number }> {
  const fake = new FakeMesh();
  const person = new Person({ cwd: mkdtempSync(join(tmpdir(), "mesh-model-")) });
  person.type(...lines);
  person.stdin.end();
  const { face } = person;
  const model = languageModel({ MESH_LLM_URL: url }, {});
  const { failed } = await new Repl(face, localLine(fake.mesh, face.commands), model).run();
  return { out: person.out, calls: fake.calls, failed };
}

describe("what the grammar does not understand", () => {
  test("is asked of nobody without an address", async () => {
    const { code, out } = await say(FOREIGN);
    assert.equal(code, 1);
    assert.isFalse(JSON.parse(out).understood);
    assert.isEmpty(requests);
  });

  test("is asked with the commands as tools, and the key in its header", async () => {
    calls(["restart", { address: AGENT }]);
    const env = { MESH_LLM_URL: `${url}/`, MESH_LLM_MODEL: "small", MESH_LLM_KEY: "sesame" };
    const { code, out, talk } = await say(FOREIGN, env);
    assert.equal(code, 0, talk);
    assert.deepEqual(JSON.parse(out), {
      understood: true,
      command: "restart",
      arguments: { address: AGENT },
      changes: true,
      nearest: [],
    });
    const [{ path, authorization, body }] = requests;
    assert.equal(path, "/v1/chat/completions");
    assert.equal(authorization, "Bearer sesame");
    assert.equal(body.model, "small");
    assert.equal(body.messages.at(-1)?.content, FOREIGN);
    const tools = body.tools.map(({ function: { name } }) => name);
    assert.includeMembers(tools, ["status", "restart", "dead-letters"]);
    assert.notInclude(tools, "start");
  });

  test("is not asked when the grammar understands it", async () => {
    const { out } = await say("how is sector 7?", { MESH_LLM_URL: url });
    assert.equal(JSON.parse(out).command, "status");
    assert.isEmpty(requests);
  });
});

describe("what the model proposes", () => {
  test("is shown with all it touches, and done only after a yes", async () => {
    calls(["restart", { address: AGENT }]);
    for (const [answered, done] of [
      ["no", []],
      ["yes", [`restart ${AGENT}`]],
    ] as const) {
      const { out, calls: did } = await session(FOREIGN, answered);
      assert.include(out, `restart ${AGENT}`);
      assert.match(out, /touches 1 of [\d,]+ agents/);
      assert.deepEqual(did, done);
    }
  });

  test("is said as one would type it, and done at once when it only looks", async () => {
    calls(["status", {}]);
    const { out, failed } = await session("wie geht es euch allen");
    assert.equal(failed, 0);
    assert.match(out, /the model proposes: status\n[\s\S]*MESH-30K STATUS/);
  });

  for (const [what, tools] of [
    ["nothing", []],
    [
      "two things",
      [
        ["status", {}],
        ["kpis", {}],
      ],
    ],
    ["no command", [["rm", { path: "/" }]]],
    ["a command of the machine", [["start", {}]]],
  ] as const) {
    test(`is not understood when it is ${what}`, async () => {
      calls(...tools);
      const { code, out } = await say(FOREIGN, { MESH_LLM_URL: url });
      assert.equal(code, 1);
      assert.isFalse(JSON.parse(out).understood);
      assert.lengthOf(requests, 1);
    });
  }
});

describe("a model that fails is named with the reason, and nothing is understood", () => {
  for (const [name, status, body, why] of [
    [
      "error",
      404,
      '{"error":{"message":"no such\\u001b[2J model"}}',
      /answered 404: no such \[2J model/,
    ],
    ["words", 200, "<html>", /answered what is no JSON/],
    ["flood", 200, " ".repeat(300_000), /answered more than 262144 bytes/],
    [
      "wrong arguments",
      200,
      '{"choices":[{"message":{"tool_calls":[{"function":{"name":"restart","arguments":"{}"}}]}}]}',
      /proposed what cannot be run: restart: address: expected/,
    ],
  ] as const) {
    test(name, async () => {
      answer = { status, body };
      const { code, out, talk } = await say(FOREIGN, { MESH_LLM_URL: url });
      assert.equal(code, 1);
      assert.isFalse(JSON.parse(out).understood);
      assert.match(talk, why);
      assert.match(talk, /^the model at 127\.0\.0\.1:\d+ /);
    });
  }

  test("nobody there", async () => {
    await new Promise((closed) => server.close(closed));
    const { code, talk } = await say(FOREIGN, { MESH_LLM_URL: url });
    assert.equal(code, 1);
    assert.match(talk, /could not be reached: .*ECONNREFUSED/);
    server.listen(0);
  });

  test("no answer in time", async () => {
    answer = undefined;
    const model = languageModel({ MESH_LLM_URL: url }, {});
    assert.isDefined(model);
    const asked = proposedBy({ ...model, waitMs: 100 }, FOREIGN, COMMANDS);
    const error = await asked.then(
      () => assert.fail("it answered"),
      (reason: Error) => reason,
    );
    assert.match(error.message, /did not answer within 0\.1s/);
  });

  test("in a session the session goes on", async () => {
    answer = { status: 503, body: "" };
    const { out, failed } = await session(FOREIGN, "status");
    assert.equal(failed, 1);
    assert.match(out, /answered 503\nnot understood[\s\S]*MESH-30K STATUS/);
  });
});

for (const wrong of ["localhost:8080", "ftp://127.0.0.1", "http://me:secret@127.0.0.1/v1"]) {
  test(`${wrong} is refused as an address`, async () => {
    const { code, talk } = await say(FOREIGN, { MESH_LLM_URL: wrong });
    assert.equal(code, 2);
    assert.match(talk, /MESH_LLM_URL: expected an http or https URL/);
  });
}
