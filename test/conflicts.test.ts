import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, assert, describe, test } from "vitest";
import type { ConflictDetail, Mesh, MeshOptions, RecordedConflict } from "../index.ts";
import { call, startMesh, until } from "./mesh.ts";

const A = "sector-1/cluster-1/agent-1";
const B = "sector-3/cluster-1/agent-1";
const C = "sector-4/cluster-2/agent-5";
const D = "sector-2/cluster-1/agent-3";

const root = mkdtempSync(join(tmpdir(), "mesh-conflicts-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let mesh: Mesh;
afterEach(() => mesh.stop({ deadlineMs: 0 }));

async function start(options: Partial<MeshOptions> = {}): Promise<void> {
  mesh = await startMesh("wary", options);
}

/** What `probe` gives at last. */
async function found<T>(what: string, probe: () => Promise<T | undefined>): Promise<T> {
  return (await until(what, probe)) as T;
}

/** Brings a conflict about by a tell. */
function tellOf(agent: string, detail: ConflictDetail): void {
  mesh.tell(agent, { do: "conflict", detail });
}

/** The conflict that is there alone, once its strategy has spoken. */
async function resolvedOne(): Promise<RecordedConflict> {
  return found("a resolution", async () => {
    const [conflict] = await mesh.conflicts.list();
    return conflict?.resolution === undefined ? undefined : conflict;
  });
}

describe("a conflict", () => {
  test("of a tell, an ask or an operation becomes a record, with who, what and from where", async () => {
    await start();
    const detail: ConflictDetail = {
      type: "CONTEXT_DIVERGENCE",
      expected: { a: 1 },
      received: { a: 2 },
      contextHash: "cafe",
      divergenceDepth: 11,
    };
    tellOf(A, detail);
    const answer = await mesh.ask(B, { do: "conflict", detail });
    assert.deepEqual(answer, { state: -1, conflict: detail });
    const operation = { payload: { do: "conflict", detail }, at: "now" } as const;
    const result = await mesh.scatterGather(operation, { select: "sector-2/cluster-1" });
    assert.equal(result.conflict, 5);
    const all = await found("seven records", async () => {
      const found = await mesh.conflicts.list();
      return found.length === 7 ? found : undefined;
    });
    const recordOf = (agent: string) =>
      (all.find(({ record }) => record.agent === agent) as RecordedConflict).record;
    const told = recordOf(A);
    assert.deepInclude(told, { ...detail, priority: 3, via: "tell" });
    assert.match(told.messageId, /^outside#\d+$/);
    assert.equal(told.causationId, told.messageId);
    assert.equal(told.dueMs, told.atMs + 60_000);
    assert.isAbove(told.lamport, 0);
    assert.equal(recordOf(B).via, "ask");
    const operated = recordOf("sector-2/cluster-1/agent-1");
    assert.deepInclude(operated, { via: "operation", operationId: result.operationId });
    assert.equal(mesh.status().messages.conflicts, 7);
    assert.isTrue((await mesh.conflicts.verify()).ok);
  });

  test("of priority 3 is put before its sector, of 4 before the orchestrator too", async () => {
    await start();
    const escalated: string[] = [];
    mesh.conflicts.on("escalated", ({ record, to }) => escalated.push(`${record.type} ${to}`));
    tellOf(A, { type: "DATA_CONTRADICTION", affectsAgentCount: 100 });
    tellOf(B, { type: "DATA_CONTRADICTION", affectsAgentCount: 101 });
    tellOf(C, { type: "TEMPORAL_PARADOX" });
    await until("all recorded", async () => (await mesh.conflicts.list()).length === 3);
    assert.sameMembers(escalated, [
      "DATA_CONTRADICTION sector-3",
      "TEMPORAL_PARADOX sector-4",
      "TEMPORAL_PARADOX orchestrator",
    ]);
    const subjects = mesh.incidents().map(({ subject, decision }) => `${subject} ${decision}`);
    assert.includeMembers(subjects, ["sector-4 escalate", "orchestrator escalate"]);
    assert.equal(mesh.conflicts.counts().escalated, 2);
  });

  test("whose details are too long to be told is recorded without them, and says so", async () => {
    await start({ maxPayloadBytes: 4096 });
    const detail = { type: "DATA_CONTRADICTION", received: "x".repeat(3000) } as const;
    mesh.tell(A, { do: "conflict", detail });
    tellOf(B, { type: "DATA_CONTRADICTION", received: "x".repeat(3800) });
    const all = await found("two records", async () => {
      const found = await mesh.conflicts.list();
      return found.length === 2 ? found : undefined;
    });
    const missing = new Map(all.map(({ record }) => [record.agent, record.missing]));
    assert.match(missing.get(A) ?? "", /message is too long/);
    assert.match(missing.get(B) ?? "", /details cannot be told|message is too long/);
  });

  test("of a flood is recorded each and all, however fast they come", async () => {
    await start({ log: "silent" });
    const detail = { type: "DATA_CONTRADICTION", expected: 1, received: 2 } as const;
    for (let n = 0; n < 5000; n++) tellOf(n % 2 ? A : B, detail);
    await until("all told", () => mesh.conflicts.counts().told === 5000);
    await mesh.conflicts.settled();
    const found = await mesh.conflicts.list({ limit: 10_000 });
    assert.lengthOf(found, 5000);
    assert.equal(mesh.conflicts.counts().lost, 0);
    assert.isTrue((await mesh.conflicts.verify()).ok);
  });

  test("of an agent that lacks a capability keeps it out of operations that require it", async () => {
    await start();
    const detail = { type: "CAPABILITY_MISMATCH", expected: "weigh" } as const;
    tellOf(A, detail);
    await resolvedOne();
    const operation = {
      payload: { do: "task", id: 1 },
      requiresCapabilities: ["weigh"],
      at: "now",
    } as const;
    assert.isTrue((await mesh.scatterGather(operation, { select: B })).ready === 1);
    const refusal = await mesh.scatterGather(operation, { select: A }).catch((error) => error);
    assert.equal(refusal.code, "MESH_NOBODY", "the mapping was repaired: it is not selected");
  });
});

describe("a strategy", () => {
  test("BRANCH_AND_RECONCILE runs both contexts in agents, and finds where they meet", async () => {
    await start();
    tellOf(A, { type: "CONTEXT_DIVERGENCE", expected: { a: 1, b: 4 }, received: { a: 2, b: 3 } });
    const { state, resolution } = await resolvedOne();
    assert.equal(state, "resolved");
    assert.equal(
      resolution?.outcome,
      "the contexts differ, and come to the same: either may stand",
    );
    assert.match(resolution?.steps[0].found ?? "", /two branches in each of .*agent-1.*agent-3/);
    assert.match(resolution?.steps[2].found ?? "", /meet in all 3/);
  });

  test("BRANCH_AND_RECONCILE puts what is irreconcilable before people", async () => {
    await start();
    tellOf(A, { type: "CONTEXT_DIVERGENCE", expected: { a: 1, b: 4 }, received: { a: 2, b: 4 } });
    const { state, record, resolution } = await resolvedOne();
    assert.equal(state, "review");
    assert.match(resolution?.outcome ?? "", /irreconcilable at sum/);
    const [item] = await mesh.inbox.list();
    assert.deepInclude(item, { kind: "conflict-review", state: "open" });
    await mesh.inbox.approve(item.itemId, { by: "anna", comment: "seen" });
    const after = await found("the word of a person", async () => {
      const found = await mesh.conflicts.get(record.conflictId);
      return found?.state === "resolved" ? found : undefined;
    });
    assert.deepInclude(after.resolution, { method: "HUMAN_REVIEW", by: "anna" });
    assert.deepEqual(after.resolution?.value, { a: 2, b: 4 });
    assert.lengthOf(after.resolutions, 2);
  });

  test("BRANCH_AND_RECONCILE compares the contexts themselves where no agent has a hook", async () => {
    mesh = await startMesh("puppet");
    tellOf(A, { type: "CONTEXT_DIVERGENCE", expected: { a: 1, b: 2 }, received: { a: 1, c: 3 } });
    const { state, resolution } = await resolvedOne();
    assert.equal(state, "resolved");
    assert.deepEqual(resolution?.value, { a: 1, b: 2, c: 3 });
  });

  test("PROVENANCE_TRACE walks across threads to the origins, prefers the stronger, tells the weaker", async () => {
    await start();
    // A has "hot" from two origins by different ways; "cold" comes to it from one.
    mesh.tell(B, { do: "pass", path: [C, A], value: "hot" });
    await until("hot once", async () => Object.keys((await stateOf(A)).from).length === 1);
    mesh.tell(D, { do: "pass", path: [A], value: "hot" });
    await until("hot twice", async () => (await stateOf(A)).from.hot.length === 2);
    mesh.tell(C, { do: "contradict", path: [D, A], expected: "hot", received: "cold" });
    const { state, record, resolution } = await resolvedOne();
    // Both come from outside in the end: one origin each, so that the nearer decides.
    assert.equal(state, "resolved", JSON.stringify(resolution));
    assert.match(resolution?.outcome ?? "", /the expected value holds: nearer origin: 2 against 3/);
    assert.equal(resolution?.value, "hot");
    assert.equal(record.source, D);
    assert.equal(record.causationId.split("#")[0], C);
    assert.lengthOf(resolution?.steps ?? [], 4);
  });

  test("PROVENANCE_TRACE counts agents that hold a value as sources, and tells who holds the other", async () => {
    await start();
    const detail = { type: "DATA_CONTRADICTION", expected: "cold", received: "hot" } as const;
    // Two others have reported that they hold what A is told now.
    for (const agent of [B, C])
      tellOf(agent, { type: "DATA_CONTRADICTION", expected: "hot", received: "warm" });
    await found("two", async () => (await mesh.conflicts.list()).length === 2);
    tellOf(A, detail);
    const [mine] = await found("its resolution", async () => {
      const all = await mesh.conflicts.list({ agent: A });
      return all[0]?.resolution === undefined ? undefined : all;
    });
    assert.match(
      mine.resolution?.outcome ?? "",
      /received value holds: more independent sources: 3/,
    );
    const { conflictId } = mine.record;
    const signals = await found("A is told", async () => {
      const { signals: heard } = await stateOf(A);
      return heard.length > 0 ? heard : undefined;
    });
    assert.deepEqual(signals, [
      { type: "value-superseded", conflictId, value: "hot", instead: "cold" },
    ]);
  });

  test("CLOCK_RECONCILIATION names the clock that is off, and by how much", async () => {
    await start();
    const events = [
      { agent: B, atMs: 1000, lamport: 1 },
      { agent: A, atMs: 400, lamport: 2 },
      { agent: C, atMs: 1200, lamport: 3 },
      { agent: A, atMs: 600, lamport: 4 },
    ];
    tellOf(A, { type: "TEMPORAL_PARADOX", events });
    const { state, resolution } = await resolvedOne();
    assert.equal(state, "resolved");
    assert.match(resolution?.outcome ?? "", new RegExp(`clock of ${A} is off by -600 ms`));
    const ordered = resolution?.value as readonly { readonly correctedMs: number }[];
    assert.deepEqual(
      ordered.map(({ correctedMs }) => correctedMs),
      [1000, 1000, 1200, 1200],
    );
  });

  test("REROUTE gives the task to an agent that can, and repairs the registry until a restart", async () => {
    await start();
    mesh.tell(A, { do: "task", id: 7, not: A });
    const { state, resolution } = await resolvedOne();
    assert.equal(state, "resolved", JSON.stringify(resolution));
    assert.match(resolution?.outcome ?? "", /^done by sector-/);
    assert.notEqual(resolution?.value, A);
    assert.deepEqual((await stateOf(String(resolution?.value))).tasks, [7]);
    assert.notInclude(mesh.findBestAgents("weigh", 40), A);
    await mesh.restart(A);
    await until("it can again", () => mesh.findBestAgents("weigh", 40).includes(A));
  });

  test("HOLD_AND_REREQUEST holds the source, gets the payload again, and lets go when it matches", async () => {
    await start();
    const payload = "as it was";
    const hash = createHash("sha256").update(payload).digest("hex");
    mesh.tell(B, { do: "sendTorn", to: A, payload, hash });
    const { state, resolution } = await resolvedOne();
    assert.equal(state, "resolved", JSON.stringify(resolution));
    assert.deepEqual(mesh.route.list(), []);
    await until("A has it", async () => (await stateOf(A)).tasks.includes(payload));
  });

  test("HOLD_AND_REREQUEST keeps hold of a source that cannot, until a person trusts it", async () => {
    await start();
    mesh.tell(B, { do: "sendTorn", to: A, payload: "something else", hash: "00" });
    const { state } = await resolvedOne();
    assert.equal(state, "review");
    assert.deepEqual(
      mesh.route.list().map(({ target }) => target),
      [B],
    );
    const [item] = await mesh.inbox.list();
    await mesh.inbox.approve(item.itemId);
    await until("it is trusted", () => mesh.route.list().length === 0);
  });

  test("is left to people where there is nobody to ask again", async () => {
    await start();
    tellOf(A, { type: "HASH_MISMATCH", expected: "a", received: "b" });
    const { state, resolution } = await resolvedOne();
    assert.equal(state, "review");
    assert.match(resolution?.outcome ?? "", /outside the mesh/);
  });

  test("may be chosen by the operator, or passed over by a word; each word is kept", async () => {
    await start();
    tellOf(A, { type: "HASH_MISMATCH" });
    const { record } = await resolvedOne();
    const { conflictId } = record;
    const again = await mesh.conflicts.resolve(conflictId, { method: "REROUTE", by: "anna" });
    assert.equal(again.state, "review");
    const word = await mesh.conflicts.resolve(conflictId, { outcome: "cable changed", value: 5 });
    assert.deepInclude(word, { state: "resolved", outcome: "cable changed", value: 5 });
    assert.lengthOf((await mesh.conflicts.get(conflictId))?.resolutions ?? [], 3);
    const unknown = await mesh.conflicts.resolve("conflict-0").catch((error) => error.code);
    assert.equal(unknown, "MESH_NO_CONFLICT");
  });
});

async function stateOf(agent: string): Promise<{
  readonly from: Record<string, readonly string[]>;
  readonly signals: readonly unknown[];
  readonly tasks: readonly unknown[];
}> {
  return (await call(mesh, agent, { do: "state" })) as never;
}

describe("quarantine", () => {
  test("holds the message, shows it, and gives it to its agent again", async () => {
    await start();
    const message = { do: "conflict", detail: { type: "HASH_MISMATCH" } };
    mesh.tell(A, message);
    const { record } = await resolvedOne();
    const { conflictId } = record;
    const [item] = await mesh.quarantine.list();
    assert.equal(item.conflictId, conflictId);
    const shown = await mesh.quarantine.show(conflictId);
    assert.deepInclude(shown, { agent: A, messageId: record.messageId });
    assert.deepEqual(shown?.value, message);
    const [one, other] = await Promise.allSettled([
      mesh.quarantine.release(conflictId),
      mesh.quarantine.release(conflictId),
    ]);
    assert.deepEqual([one.status, other.status], ["fulfilled", "rejected"]);
    await until("a second conflict", async () => (await mesh.conflicts.list()).length === 2);
    assert.isUndefined(await mesh.quarantine.show(conflictId));
    const history = await mesh.conflicts.get(conflictId);
    assert.deepInclude(history?.quarantine[0], { state: "released", by: "operator" });
  });

  test("holds what the agent names instead, hands it out, or throws it away; the record stays", async () => {
    await start();
    for (const conflictingData of [{ odd: true }, "second"])
      tellOf(A, { type: "HASH_MISMATCH", conflictingData });
    const all = await found("two", async () => {
      const listed = await mesh.conflicts.list();
      return listed.length === 2 ? listed : undefined;
    });
    const [second, first] = all.map(({ record }) => record.conflictId);
    const release = await mesh.quarantine.release(first, { by: "anna" });
    assert.deepEqual(release, {
      conflictId: first,
      delivery: "handed-out",
      value: { odd: true },
    });
    assert.isTrue(await mesh.quarantine.discard(second, { reason: "noise" }));
    assert.isFalse(await mesh.quarantine.discard(second));
    assert.equal(mesh.quarantine.counts().held, 0);
    assert.lengthOf(await mesh.conflicts.list(), 2);
    assert.isTrue((await mesh.conflicts.verify()).ok);
  });
});

describe("with a data folder", () => {
  test("conflicts, quarantine and the inbox are there again when the mesh is", async () => {
    const dataDir = join(root, "again");
    await start({ dataDir });
    tellOf(A, { type: "HASH_MISMATCH", conflictingData: 5 });
    await resolvedOne();
    const item = await mesh.inbox.open({ kind: "approval", text: "may it?", withinMs: 60_000 });
    await mesh.inbox.comment(item.itemId, "not yet", { by: "bert" });
    await mesh.stop();
    await start({ dataDir });
    const [{ record, state }] = await mesh.conflicts.list();
    assert.deepInclude(record, { agent: A, type: "HASH_MISMATCH" });
    assert.equal(state, "review");
    assert.equal((await mesh.quarantine.show(record.conflictId))?.value, 5);
    assert.equal(mesh.quarantine.counts().held, 1);
    assert.lengthOf(await mesh.inbox.list(), 2);
    const decided = mesh.inbox.decision(item.itemId);
    await mesh.inbox.deny(item.itemId, { by: "anna" });
    assert.deepInclude(await decided, { state: "denied", decidedBy: "anna" });
    assert.equal((await mesh.inbox.show(item.itemId))?.comments[0].text, "not yet");
    const twice = await mesh.inbox.approve(item.itemId).catch((error) => error.code);
    assert.equal(twice, "MESH_DECIDED");
    assert.isTrue((await mesh.conflicts.verify()).ok);
  });

  test("what a process left open is resolved when a mesh starts on the folder again", async () => {
    const dataDir = join(root, "open");
    await start({ dataDir });
    // It ends when the conflicts are on disk, and before a strategy has begun.
    const stopped = new Promise<void>((resolve) => {
      let recorded = 0;
      mesh.conflicts.on("recorded", () => {
        if (++recorded === 3) mesh.stop({ deadlineMs: 0 }).then(resolve);
      });
    });
    const detail = { type: "CONTEXT_DIVERGENCE", received: { a: 1, b: 4 } } as const;
    for (const expected of [{ a: 1 }, { b: 4 }, { a: 1, b: 4 }]) tellOf(A, { ...detail, expected });
    await stopped;
    await start({ dataDir });
    const all = await found("what was left open is resolved", async () => {
      const list = await mesh.conflicts.list();
      return list.every(({ state }) => state === "resolved") ? list : undefined;
    });
    assert.deepEqual(
      all.map(({ resolution }) => resolution?.by),
      ["mesh", "mesh", "mesh"],
    );
    assert.equal(mesh.conflicts.counts().queued, 0);
    for (const { record } of all)
      assert.lengthOf((await mesh.conflicts.get(record.conflictId))?.resolutions ?? [], 1);
    assert.isTrue((await mesh.conflicts.verify()).ok);
  });

  test("a second mesh on the folder is refused with a clear error", async () => {
    const dataDir = join(root, "shared");
    await start({ dataDir });
    const error = await startMesh("wary", { dataDir }).catch((refusal) => refusal);
    assert.equal(error.code, "MESH_DATA_IN_USE");
    tellOf(A, { type: "HASH_MISMATCH" });
    await resolvedOne();
  });
});

describe("an envelope", () => {
  test("names its message and what brought it about, and its stamp grows along the way", async () => {
    await start();
    const outside = (await call(mesh, A, { do: "envelope" })) as Record<string, unknown>;
    assert.match(String(outside.messageId), /^outside#\d+$/);
    assert.isUndefined(outside.causation);
    mesh.tell(B, { do: "pass", path: [C, A], value: "v" });
    const { from } = await found("it came", async () => {
      const state = await stateOf(A);
      return state.from.v === undefined ? undefined : state;
    });
    assert.match(from.v[0], new RegExp(`^${C}#`));
    const later = (await call(mesh, A, { do: "envelope" })) as Record<string, number>;
    assert.isAbove(later.lamport, outside.lamport as number);
  });
});
