// From createMesh to the last breath of the process: options, several meshes, stopping, idling.
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Mesh, MeshOptions, MeshStatus } from "../index.ts";
import { agentModule, call, createMesh, SMALL, startMesh, until } from "./mesh.ts";

const ONE = "sector-1/cluster-1/agent-1";
const FAR = "sector-4/cluster-1/agent-1";

/** Runs a module script with `createMesh` and a small mesh's options at hand, in a process of its own. */
function script(body: string): string {
  return `
    import { createMesh } from ${JSON.stringify(new URL("../dist/index.js", import.meta.url).href)};
    const options = ${JSON.stringify({ ...SMALL, agent: agentModule("homely").href })};
    ${body}
  `;
}

describe("options", () => {
  const wrong: readonly [string, unknown, string, string][] = [
    ["agent", undefined, "agent", "the URL or path of a module"],
    ["agent", 7, "agent", "7"],
    ["agent", "", "agent", "the URL or path of a module"],
    ["workers", 0, "workers", "a whole number from 1 to 254, got 0"],
    ["workers", 5, "workers", "at most one a sector, of which there are 4, got 5"],
    ["workers", "2", "workers", 'got "2"'],
    ["topology", { sectors: 0 }, "topology.sectors", "0"],
    ["topology", { agentsPerCluster: 1.5 }, "topology.agentsPerCluster", "1.5"],
    ["mailbox", { maxMessages: 0 }, "mailbox.maxMessages", "from 1 to 1000000, got 0"],
    ["mailbox", { maxBytes: 1 }, "mailbox.maxBytes", "got 1"],
    ["mailbox", { overflow: ["block"] }, "mailbox.overflow", "four policies"],
    [
      "mailbox",
      { overflow: ["block", "block", "block", "burn"] },
      "mailbox.overflow",
      'got "burn"',
    ],
    ["maxPayloadBytes", 10, "maxPayloadBytes", "got 10"],
    ["custodyBytes", 10, "custodyBytes", "got 10"],
    ["maxDeliveries", 0, "maxDeliveries", "got 0"],
    ["heartbeatMs", -1, "heartbeatMs", "got -1"],
    ["watchdogMs", Number.NaN, "watchdogMs", "got NaN"],
    ["restart", "always", "restart", 'one of permanent, transient, temporary, got "always"'],
    ["supervision", { strategy: "one" }, "supervision.strategy", 'got "one"'],
    [
      "supervision",
      { intensity: { maxRestarts: -1 } },
      "supervision.intensity.maxRestarts",
      "got -1",
    ],
    ["log", "loud", "log", 'one of debug, info, warn, error, silent, got "loud"'],
    ["seed", 1.5, "seed", "got 1.5"],
  ];
  test.each(wrong)(
    "%s: %j is refused by name, value and what was expected",
    async (key, value, field, sentence) => {
      const options = { ...SMALL, agent: agentModule("puppet"), [key]: value } as MeshOptions;
      const refused = createMesh(options);
      await expect(refused).rejects.toMatchObject({ code: "MESH_INVALID_OPTION", field });
      await expect(refused).rejects.toThrow(
        new RegExp(`^${field.replaceAll(".", "\\.")}: expected `),
      );
      await expect(refused).rejects.toThrow(sentence);
    },
  );

  test("no options at all are refused like any other", async () => {
    await expect(createMesh(undefined as unknown as MeshOptions)).rejects.toMatchObject({
      code: "MESH_INVALID_OPTION",
    });
  });

  test("an agent module that cannot be had, or exports no behavior, is named", async () => {
    const none = createMesh({ ...SMALL, agent: "./no-such-agent.mjs" });
    await expect(none).rejects.toMatchObject({
      code: "MESH_AGENT_MODULE",
      message: expect.stringContaining("no-such-agent.mjs"),
    });
    const empty = createMesh({ ...SMALL, agent: "data:text/javascript,export default {}" });
    await expect(empty).rejects.toThrow(/to export a behavior by default/);
  });

  test("a module that fails on the workers alone fails the start, with its reason", async () => {
    const module = `
      import { isMainThread } from "node:worker_threads";
      if (!isMainThread) throw new Error("not here");
      export default { init() {}, receive() {} };
    `;
    const agent = `data:text/javascript,${encodeURIComponent(module)}`;
    await expect(createMesh({ ...SMALL, agent })).rejects.toThrow(/not here/);
  });

  test("a function gives each agent its module", async () => {
    const asked: string[] = [];
    const agent: MeshOptions["agent"] = (address) => {
      asked.push(address);
      return agentModule(address.startsWith("sector-1/") ? "ledger" : "puppet");
    };
    await using mesh = await createMesh({ ...SMALL, agent });
    expect(asked).toHaveLength(40);
    expect(await call(mesh, ONE, { do: "books" })).toMatchObject({ total: 0 });
    expect(await call(mesh, FAR, { do: "echo", value: 1 })).toBe(1);
    expect(mesh.select("puppet")).toHaveLength(30);
  });
});

describe("start", () => {
  test("progress rises to all agents, and then the mesh is running", async () => {
    const progress: { ready: number; total: number }[] = [];
    await using mesh = await startMesh("puppet", { onProgress: (each) => progress.push(each) });
    expect(progress.at(-1)).toEqual({ ready: 40, total: 40 });
    for (let i = 1; i < progress.length; i++)
      expect(progress[i]?.ready).toBeGreaterThanOrEqual(progress[i - 1]?.ready as number);
    expect(mesh.status()).toMatchObject({
      state: "running",
      agents: { total: 40, active: 40 },
      sectors: { total: 4, healthy: 4 },
    });
  });

  test("an aborted signal stops it before, during and after", async () => {
    await expect(
      startMesh("puppet", { signal: AbortSignal.abort(new Error("before")) }),
    ).rejects.toThrow("before");
    const during = new AbortController();
    const starting = startMesh("puppet", {
      signal: during.signal,
      onProgress: () => during.abort(new Error("during")),
    });
    await expect(starting).rejects.toThrow("during");
    const after = new AbortController();
    const mesh = await startMesh("puppet", { signal: after.signal });
    after.abort();
    await until("the stop", () => mesh.status().state === "stopped");
  });

  test("several meshes live in one process and do not meet", async () => {
    await using first = await startMesh("puppet");
    await using second = await startMesh("puppet");
    first.tell(ONE, { do: "note", id: "first" });
    second.tell(ONE, { do: "note", id: "second" });
    expect(await call(first, ONE, { do: "seen" })).toEqual(["first"]);
    expect(await call(second, ONE, { do: "seen" })).toEqual(["second"]);
    await first.stop();
    expect(await call(second, FAR, { do: "echo", value: 1 })).toBe(1);
  });
});

describe("stop", () => {
  test("handles first what is in flight, on lanes and in backlogs too", async () => {
    const mesh = await startMesh("puppet");
    const states: MeshStatus["state"][] = [];
    mesh.on("state", (state) => states.push(state));
    const before = mesh.status().messages.handled;
    let accepted = 0;
    for (const ref of mesh.select("all")) {
      for (let id = 0; id < 100; id++)
        if (mesh.tell(ref, { do: "note", id }).status === "accepted") accepted++;
      mesh.tell(ref, { do: "dawdle", ms: 50, id: "slow" });
    }
    const asked = mesh.ask(FAR, { do: "sleep", ms: 100 });
    await mesh.stop();
    expect(accepted).toBe(4000);
    expect(await asked).toEqual({ state: 1, value: "slept" });
    const { messages, lost } = mesh.status();
    expect(messages.handled - before).toBe(4041);
    expect({ lost, inFlight: messages.inFlight, dead: messages.deadLettered }).toEqual({
      lost: 0,
      inFlight: 0,
      dead: 0,
    });
    expect(states).toEqual(["stopping", "stopped"]);
  });

  test("handles first what waits for room at the sender", async () => {
    const mesh = await startMesh("puppet", { mailbox: { maxMessages: 5 } });
    mesh.tell(FAR, { do: "dawdle", ms: 100, id: "busy" });
    await until("its turn", async () => (await mesh.inspect(FAR)).current !== undefined);
    for (let id = 0; id < 5; id++) mesh.tell(FAR, { do: "note", id });
    await until("its full mailbox", async () => (await mesh.inspect(FAR)).queue.depth === 5);
    const receipt = mesh.tell(FAR, { do: "note", id: 5 });
    expect(receipt.status).toBe("waiting");
    await mesh.stop();
    expect(await receipt).toBe("accepted");
    expect(mesh.status().messages.handled).toBe(7);
  });

  test("takes nothing new, twice is once, and what waits is told", async () => {
    const mesh = await startMesh("puppet");
    const first = mesh.stop();
    expect(mesh.stop()).toBe(first);
    expect(mesh.tell(ONE, 1).status).toBe("rejected");
    await expect(mesh.ask(ONE, 1)).rejects.toMatchObject({ code: "MESH_STOPPED" });
    await expect(mesh.broadcast(1)).rejects.toMatchObject({ code: "MESH_STOPPED" });
    await first;
    await mesh.stop();
    expect(mesh.tell(ONE, 1).status).toBe("rejected");
    await expect(mesh.ask(ONE, 1)).rejects.toMatchObject({ code: "MESH_STOPPED" });
    expect(mesh.status()).toMatchObject({ state: "stopped", lost: 0 });
    expect(mesh.status().workers.map(({ state }) => state)).toEqual(["stopped", "stopped"]);
  });

  test("inspect, restart and kill after the stop say so at once", async () => {
    const mesh = await startMesh("puppet");
    await mesh.stop();
    expect((await mesh.inspect(ONE)).state).toMatchObject({ unavailable: expect.any(String) });
    await expect(mesh.restart(ONE)).rejects.toMatchObject({ code: "MESH_STOPPED" });
    await expect(mesh.kill(ONE)).rejects.toMatchObject({ code: "MESH_STOPPED" });
  });

  test("with an agent that hangs is bounded by its deadline and the grace", async () => {
    const mesh = await startMesh("homely", { watchdogMs: 60_000 });
    mesh.tell(ONE, { do: "hang" });
    const asked = mesh.ask(ONE, { do: "seen" }, { timeoutMs: 60_000 });
    const told = expect(asked).rejects.toMatchObject({ code: "MESH_STOPPED" });
    await until("the hang", () => mesh.status().workers[0]?.current !== undefined);
    const startMs = performance.now();
    await mesh.stop({ deadlineMs: 300 });
    await told;
    // The deadline, two seconds of grace for the shards, and room for a slow machine.
    expect(performance.now() - startMs).toBeLessThan(10_000);
    expect(mesh.status().state).toBe("stopped");
  });

  test("with a turn that outlasts the deadline refuses what waits, and every letter is counted", async () => {
    const mesh = await startMesh("homely");
    const slow = mesh.ask(FAR, { do: "slow", ms: 60_000, id: 1 }, { timeoutMs: 60_000 });
    const ended = expect(slow).rejects.toMatchObject({ code: "MESH_AGENT_FAILED" });
    const behind = mesh.ask(FAR, { do: "seen" }, { timeoutMs: 60_000 });
    const refused = expect(behind).rejects.toMatchObject({
      code: "MESH_UNDELIVERABLE",
      message: expect.stringContaining("the mesh is stopping"),
    });
    await until("its turn", async () => (await mesh.inspect(FAR)).current !== undefined);
    await mesh.stop({ deadlineMs: 100 });
    await Promise.all([ended, refused]);
    expect(mesh.deadLetters.list({ reason: "mesh-stopping" })).toHaveLength(1);
    expect(mesh.status()).toMatchObject({ lost: 0, messages: { inFlight: 0, deadLettered: 1 } });
  });

  test("runs the async stopped of every agent to its end", async () => {
    const folder = mkdtempSync(join(tmpdir(), "mesh-30k-"));
    const farewellFile = join(folder, "farewells");
    try {
      const mesh = await startMesh("homely", { agentOptions: { farewellFile } });
      await mesh.stop();
      expect(readFileSync(farewellFile, "utf8").trim().split("\n")).toHaveLength(40);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("await using stops at the end of the block", async () => {
    let outside: Mesh;
    {
      await using mesh = await startMesh("puppet");
      outside = mesh;
    }
    expect(outside.status().state).toBe("stopped");
  });

  test("a worker that is coming back while the mesh stops is no obstacle", async () => {
    const mesh = await startMesh("puppet");
    for (const ref of mesh.select("all")) mesh.tell(ref, { do: "note", id: 1 });
    await mesh.kill("worker-1");
    await mesh.stop();
    expect(mesh.status()).toMatchObject({
      state: "stopped",
      lost: 0,
      messages: { inFlight: 0, handled: 40 },
    });
  });
});

describe("the process", () => {
  test("ends by itself after the stop, and not before", () => {
    const body = `
      const mesh = await createMesh(options);
      await mesh.ask("sector-1/cluster-1/agent-1", { do: "serve" });
      setTimeout(async () => { await mesh.stop(); console.log("stopped"); }, 300);
    `;
    const run = spawnSync(process.execPath, ["--input-type=module", "-e", script(body)], {
      encoding: "utf8",
      timeout: 30_000,
    });
    expect({ out: run.stdout, error: run.stderr, status: run.status }).toEqual({
      out: "stopped\n",
      error: "",
      status: 0,
    });
  });

  test("ends by itself after a start that failed", () => {
    const body = `
      await createMesh({ ...options, signal: AbortSignal.timeout(1) }).catch((error) => console.log(error.name));
    `;
    const run = spawnSync(process.execPath, ["--input-type=module", "-e", script(body)], {
      encoding: "utf8",
      timeout: 30_000,
    });
    expect({ out: run.stdout, status: run.status }).toEqual({ out: "TimeoutError\n", status: 0 });
  });

  test("of a mesh that idles uses next to no processor time", async () => {
    // In a process of its own, whose processor time is its own.
    const body = `
      const mesh = await createMesh({ ...options, topology: { sectors: 100 } });
      await new Promise((resolve) => setTimeout(resolve, 500));
      const before = process.cpuUsage();
      const turns = mesh.status().workers.map((worker) => worker.turns);
      await new Promise((resolve) => setTimeout(resolve, 2000));
      const { user, system } = process.cpuUsage(before);
      const { workers, agents } = mesh.status();
      const turned = workers.some((worker, i) => worker.turns !== turns[i]);
      console.log(JSON.stringify({ busyMs: (user + system) / 1000, agents, turned }));
      await mesh.stop();
    `;
    const child = spawn(process.execPath, ["--input-type=module", "-e", script(body)], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let out = "";
    child.stdout.on("data", (chunk) => {
      out += chunk;
    });
    const status = await new Promise((resolve) => child.once("exit", resolve));
    expect(status).toBe(0);
    const idle = JSON.parse(out) as {
      busyMs: number;
      turned: boolean;
      agents: { active: number };
    };
    expect(idle).toMatchObject({ turned: false, agents: { active: 30_000 } });
    // A guard against a busy loop, not a figure: half a core over two seconds.
    expect(idle.busyMs).toBeLessThan(1000);
  });
});
