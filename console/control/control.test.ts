import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, assert, beforeEach, describe, test } from "vitest";
import { FakeMesh } from "../../test/fake-mesh.ts";
import { socketPath } from "../command/socket-path.ts";
import { COMMANDS } from "../commands.ts";
import type { StatusDocument } from "../reports/status.ts";
import { ConsoleError, NoMeshError, RemoteError } from "../terminal/exit.ts";
import { LineReader } from "../terminal/lines.ts";
import { type Control, openControl } from "./control.ts";
import { ControlClient } from "./control-client.ts";
import { MAX_REQUEST_BYTES } from "./protocol.ts";

const SIZE = { sectors: 3, clustersPerSector: 2, agentsPerCluster: 4, workers: 2 };
const AGENT = "sector-1/cluster-1/agent-1";

let data: string;
let env: Record<string, string>;
let fake: FakeMesh;
const cleanups: (() => unknown)[] = [];

beforeEach(() => {
  const folder = mkdtempSync(join(tmpdir(), "mesh-control-"));
  data = join(folder, "data");
  env = { XDG_RUNTIME_DIR: folder };
  fake = new FakeMesh();
});

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function open(
  mesh: Promise<FakeMesh["mesh"]> = Promise.resolve(fake.mesh),
): Promise<Control> {
  const control = await openControl({ data, env, commands: COMMANDS, size: SIZE, mesh });
  cleanups.push(() => control.close());
  return control;
}

async function client(): Promise<ControlClient> {
  const line = await ControlClient.connect(data, env);
  cleanups.push(() => line.close());
  return line;
}

/** A bare socket and the documents it receives, in order. */
async function raw(path: string): Promise<{ socket: Socket; next: () => Promise<Reply> }> {
  const socket = connect(path);
  cleanups.push(() => socket.destroy());
  const received: Reply[] = [];
  let wake = (): void => {};
  const lines = new LineReader(
    1e9,
    (line) => {
      received.push(JSON.parse(line) as Reply);
      wake();
    },
    () => {},
  );
  socket.on("data", (chunk) => lines.push(chunk));
  const next = async (): Promise<Reply> => {
    while (received.length === 0) await new Promise<void>((resolve) => (wake = resolve));
    return received.shift() as Reply;
  };
  return { socket, next };
}

/** The error that a promise is rejected with. */
async function failure(promise: Promise<unknown>): Promise<ConsoleError> {
  const outcome = await promise.then(
    () => undefined,
    (reason: ConsoleError) => reason,
  );
  return outcome ?? assert.fail("expected a failure");
}

interface Reply {
  readonly id?: number | null;
  readonly hello?: { pid: number; protocol: number; size: object };
  readonly data?: unknown;
  readonly more?: boolean;
  readonly error?: { code: string; message: string };
}

describe("a round trip", () => {
  test("a console learns who answers, and how big the mesh is", async () => {
    await open();
    const line = await client();
    assert.equal(line.pid, process.pid);
    assert.deepEqual(line.size, SIZE);
  });

  test("a command gives its data as JSON can say it", async () => {
    await open();
    const status = (await (await client()).call("status", {})) as StatusDocument;
    assert.equal(status.agents.total, 24);
    assert.equal(status.lastCascadeMs, null);
  });

  test("an error of the mesh arrives with its code and sentence", async () => {
    await open();
    const line = await client();
    const error = await failure(line.call("inspect", { address: "sector-9" }));
    assert.instanceOf(error, RemoteError);
    assert.equal(error.code, "MESH_UNKNOWN_ACTOR");
    assert.match(error.message, /no actor "sector-9"/);
  });

  test("arguments are checked where the mesh is, whatever the console did", async () => {
    await open();
    const line = await client();
    const cases: [string, Record<string, unknown>, RegExp][] = [
      ["agents", { limit: "many" }, /agents: limit: expected a whole number .*got "many"/],
      ["agents", { sort: "x" }, /agents: unknown argument "sort"/],
      ["inspect", {}, /inspect: address: expected an address .*got nothing/],
      ["statu", {}, /unknown command "statu"; did you mean "status"\?/],
      ["start", {}, /unknown command "start"/],
    ];
    for (const [command, args, expected] of cases) {
      const error = await failure(line.call(command, args));
      assert.match(error.message, expected);
      assert.equal(error.exitCode, 2);
    }
  });

  test("two consoles are served side by side, the slow answer not before the fast one", async () => {
    let release = (): void => {};
    fake.answer = () =>
      new Promise((resolve) => {
        release = () => resolve({ state: 1, value: "late" });
      });
    await open();
    const [one, other] = [await client(), await client()];
    const slow = one.call("ask", { address: AGENT, message: 1 });
    await other.call("tell", { address: AGENT, message: { add: 1 }, priority: 3 });
    await one.call("status", {});
    release();
    assert.deepInclude((await slow) as object, { state: 1, value: "late" });
    assert.include(fake.calls, `tell ${AGENT} {"add":1} {"priority":3}`);
  });

  test("text that looks like JSON stays text on its way", async () => {
    await open();
    await (await client()).call("tell", { address: AGENT, message: "5" });
    assert.deepEqual(fake.calls, [`tell ${AGENT} "5" {}`]);
  });

  test("a console that changes its mind aborts its command", async () => {
    const aborted = new Promise<void>((resolve) => {
      fake.answer = (_, signal) =>
        new Promise(() => signal?.addEventListener("abort", () => resolve()));
    });
    await open();
    const line = await client();
    const abort = new AbortController();
    const asked = line.call("ask", { address: AGENT, message: 1 }, abort.signal);
    await line.call("status", {});
    abort.abort(new Error("cancelled"));
    assert.match((await failure(asked)).message, /cancelled/);
    await aborted;
  });

  test("a console that vanishes aborts its command", async () => {
    const aborted = new Promise<void>((resolve) => {
      fake.answer = (_, signal) =>
        new Promise(() => signal?.addEventListener("abort", () => resolve()));
    });
    const { path } = await open();
    const { socket, next } = await raw(path);
    await next();
    socket.write(`{"id":1,"command":"ask","arguments":{"address":"${AGENT}","message":1}}\n`);
    socket.write('{"id":2,"command":"status"}\n');
    await next();
    socket.destroy();
    await aborted;
  });

  test("who asks for it hears how far a command is, before the data; others do not", async () => {
    await open();
    const heard: string[] = [];
    const line = await client();
    await line.call("cascade", { count: 2 }, undefined, (progress) => heard.push(progress));
    assert.match(heard[0], /^cascade 1\/2: 12 of 24 agents READY/);
    const { socket, next } = await raw(socketPath(data, env));
    await next();
    socket.write('{"id":1,"command":"cascade"}\n{"id":2,"command":"cascade","progress":true}\n');
    const replies = [await next(), await next(), await next()];
    assert.sameMembers(
      replies.map((reply) => `${reply.id} ${"progress" in reply ? "progress" : "data"}`),
      ["1 data", "2 progress", "2 data"],
    );
  });

  test("a subscription brings pictures until it is ended", async () => {
    await open();
    const line = await client();
    let count = 0;
    await new Promise<void>((resolve, reject) => {
      const stop = line.watch(
        "status",
        {},
        100,
        () => {
          if (++count === 3) {
            stop();
            resolve();
          }
        },
        reject,
      );
    });
    await line.call("status", {});
    assert.equal(count, 3);
  });

  test("a subscription that cannot work fails once", async () => {
    await open();
    const line = await client();
    const error = await new Promise<Error>((resolve) => {
      line.watch(
        "top",
        { sort: "beauty" },
        100,
        () => {},
        (reason) => resolve(reason as Error),
      );
    });
    assert.match(error.message, /top: sort: expected one of impedance/);
  });

  test("what is asked during the boot is answered after it", async () => {
    let ready = (_: FakeMesh["mesh"]): void => {};
    await open(new Promise((resolve) => (ready = resolve)));
    const asked = (await client()).call("status", {});
    ready(fake.mesh);
    assert.equal(((await asked) as StatusDocument).agents.total, 24);
  });

  test("a boot that fails is told to those who waited", async () => {
    let fail = (_: Error): void => {};
    const mesh = new Promise<FakeMesh["mesh"]>((_, reject) => (fail = reject));
    mesh.catch(() => {});
    await open(mesh);
    const asked = (await client()).call("status", {});
    fail(new Error("no such module"));
    assert.match((await failure(asked)).message, /no such module/);
  });
});

describe("what is not a request", () => {
  const cases: [string, string][] = [
    ["text", "hello"],
    ["half a document", '{"id":1,'],
    ["a number", "5"],
    ["null", "null"],
    ["a list", "[]"],
    ["no id", '{"command":"status"}'],
    ["a negative id", '{"id":-1,"command":"status"}'],
    ["a command that is no text", '{"id":1,"command":7}'],
    ["arguments that are a list", '{"id":1,"command":"status","arguments":[]}'],
    ["something besides", '{"id":1,"command":"status","shell":"rm"}'],
    ["a subscription without a pause", '{"id":1,"command":"status","everyMs":0}'],
    ["a mixture", '{"id":1,"cancel":1}'],
    ["bytes", "\u0000\ufffd\u0001"],
  ];
  for (const [name, line] of cases) {
    test(`${name} is answered with an error, and the connection lives on`, async () => {
      const { path } = await open();
      const { socket, next } = await raw(path);
      assert.isDefined((await next()).hello);
      socket.write(`${line}\n\n  \n{"id":9,"command":"status"}\n`);
      const reply = await next();
      assert.equal(reply.id, null);
      assert.match(reply.error?.message ?? "", /^not (JSON|a request): expected/);
      assert.equal((await next()).id, 9);
    });
  }

  test("a cancellation of nothing is no error", async () => {
    const { path } = await open();
    const { socket, next } = await raw(path);
    await next();
    socket.write('{"cancel":77}\n{"id":1,"command":"status"}\n');
    assert.equal((await next()).id, 1);
  });

  test("an id that is under way is refused", async () => {
    fake.answer = () => new Promise(() => {});
    const { path } = await open();
    const { socket, next } = await raw(path);
    await next();
    const ask = `{"id":1,"command":"ask","arguments":{"address":"${AGENT}","message":1}}\n`;
    socket.write(ask + ask);
    assert.match((await next()).error?.message ?? "", /id 1 is already under way/);
  });

  test("more requests at once than are taken are refused, not queued", async () => {
    fake.answer = () => new Promise(() => {});
    const { path } = await open();
    const { socket, next } = await raw(path);
    await next();
    for (let id = 0; id < 65; id++) {
      socket.write(`{"id":${id},"command":"ask","arguments":{"address":"${AGENT}","message":1}}\n`);
    }
    assert.deepInclude(await next(), { id: 64 });
  });

  test("a line without an end is cut off, and others are served", async () => {
    const { path } = await open();
    const { socket, next } = await raw(path);
    socket.on("error", () => {});
    await next();
    const closed = new Promise((resolve) => socket.on("close", resolve));
    const part = Buffer.alloc(1_048_576, "x");
    for (let sent = 0; sent <= MAX_REQUEST_BYTES; sent += part.length) socket.write(part);
    assert.match((await next()).error?.message ?? "", /longer than/);
    await closed;
    await (await client()).call("status", {});
  });

  test("a letter cut in two by the socket arrives whole", () => {
    const lines: string[] = [];
    const reader = new LineReader(
      100,
      (line) => lines.push(line),
      () => assert.fail("too long"),
    );
    for (const byte of Buffer.from("größe\n→\n")) reader.push(Buffer.from([byte]));
    assert.deepEqual(lines, ["größe", "→"]);
  });
});

describe("the socket's file", () => {
  test("is the owner's alone, in a folder of the owner's", async () => {
    const { path } = await open();
    assert.equal(path, join(data, "mesh.sock"));
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.equal(statSync(data).mode & 0o777, 0o700);
    assert.equal(readFileSync(join(data, "mesh.pid"), "utf8"), `${process.pid}\n`);
  });

  test("a folder with other things in it keeps its mode", async () => {
    mkdirSync(data, { recursive: true });
    chmodSync(data, 0o755);
    writeFileSync(join(data, "notes"), "");
    const { path } = await open();
    assert.equal(statSync(data).mode & 0o777, 0o755);
    assert.equal(statSync(path).mode & 0o777, 0o600);
  });

  test("is gone after the end, and so is the lock", async () => {
    const control = await open();
    await control.close();
    assert.isFalse(existsSync(control.path));
    assert.isFalse(existsSync(join(data, "mesh.pid")));
    assert.isFalse(existsSync(`${control.path}.lock`));
  });

  test("of a dead mesh is replaced", async () => {
    await leaveStaleSocket();
    await open();
    await (await client()).call("status", {});
  });

  test("of a living mesh is refused with its process", async () => {
    await open();
    const error = await failure(open());
    assert.instanceOf(error, ConsoleError);
    assert.match(error.message, new RegExp(`already running in .*process ${process.pid}\\)`));
    await (await client()).call("status", {});
  });

  test("two that start at once do not both get it", async () => {
    await leaveStaleSocket();
    const outcomes = await Promise.allSettled([open(), open(), open()]);
    assert.equal(outcomes.filter(({ status }) => status === "fulfilled").length, 1);
  });

  test("a lock whose holder has died is no obstacle", async () => {
    mkdirSync(data, { recursive: true });
    // No process has this id: it is above the largest that Linux gives.
    writeFileSync(join(data, "mesh.sock.lock"), "4194305\n");
    await open();
  });

  test("of a folder with a long path is short, and found without asking", async () => {
    data = join(data, "a-folder-with-a-long-name".repeat(5));
    const { path } = await open();
    assert.isBelow(Buffer.byteLength(path), 104);
    assert.equal(statSync(join(path, "..")).mode & 0o777, 0o700);
    await (await client()).call("status", {});
  });

  test("that could not be short anywhere is refused with both paths", () => {
    const long = "x".repeat(120);
    assert.throws(
      () => socketPath(`/${long}`, { XDG_RUNTIME_DIR: `/${long}` }),
      /no path for the control socket is short enough/,
    );
  });

  test("in a folder that cannot be made is a configuration error", async () => {
    const file = join(data, "..", "file");
    writeFileSync(file, "");
    data = join(file, "data");
    const error = await failure(open());
    assert.equal(error.exitCode, 2);
    assert.match(error.message, /^data: expected a folder that can be made and written, got /);
  });
});

describe("where no mesh is", () => {
  test("no folder: the sentence says how to start one", async () => {
    const error = await failure(ControlClient.connect(data, env));
    assert.instanceOf(error, NoMeshError);
    assert.equal(error.exitCode, 69);
    assert.match(error.message, /no mesh is running in .*mesh-30k start.*--data/);
  });

  test("a dead mesh: the sentence says that it has died", async () => {
    await leaveStaleSocket();
    const error = await failure(ControlClient.connect(data, env));
    assert.equal(error.exitCode, 69);
    assert.match(error.message, /has died/);
  });

  test("the mesh ends while it is asked: the call fails, the line knows", async () => {
    fake.answer = () => new Promise(() => {});
    const control = await open();
    const line = await client();
    const asked = failure(line.call("ask", { address: AGENT, message: 1 }));
    await line.call("status", {});
    await control.close();
    const error = await asked;
    assert.equal(error.exitCode, 69);
    assert.isTrue(line.gone.aborted);
    assert.match((await failure(line.call("status", {}))).message, /stopped or died/);
  });
});

/** A socket file that nobody listens to: bound, and its name kept while the listener goes. */
async function leaveStaleSocket(): Promise<void> {
  mkdirSync(data, { recursive: true });
  const path = join(data, "mesh.sock");
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(`${path}.old`, resolve));
  // The listener removes its own name when it closes; this one stays.
  linkSync(`${path}.old`, `${path}.kept`);
  await new Promise((resolve) => server.close(resolve));
  renameSync(`${path}.kept`, path);
}
