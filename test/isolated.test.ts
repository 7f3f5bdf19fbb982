// Agents that are not trusted, doing their worst: to themselves, and to nobody else.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Mesh } from "../index.ts";
import { IsolatedProcess } from "../remote/isolated-process.ts";
import { agentModule, call, createMesh, until } from "./mesh.ts";

const PUPPET = "sector-2/cluster-1/agent-1";
const hostile = (number: number): string => `sector-1/cluster-1/agent-${number}`;

let folder: string;
let mesh: Mesh;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "mesh-isolated-"));
  process.env.MESH_SECRET_OF_TEST = "not for everybody";
  mesh = await createMesh({
    agent: (address) =>
      address.startsWith("sector-1/")
        ? {
            module: agentModule("hostile-keeper"),
            isolation: "process",
            capabilities: ["hostile"],
            memoryMb: 48,
            turnMs: 1_000,
          }
        : agentModule("puppet"),
    topology: { sectors: 2, clustersPerSector: 1, agentsPerCluster: 12, spawnCapacity: 0 },
    // Those who are trusted are on the same thread.
    workers: 1,
    // All of them in one cluster, whose circuit would open.
    breakers: { clusterFailures: 1_000 },
    log: "silent",
  });
});
afterAll(async () => {
  await mesh.stop();
  await rm(folder, { recursive: true });
});

describe("an agent in a process of its own", () => {
  test("answers, keeps a state, tells and asks as itself, and is found by what it can do", async () => {
    expect(await call(mesh, hostile(1), { do: "count" })).toBe(1);
    expect(await call(mesh, hostile(1), { do: "count" })).toBe(2);
    expect(mesh.select("hostile")).toHaveLength(12);
    const message = { do: "envelope" };
    expect(await call(mesh, hostile(1), { do: "ask", to: PUPPET, message })).toMatchObject({
      state: 1,
      value: { sender: mesh.ref(hostile(1)) },
    });
    await call(mesh, hostile(1), { do: "tell", to: PUPPET, message: { do: "note", id: 5 } });
    await until("told", async () => ((await call(mesh, PUPPET, { do: "count" })) as number) === 1);
    await expect(call(mesh, hostile(1), { do: "fail" })).rejects.toThrow(/told to fail/);
  });

  test("has no environment, no files but its own folder's, no processes and no threads", async () => {
    expect(await call(mesh, hostile(2), { do: "env" })).toEqual({});
    const path = join(folder, "secret");
    const denied = "ERR_ACCESS_DENIED";
    expect(await call(mesh, hostile(2), { do: "files", path })).toEqual({
      read: denied,
      write: denied,
      passwords: denied,
      spawn: denied,
    });
    expect(await call(mesh, hostile(2), { do: "child" })).toBe(denied);
    expect(await call(mesh, hostile(2), { do: "thread" })).toBe(denied);
  });

  const worst: readonly (readonly [verb: string, why: RegExp])[] = [
    ["exit", /its process has ended: exit 3/],
    ["loop", /a turn of more than 1000 ms/],
    ["never", /a turn of more than 1000 ms/],
    ["heap", /its process has ended/],
    ["buffers", /MiB of memory|its process has ended/],
    ["garbage", /its process has ended/],
    ["huge", /a frame of 2147483647 bytes/],
    ["forge", /it spoke in a turn that is not open/],
    ["flood", /more than 10000 sayings in a turn|a turn of more than 1000 ms|MiB of memory/],
  ];
  test.each(worst)(
    "that does its worst (%s) fails as any agent, and others are served",
    async (verb, why) => {
      const number = 3 + worst.findIndex(([name]) => name === verb);
      await call(mesh, hostile(12), { do: "count" });
      const before = (await call(mesh, hostile(12), { do: "count" })) as number;
      let over = false;
      const bad = mesh.ask(hostile(number), { do: verb }, { timeoutMs: 30_000 }).then(
        (answer) => `answered ${JSON.stringify(answer)}`,
        (error: Error) => error.message,
      );
      const ended = bad.then(() => {
        over = true;
      });
      let served = 0;
      for (; !over; served++) await call(mesh, PUPPET, { do: "echo", value: served }, 5_000);
      await ended;
      expect(await bad).toMatch(why);
      expect(served).toBeGreaterThan(0);
      // It starts anew; its neighbour in that process has the state of its last turn.
      expect(await call(mesh, hostile(12), { do: "count" })).toBe(before + 1);
      await until("it is back", () =>
        mesh.ask(hostile(number), { do: "echo", value: "back" }).then(
          ({ state }) => state === 1,
          () => false,
        ),
      );
      expect(mesh.status().restarts.workers).toBe(0);
    },
  );

  test("ends with its mesh: no process is left", async () => {
    const name = fileURLToPath(new URL("../dist/remote/isolated-host.js", import.meta.url));
    const own = async (): Promise<number> => {
      const children = await readFile(`/proc/${process.pid}/task/${process.pid}/children`, "utf8");
      const lines = await Promise.all(
        children
          .trim()
          .split(" ")
          .filter(Boolean)
          .map((pid) => readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")),
      );
      return lines.filter((line) => line.includes(name)).length;
    };
    const one = await createMesh({
      agent: { module: agentModule("hostile"), isolation: "process" },
      topology: { sectors: 1, clustersPerSector: 1, agentsPerCluster: 1, spawnCapacity: 0 },
      workers: 1,
      log: "silent",
    });
    expect(await call(one, hostile(1), { do: "count" })).toBe(1);
    const before = await own();
    await one.stop();
    await until("ended", async () => (await own()) === before - 1 || before === 0);
  });
});

test("what is no isolation is refused by name", async () => {
  const options = {
    topology: { sectors: 1, clustersPerSector: 1, agentsPerCluster: 1 },
    log: "silent",
  } as const;
  const agent = { module: agentModule("hostile"), isolation: "thread" as "process" };
  await expect(createMesh({ agent, ...options })).rejects.toThrow(
    /agent.isolation: expected process/,
  );
});

test("a process that says what it must not before it is ready is reported, and started again", async () => {
  const module = [
    `data:text/javascript,import{writeSync}from"node:fs";`,
    "writeSync(3,new Uint8Array(4).fill(255));await new Promise(()=>setInterval(()=>{},1e4));",
  ].join("");
  const one = new IsolatedProcess(module, undefined, { memoryMb: 128, turnMs: 1_000, read: [] });
  await expect(one.ready()).rejects.toThrow(/its process has ended: a frame of 4294967295 bytes/);
  await expect(one.ready()).rejects.toThrow(/its process has ended: a frame/);
  expect(one.generation).toBe(2);
});
