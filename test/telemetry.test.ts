// Spans of a running mesh, as the real SDK of OpenTelemetry has them.
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { context, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Mesh } from "../index.ts";
import { call, settled, startMesh, until } from "./mesh.ts";
import { onlyFast } from "./punctual.ts";

const A = "sector-1/cluster-1/agent-1";
const B = "sector-3/cluster-1/agent-1";
const C = "sector-4/cluster-2/agent-5";

const exporter = new InMemorySpanExporter();

beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  const spanProcessors = [new SimpleSpanProcessor(exporter)];
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors }));
});

afterAll(() => {
  trace.disable();
  context.disable();
});

beforeEach(() => exporter.reset());

/** Runs `task` in a span of the caller's own. */
async function inSpan<T>(task: () => Promise<T>): Promise<T> {
  return trace.getTracer("test").startActiveSpan("caller", async (span) => {
    try {
      return await task();
    } finally {
      span.end();
    }
  });
}

function named(name: string): ReadableSpan[] {
  return exporter.getFinishedSpans().filter((span) => span.name === name);
}

function idOf(span: ReadableSpan): string {
  return span.spanContext().spanId;
}

function msOf([seconds, nanos]: readonly [number, number]): number {
  return seconds * 1_000 + nanos / 1e6;
}

/** The one span of this name, which is a child of `parent`. */
function childOf(parent: ReadableSpan, name: string): ReadableSpan {
  const found = named(name).filter((span) => span.parentSpanContext?.spanId === idOf(parent));
  expect(found).toHaveLength(1);
  expect(found[0].spanContext().traceId).toBe(parent.spanContext().traceId);
  return found[0];
}

/** Options with which so many workers register an SDK. */
function inWorkers(count: number): { readonly workers: Int32Array } {
  const workers = new Int32Array(new SharedArrayBuffer(4));
  workers[0] = count;
  return { workers };
}

/** What the SDK of the worker that has `agent` has. */
interface WorkerSpan {
  readonly name: string;
  readonly kind: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId?: string;
  readonly agent?: string;
  readonly error?: string;
}

async function spansIn(mesh: Mesh, agent: string): Promise<WorkerSpan[]> {
  return (await call(mesh, agent, { do: "spans" })) as WorkerSpan[];
}

describe("operations, with an SDK on main alone", () => {
  let mesh: Mesh;
  beforeAll(async () => {
    mesh = await startMesh("telemetry", { topology: onlyFast() });
  });
  afterAll(() => mesh.stop({ deadlineMs: 0 }));

  test("a scatter-gather is one trace of four tiers, each in its parent's time", async () => {
    const operation = { payload: { ms: 20 }, at: "in 300ms", hold: false };
    const result = await inSpan(() => mesh.scatterGather(operation));
    const root = childOf(named("caller")[0], "mesh scatter-gather");
    expect(root.attributes).toMatchObject({
      "mesh.operation": result.operationId,
      "mesh.ready": 40,
      "mesh.quorum": "PROCEED",
    });
    const [sectors, clusters, agents] = [
      named("mesh sector"),
      named("mesh cluster"),
      named("mesh agent"),
    ];
    expect([sectors.length, clusters.length, agents.length]).toEqual([4, 8, 40]);
    const all = new Map(exporter.getFinishedSpans().map((span) => [idOf(span), span]));
    const { traceId } = root.spanContext();
    for (const span of [...sectors, ...clusters, ...agents]) {
      expect(span.spanContext().traceId).toBe(traceId);
      const parent = all.get(String(span.parentSpanContext?.spanId)) as ReadableSpan;
      const [own, above] = [span.attributes["mesh.address"], parent.attributes["mesh.address"]];
      if (span.name === "mesh sector") expect(parent).toBe(root);
      else expect(String(own).startsWith(`${above}/`)).toBe(true);
      // Rows travel as floats of 32 bits.
      expect(msOf(span.startTime)).toBeGreaterThan(msOf(parent.startTime) - 1);
      expect(msOf(span.endTime)).toBeLessThan(msOf(parent.endTime) + 1);
    }
    const slow = agents.filter(({ startTime, endTime }) => msOf(endTime) - msOf(startTime) > 19);
    expect(slow).toHaveLength(40);
    for (const agent of agents) expect(agent.attributes["mesh.outcome"]).toBe("ready");
  });

  test("is a root where nobody has one; a missed quorum and who never answered are errors", async () => {
    const operation = { payload: { ms: 5_000 }, at: "now" } as const;
    await mesh.scatterGather(operation, { timeoutMs: 50, select: "sector-2/cluster-1" });
    const [root] = named("mesh scatter-gather");
    expect(root.parentSpanContext).toBeUndefined();
    expect(root.status).toMatchObject({ code: SpanStatusCode.ERROR });
    const agents = named("mesh agent");
    expect(agents.map(({ status }) => status.message)).toEqual(Array(5).fill("transit"));
    expect(named("mesh sector")).toHaveLength(1);
    exporter.reset();
    const again = { timeoutMs: 50, select: "sector-2/cluster-1" };
    await (await mesh.scatterGather(operation, again)).resume({ timeoutMs: 50 });
    const [resumed] = named("mesh resume");
    expect(named("mesh sector").map((span) => span.parentSpanContext?.spanId)).toContain(
      idOf(resumed),
    );
  });

  test("a cascade by priority has all its phases in one trace; a broadcast has tiers too", async () => {
    await mesh.cascade({ payload: {}, at: "now" }, { strategy: "priority-first" });
    const [cascade] = named("mesh cascade");
    expect(named("mesh sector")).toHaveLength(4);
    for (const sector of named("mesh sector"))
      expect(sector.parentSpanContext?.spanId).toBe(idOf(cascade));
    exporter.reset();
    await mesh.broadcast({});
    const [broadcast] = named("mesh broadcast");
    expect(named("mesh cluster")).toHaveLength(8);
    for (const sector of named("mesh sector"))
      expect(sector.parentSpanContext?.spanId).toBe(idOf(broadcast));
  });

  test("who is not sampled costs nothing: no spans below, no context on the way", async () => {
    const unsampled = trace.wrapSpanContext({
      traceId: "1".repeat(32),
      spanId: "2".repeat(16),
      traceFlags: 0,
    });
    const outer = trace.setSpan(context.active(), unsampled);
    await context.with(outer, () => mesh.scatterGather({ payload: {}, at: "now" }));
    expect(exporter.getFinishedSpans()).toEqual([]);
    const seen = await context.with(outer, () => call(mesh, A, { do: "seen" }));
    expect(seen).toBeUndefined();
  });
});

describe("asks and tells, with an SDK on main alone", () => {
  let mesh: Mesh;
  beforeAll(async () => {
    mesh = await startMesh("telemetry");
  });
  afterAll(() => mesh.stop({ deadlineMs: 0 }));

  test("an ask has a span of the caller's trace, and one of the turn that answered it", async () => {
    await inSpan(() => mesh.ask(C, { ms: 30 }));
    const asked = childOf(named("caller")[0], "mesh ask");
    expect(asked.kind).toBe(SpanKind.CLIENT);
    const turn = childOf(asked, "mesh receive");
    expect(turn.kind).toBe(SpanKind.SERVER);
    expect(turn.attributes).toEqual({ "mesh.agent": C, "mesh.worker": 2 });
    expect(msOf(turn.startTime)).toBeGreaterThan(msOf(asked.startTime) - 1);
    expect(msOf(turn.endTime)).toBeLessThan(msOf(asked.endTime) + 1);
    expect(msOf(turn.endTime) - msOf(turn.startTime)).toBeGreaterThan(28);
  });

  test("one that fails says so; without a span nothing is made of either", async () => {
    await inSpan(() => mesh.ask(B, { do: "fail" })).catch(() => {});
    const asked = childOf(named("caller")[0], "mesh ask");
    expect(asked.status).toMatchObject({ code: SpanStatusCode.ERROR });
    exporter.reset();
    await mesh.ask(A, {});
    mesh.tell(A, {});
    await settled(mesh);
    expect(exporter.getFinishedSpans()).toEqual([]);
  });

  test("a tell has a producer's span, and its message is what it was, up to the longest", async () => {
    const longest = 64 * 1_024 - 3;
    const lengths = [undefined, 7, 0, 1, 1_000, 1_023, 1_024, 5_000, longest];
    for (const length of lengths) {
      const message = length === undefined || length === 7 ? length : "x".repeat(length);
      await inSpan(async () => mesh.tell(B, message));
    }
    await settled(mesh);
    const tells = named("mesh tell");
    expect(tells.map(({ kind }) => kind)).toEqual(lengths.map(() => SpanKind.PRODUCER));
    expect(await call(mesh, B, { do: "lengths" })).toEqual(lengths);
    const tooLong = inSpan(async () => mesh.tell(B, "x".repeat(longest + 1)));
    await expect(tooLong).rejects.toThrow(/65537 bytes/);
  });

  test("a durable one that was sent in a span comes back whole", async () => {
    const dataDir = mkdtempSync(join(tmpdir(), "mesh-telemetry-"));
    const topology = { sectors: 1, clustersPerSector: 1, agentsPerCluster: 2 };
    const small = { dataDir, topology, workers: 1 };
    const first = await startMesh("telemetry", small);
    const text = "y".repeat(77);
    await first.freeze(A);
    await inSpan(async () => first.tell(A, text, { durable: true }));
    await first.stop({ deadlineMs: 0 });
    await using again = await startMesh("telemetry", small);
    expect(again.journal?.status().restored).toMatchObject({ messages: 1 });
    await settled(again);
    expect(await call(again, A, { do: "lengths" })).toEqual([77]);
  });
});

describe("with an SDK in the workers too", () => {
  let mesh: Mesh;
  beforeAll(async () => {
    mesh = await startMesh("telemetry", { agentOptions: inWorkers(2) });
  });
  afterAll(() => mesh.stop({ deadlineMs: 0 }));

  test("a turn has its span in its worker, and what it asks is part of it, across threads", async () => {
    await inSpan(() => mesh.ask(A, { path: [B, C], ms: 1 }));
    const asked = childOf(named("caller")[0], "mesh ask");
    // The worker has made it.
    expect(named("mesh receive")).toEqual([]);
    const { traceId } = asked.spanContext();
    const all = [...(await spansIn(mesh, A)), ...(await spansIn(mesh, B))];
    const turns = [A, B, C].map((agent) => all.find((span) => span.agent === agent));
    const parents = [idOf(asked), turns[0]?.spanId, turns[1]?.spanId];
    for (const [i, turn] of turns.entries()) {
      expect(turn).toMatchObject({ name: "mesh receive", kind: SpanKind.SERVER, traceId });
      expect(turn?.parentId).toBe(parents[i]);
    }
  });

  test("a tell's turn has one too, and its failure is told", async () => {
    await inSpan(async () => mesh.tell(A, { path: [C], tell: true }));
    const told = childOf(named("caller")[0], "mesh tell");
    const { traceId } = told.spanContext();
    const turns = await until("both turns", async () => {
      const all = [...(await spansIn(mesh, A)), ...(await spansIn(mesh, C))];
      const own = all.filter((span) => span.traceId === traceId);
      return own.length === 2 ? own : undefined;
    });
    const [first, second] = turns as WorkerSpan[];
    expect(first).toMatchObject({ agent: A, kind: SpanKind.CONSUMER, parentId: idOf(told) });
    expect(second).toMatchObject({ agent: C, kind: SpanKind.CONSUMER, parentId: first.spanId });
    await inSpan(() => mesh.ask(B, { do: "fail" })).catch(() => {});
    const failed = (await spansIn(mesh, C)).find(({ error }) => error !== undefined);
    expect(failed).toMatchObject({ agent: B, error: "told to fail" });
  });

  test("what users trace in an operation's turns is part of the operation", async () => {
    const operation = { payload: { do: "own" }, at: "now" } as const;
    await mesh.scatterGather(operation, { select: "sector-1/cluster-1" });
    const [root] = named("mesh scatter-gather");
    const own = (await spansIn(mesh, A)).filter(({ name }) => name === "user work");
    expect(own).toHaveLength(5);
    for (const span of own) {
      expect(span.traceId).toBe(root.spanContext().traceId);
      expect(span.parentId).toBe(idOf(root));
    }
  });
});

test("a thread without an SDK passes the context on that it was sent", async () => {
  await using mesh = await startMesh("telemetry", { agentOptions: inWorkers(1) });
  const [without, withSdk] = (await call(mesh, A, { do: "registered" })) ? [B, A] : [A, B];
  expect(await call(mesh, withSdk, { do: "registered" })).toBe(true);
  expect(await call(mesh, without, { do: "registered" })).toBe(false);
  await inSpan(() => mesh.ask(without, { path: [withSdk], ms: 1 }));
  const asked = childOf(named("caller")[0], "mesh ask");
  const [turn] = await spansIn(mesh, withSdk);
  expect(turn).toMatchObject({ name: "mesh receive", agent: withSdk, parentId: idOf(asked) });
  expect(turn.traceId).toBe(asked.spanContext().traceId);
});
