// What supervisors decide, as it is seen from outside: who begins anew, when, with which state, and who is
// told.
import { describe, expect, test } from "vitest";
import type { Mesh, MeshOptions } from "../index.ts";
import { call, pause, settled, startMesh, until } from "./mesh.ts";

const CLUSTER = "sector-4/cluster-2";
const ONE = `${CLUSTER}/agent-1`;
const TWO = `${CLUSTER}/agent-2`;
const THREE = `${CLUSTER}/agent-3`;
const FIVE = `${CLUSTER}/agent-5`;
const ELSEWHERE = "sector-4/cluster-1/agent-1";
const ALL = [ONE, TWO, THREE, `${CLUSTER}/agent-4`, FIVE];

interface State {
  born: number;
  seen: unknown[];
}

/** Without waits and without an end of patience, unless a test says otherwise. */
const PATIENT: NonNullable<MeshOptions["supervision"]> = {
  intensity: { maxRestarts: 1000, withinMs: 60_000 },
  backoff: { firstMs: 0, factor: 1, maxMs: 0, jitter: 0 },
};

function start(options: Partial<MeshOptions> = {}): Promise<Mesh> {
  return startMesh("fragile", { supervision: PATIENT, ...options });
}

async function look(mesh: Mesh, address: string): Promise<State> {
  return (await call(mesh, address, { do: "look" })) as State;
}

/** Births of the agents of the cluster. */
async function births(mesh: Mesh): Promise<number[]> {
  return Promise.all(ALL.map(async (address) => (await look(mesh, address)).born));
}

function fail(mesh: Mesh, address: string, text?: string): Promise<void> {
  return expect(mesh.ask(address, { do: "throw", text })).rejects.toMatchObject({
    code: "MESH_AGENT_FAILED",
  });
}

describe("a restart", () => {
  test.each(["throw", "reject", "throwNothing", "rejectNothing"])(
    "%s: the agent has a new state and the same mailbox, and its siblings keep theirs",
    async (how) => {
      await using mesh = await start();
      for (const address of ALL) mesh.tell(address, { do: "note", id: 1 });
      mesh.tell(ONE, { do: how });
      mesh.tell(ONE, { do: "note", id: 2 });
      mesh.tell(ONE, { do: "note", id: 3 });
      await settled(mesh);
      expect(await look(mesh, ONE)).toEqual({ born: 2, seen: [2, 3] });
      for (const address of ALL.slice(1))
        expect(await look(mesh, address)).toEqual({ born: 1, seen: [1] });
      expect(mesh.status()).toMatchObject({ restarts: { agents: 1, workers: 0 }, lost: 0 });
    },
  );

  test("is an incident that names agent, error and decision, on all four ways to hear of it", async () => {
    await using mesh = await start();
    const heard: unknown[] = [];
    mesh.on("incident", (incident) => heard.push(incident));
    await fail(mesh, ONE, "the cause");
    await until("the incident", () => heard.length > 0);
    const expected = { subject: ONE, error: "Error: the cause", decision: "restart", delayMs: 0 };
    expect(heard).toMatchObject([expected]);
    expect(mesh.incidents()).toMatchObject([expected]);
    const seen = await mesh.inspect(ONE);
    expect(seen).toMatchObject({
      kind: "agent",
      restarts: 1,
      generation: 2,
      failed: 1,
      incidents: [expected],
    });
    expect((await mesh.inspect(CLUSTER)).incidents).toMatchObject([expected]);
    expect((await mesh.inspect(TWO)).incidents).toEqual([]);
  });

  test("by mesh.restart begins an agent, a cluster or a sector anew, and says how many", async () => {
    await using mesh = await start();
    expect(await mesh.restart(TWO)).toEqual({ restarted: 1 });
    expect(await births(mesh)).toEqual([1, 2, 1, 1, 1]);
    expect(await mesh.restart(CLUSTER)).toEqual({ restarted: 5 });
    expect(await births(mesh)).toEqual([2, 3, 2, 2, 2]);
    expect(await mesh.restart("sector-4")).toEqual({ restarted: 10 });
    expect(await births(mesh)).toEqual([3, 4, 3, 3, 3]);
    expect((await look(mesh, ELSEWHERE)).born).toBe(2);
    expect(await mesh.restart("orchestrator")).toEqual({ restarted: 40 });
    expect((await look(mesh, "sector-1/cluster-1/agent-1")).born).toBe(2);
    await expect(mesh.restart("sector-9")).rejects.toMatchObject({ code: "MESH_UNKNOWN_ACTOR" });
  });

  test("by mesh.restart keeps the mailbox and ends the turn that is running", async () => {
    await using mesh = await start();
    const asked = mesh.ask(ONE, { do: "wait", ms: 60_000 });
    const rejected = expect(asked).rejects.toThrow(/restarted/);
    mesh.tell(ONE, { do: "note", id: 1 });
    await until("its turn", async () => (await mesh.inspect(ONE)).current?.suspended === true);
    await mesh.restart(ONE);
    await rejected;
    expect(await look(mesh, ONE)).toEqual({ born: 2, seen: [1] });
  });

  test("by mesh.restart is over when an async init is", async () => {
    await using mesh = await start({ agentOptions: { slow: [ONE] } });
    await mesh.restart(ONE);
    expect((await mesh.inspect(ONE)).impedance).toMatchObject({ operationalState: "active" });
  });

  test("of a thousand in a row keeps count and memory of each message", async () => {
    await using mesh = await start();
    for (let id = 0; id < 500; id++) {
      mesh.tell(ONE, { do: "throw" });
      mesh.tell(ONE, { do: "note", id });
    }
    await settled(mesh);
    expect(await look(mesh, ONE)).toEqual({ born: 501, seen: [499] });
    expect(mesh.status()).toMatchObject({ lost: 0, restarts: { agents: 500 } });
  });
});

describe("mesh.kill of an agent", () => {
  test("ends its incarnation as a failure, and its supervisor begins another", async () => {
    await using mesh = await start();
    mesh.tell(ONE, { do: "note", id: 1 });
    await settled(mesh);
    await mesh.kill(ONE);
    expect(await look(mesh, ONE)).toEqual({ born: 2, seen: [] });
    expect(mesh.incidents()[0]).toMatchObject({ subject: ONE, error: "killed by the operator" });
    await expect(mesh.kill("sector-9/cluster-1/agent-1")).rejects.toMatchObject({
      code: "MESH_UNKNOWN_ACTOR",
    });
    await expect(mesh.kill("worker-9")).rejects.toThrow(/worker-1 to worker-2/);
  });

  test.each([
    ["quarantined", { intensity: { maxRestarts: 0 } }, "transient"],
    [
      "quarantined with its cluster",
      { intensity: { maxRestarts: 0 }, whenExceeded: "escalate" },
      "transient",
    ],
    ["not to be restarted", PATIENT, "temporary"],
  ] as const)(
    "that is then %s tells its watchers that it was killed",
    async (_name, supervision, restart) => {
      await using mesh = await start({ supervision, restart });
      await call(mesh, ELSEWHERE, { do: "watch", who: ONE });
      await mesh.kill(ONE);
      await until("the signal", async () => (await look(mesh, ELSEWHERE)).seen.length > 0);
      expect((await look(mesh, ELSEWHERE)).seen).toEqual([
        { type: "terminated", actor: mesh.ref(ONE), reason: "killed" },
      ]);
    },
  );
});

describe("death watch", () => {
  const backoff = { firstMs: 300, factor: 1, maxMs: 300, jitter: 0 };

  test.each([ELSEWHERE, "sector-1/cluster-1/agent-1"])(
    "of an agent that waits for its restart says nothing, and hears of its end later: %s",
    async (watcher) => {
      await using mesh = await start({ supervision: { backoff } });
      await fail(mesh, ONE);
      await fail(mesh, ONE);
      await call(mesh, watcher, { do: "watch", who: ONE });
      expect((await look(mesh, ONE)).born).toBe(3);
      expect((await look(mesh, watcher)).seen).toEqual([]);
      await call(mesh, ONE, { do: "stop" });
      const terminated = { type: "terminated", actor: mesh.ref(ONE), reason: "stopped" };
      await until("the end", async () => (await look(mesh, watcher)).seen.length > 0);
      expect((await look(mesh, watcher)).seen).toEqual([terminated]);
    },
  );

  test("from init holds for agents that have yet to begin", async () => {
    await using mesh = await start({ agentOptions: { watches: FIVE } });
    await settled(mesh);
    const watchers = [ONE, ELSEWHERE, "sector-1/cluster-1/agent-1"];
    for (const watcher of watchers) expect((await look(mesh, watcher)).seen).toEqual([]);
    await call(mesh, FIVE, { do: "stop" });
    const terminated = { type: "terminated", actor: mesh.ref(FIVE), reason: "stopped" };
    for (const watcher of watchers) {
      await until("the end", async () => (await look(mesh, watcher)).seen.length > 0);
      expect((await look(mesh, watcher)).seen).toEqual([terminated]);
    }
  });
});

describe("restart intensity", () => {
  const strict: typeof PATIENT = {
    ...PATIENT,
    intensity: { maxRestarts: 3, withinMs: 60_000 },
  };

  test("is counted per child: who crashes in a loop is quarantined, its siblings keep their state", async () => {
    await using mesh = await start({ supervision: strict });
    for (const address of ALL) mesh.tell(address, { do: "note", id: 1 });
    for (let i = 0; i < 4; i++) await fail(mesh, ONE);
    await until("the incidents", () => mesh.incidents().length === 4);
    expect(mesh.incidents().map(({ decision }) => decision)).toEqual([
      "quarantine",
      "restart",
      "restart",
      "restart",
    ]);
    await expect(mesh.ask(ONE, { do: "look" })).rejects.toMatchObject({
      code: "MESH_UNDELIVERABLE",
    });
    mesh.tell(ONE, { do: "note", id: 2 });
    await until(
      "the dead letters",
      () => mesh.deadLetters.list({ reason: "quarantined" }).length === 2,
    );
    for (const address of ALL.slice(1))
      expect(await look(mesh, address)).toEqual({ born: 1, seen: [1] });
    expect(mesh.status()).toMatchObject({ agents: { quarantined: 1, active: 39 }, lost: 0 });
    expect(mesh.agents({ state: "quarantined" })).toHaveLength(1);
    // A sibling may fail as often as it could before.
    for (let i = 0; i < 3; i++) await fail(mesh, TWO);
    expect((await look(mesh, TWO)).born).toBe(4);
  });

  test("a broadcast does not wait for the quarantined", async () => {
    await using mesh = await start({ supervision: { ...strict, intensity: { maxRestarts: 0 } } });
    await fail(mesh, ONE);
    const result = await mesh.broadcast({ do: "note", id: 1 }, { timeoutMs: 15_000 });
    expect(result).toMatchObject({ addressed: 40, ready: 39, conflict: 0, transit: 1 });
    expect(result.elapsedMs).toBeLessThan(10_000);
    await settled(mesh);
    expect(mesh.status().lost).toBe(0);
  });

  test("mesh.restart lets an agent out of quarantine with a clean record", async () => {
    await using mesh = await start({ supervision: strict });
    for (let i = 0; i < 4; i++) await fail(mesh, ONE);
    await mesh.restart(ONE);
    expect((await look(mesh, ONE)).born).toBe(5);
    for (let i = 0; i < 3; i++) await fail(mesh, ONE);
    expect((await look(mesh, ONE)).born).toBe(8);
    await fail(mesh, ONE);
    await expect(mesh.ask(ONE, { do: "look" })).rejects.toMatchObject({
      code: "MESH_UNDELIVERABLE",
    });
  });
});

describe("back-off", () => {
  test("the first restart is at once, later ones wait longer each; the mailbox fills meanwhile", async () => {
    const backoff = { firstMs: 120, factor: 2, maxMs: 10_000, jitter: 0 };
    await using mesh = await start({ supervision: { intensity: { maxRestarts: 10 }, backoff } });
    await fail(mesh, ONE);
    await fail(mesh, ONE);
    const startMs = performance.now();
    for (const id of [1, 2, 3]) expect(mesh.tell(ONE, { do: "note", id }).status).toBe("accepted");
    expect((await mesh.inspect(ONE)).impedance.operationalState).toBe("offline");
    expect(await look(mesh, ONE)).toEqual({ born: 3, seen: [1, 2, 3] });
    expect(performance.now() - startMs).toBeGreaterThan(80);
    await fail(mesh, ONE);
    await until("three incidents", () => mesh.incidents().length === 3);
    expect(mesh.incidents().map(({ delayMs }) => delayMs)).toEqual([240, 120, 0]);
  });

  test("mesh.restart does not wait for it, and is not followed by a second restart", async () => {
    const backoff = { firstMs: 150, factor: 1, maxMs: 150, jitter: 0 };
    await using mesh = await start({ supervision: { backoff } });
    await fail(mesh, ONE);
    await fail(mesh, ONE);
    await mesh.restart(ONE);
    expect((await look(mesh, ONE)).born).toBe(3);
    await pause(250);
    expect((await look(mesh, ONE)).born).toBe(3);
  });
});

describe("strategies", () => {
  test("one-for-all begins all siblings anew, and no one else", async () => {
    await using mesh = await start({ supervision: { ...PATIENT, strategy: "one-for-all" } });
    await fail(mesh, THREE);
    expect(await births(mesh)).toEqual([2, 2, 2, 2, 2]);
    expect((await look(mesh, ELSEWHERE)).born).toBe(1);
  });

  test("rest-for-one begins those anew that were started after it", async () => {
    await using mesh = await start({ supervision: { ...PATIENT, strategy: "rest-for-one" } });
    await fail(mesh, THREE);
    expect(await births(mesh)).toEqual([1, 1, 2, 2, 2]);
  });

  test("one-for-all with a delay keeps all siblings down until then, and every message", async () => {
    const backoff = { firstMs: 100, factor: 1, maxMs: 100, jitter: 0 };
    await using mesh = await start({ supervision: { strategy: "one-for-all", backoff } });
    await fail(mesh, THREE);
    await fail(mesh, THREE);
    for (const address of ALL) mesh.tell(address, { do: "note", id: 7 });
    for (const address of ALL) expect(await look(mesh, address)).toEqual({ born: 3, seen: [7] });
  });

  test("siblings that cannot go on without a quarantined one are stopped", async () => {
    await using mesh = await start({
      supervision: { ...PATIENT, strategy: "rest-for-one", intensity: { maxRestarts: 0 } },
    });
    await fail(mesh, THREE);
    expect((await look(mesh, TWO)).born).toBe(1);
    await expect(mesh.ask(FIVE, { do: "look" })).rejects.toMatchObject({
      code: "MESH_UNDELIVERABLE",
    });
    await settled(mesh);
    expect(mesh.deadLetters.list({ target: FIVE })[0]?.reason).toBe("stopped");
  });

  test("escalate: the coordinator begins the whole cluster anew, and then gives it up", async () => {
    await using mesh = await start({
      supervision: {
        ...PATIENT,
        intensity: { maxRestarts: 1, withinMs: 60_000 },
        whenExceeded: "escalate",
      },
    });
    await fail(mesh, ONE);
    expect(await births(mesh)).toEqual([2, 1, 1, 1, 1]);
    await fail(mesh, ONE);
    expect(await births(mesh)).toEqual([3, 2, 2, 2, 2]);
    expect((await look(mesh, ELSEWHERE)).born).toBe(1);
    await until("the incidents", () => mesh.incidents().length === 3);
    expect(mesh.incidents().map(({ subject, decision }) => [subject, decision])).toEqual([
      [CLUSTER, "restart"],
      [ONE, "escalate"],
      [ONE, "restart"],
    ]);
    await fail(mesh, TWO);
    await fail(mesh, TWO);
    await expect(mesh.ask(TWO, { do: "look" })).rejects.toMatchObject({
      code: "MESH_UNDELIVERABLE",
    });
    // The others go on as they are, in the care of the other lead of the sector.
    expect((await look(mesh, FIVE)).born).toBe(2);
    expect(mesh.roles.lead(CLUSTER).adoptedBy).toBe("sector-4/cluster-1");
    expect((await look(mesh, ELSEWHERE)).born).toBe(1);
    await mesh.restart(CLUSTER);
    expect((await look(mesh, FIVE)).born).toBe(3);
    expect(mesh.roles.lead(CLUSTER).adoptedBy).toBeUndefined();
  });
});

describe("restart types", () => {
  test("permanent: begins anew after ctx.stop() too, from a sync and from an async turn", async () => {
    await using mesh = await start({ restart: "permanent" });
    await call(mesh, ONE, { do: "stop" });
    expect((await look(mesh, ONE)).born).toBe(2);
    await mesh.ask(ONE, { do: "stopLater" });
    expect((await look(mesh, ONE)).born).toBe(3);
  });

  test("transient: begins anew after a failure, not after ctx.stop()", async () => {
    await using mesh = await start({ restart: "transient" });
    await fail(mesh, ONE);
    await call(mesh, ONE, { do: "stop" });
    await expect(mesh.ask(ONE, { do: "look" })).rejects.toThrow(/it has stopped/);
    await mesh.ask(TWO, { do: "stopLater" });
    await expect(mesh.ask(TWO, { do: "look" })).rejects.toThrow(/it has stopped/);
    expect(mesh.status().agents).toMatchObject({ active: 38, offline: 2 });
  });

  test("transient: who stopped itself is not brought back by a sibling's failure", async () => {
    await using mesh = await start({ supervision: { ...PATIENT, strategy: "one-for-all" } });
    await call(mesh, ONE, { do: "stop" });
    await fail(mesh, TWO);
    expect((await look(mesh, THREE)).born).toBe(2);
    await expect(mesh.ask(ONE, { do: "look" })).rejects.toThrow(/it has stopped/);
  });

  test("temporary: a failure is the end", async () => {
    await using mesh = await start({ restart: "temporary" });
    await fail(mesh, ONE);
    await expect(mesh.ask(ONE, { do: "look" })).rejects.toThrow(/it has stopped/);
    expect(mesh.incidents()[0]).toMatchObject({ decision: "stop" });
    expect((await look(mesh, TWO)).born).toBe(1);
  });

  test("who has stopped begins anew by mesh.restart, and is supervised as before", async () => {
    await using mesh = await start();
    await call(mesh, ONE, { do: "stop" });
    await mesh.restart(ONE);
    await fail(mesh, ONE);
    expect((await look(mesh, ONE)).born).toBe(3);
  });
});

describe("init", () => {
  test("that throws or rejects for ever quarantines its agent; the mesh comes up with all others", async () => {
    await using mesh = await start({
      agentOptions: { throws: [ONE], rejects: [TWO] },
      supervision: { ...PATIENT, intensity: { maxRestarts: 2, withinMs: 60_000 } },
    });
    await until("two in quarantine", () => mesh.status().agents.quarantined === 2);
    const of = (subject: string): string[] =>
      mesh
        .incidents()
        .filter((each) => each.subject === subject)
        .map(({ error }) => error);
    await until("the incidents", () => of(ONE).length === 3 && of(TWO).length === 3);
    expect(of(ONE)[0]).toBe("Error: init threw at birth 3");
    expect(of(TWO)[0]).toBe("Error: init rejected at birth 3");
    expect((await look(mesh, THREE)).born).toBe(1);
    expect(mesh.status()).toMatchObject({ agents: { active: 38 }, lost: 0 });
  });

  test("that fails twice and then succeeds costs no message", async () => {
    await using mesh = await start({ agentOptions: { throws: [ONE], rejects: [TWO], times: 2 } });
    for (const address of [ONE, TWO]) {
      mesh.tell(address, { do: "note", id: 1 });
      expect(await look(mesh, address)).toEqual({ born: 3, seen: [1] });
    }
  });

  test("that never returns is named; its worker is given up after five attempts", async () => {
    const options = { agentOptions: { hangs: { [TWO]: 1 } }, watchdogMs: 60 };
    await expect(start(options)).rejects.toMatchObject({
      code: "MESH_WORKER",
      message: expect.stringMatching(
        `worker-2 cannot start: ${TWO} has not yielded for \\d+ ms in its init`,
      ),
    });
  });

  test("that never returns after a failure is that message's doing, which is poison in the end", async () => {
    const options = { agentOptions: { hangs: { [TWO]: 2 } }, watchdogMs: 200, maxDeliveries: 2 };
    await using mesh = await start(options);
    for (const address of ALL) mesh.tell(address, { do: "note", id: 1 });
    await settled(mesh);
    mesh.tell(TWO, { do: "throw" });
    mesh.tell(TWO, { do: "note", id: 2 });
    await until("the dead letter", () => mesh.deadLetters.list({ reason: "poison" }).length === 1);
    await settled(mesh);
    expect((await look(mesh, TWO)).seen).toEqual([2]);
    const hangs = mesh.incidents().filter(({ decision }) => decision === "replace-worker");
    expect(hangs.map(({ subject }) => subject)).toEqual([TWO, TWO]);
    expect(mesh.status()).toMatchObject({ lost: 0, restarts: { workers: 2 } });
  });

  test("that takes its time holds its agent's messages, nobody else's", async () => {
    await using mesh = await start({ agentOptions: { slow: [ONE] } });
    const restarted = mesh.restart(ONE);
    mesh.tell(ONE, { do: "note", id: 1 });
    expect((await look(mesh, TWO)).born).toBe(1);
    await restarted;
    expect(await look(mesh, ONE)).toEqual({ born: 2, seen: [1] });
  });
});

describe("a module that refuses", () => {
  test.each([
    ["an error", { why: "no database" }, "MESH_AGENT_MODULE", /configure of file:.*: no database$/],
    ["one of its own", { why: "no licence", code: "MESH_LICENCE" }, "MESH_LICENCE", /^no licence$/],
  ])(
    "with %s: createMesh rejects with it, and does not try again",
    async (_name, refuses, code, message) => {
      const startMs = performance.now();
      const error = await start({ agentOptions: { refuses } }).then(
        () => undefined,
        (reason) => reason,
      );
      expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
      // Five attempts took as many seconds.
      expect(performance.now() - startMs).toBeLessThan(4_000);
    },
  );
});
