// What every log of conflicts promises, whatever it is kept in; the tests of each run it.
import { assert, describe, test } from "vitest";
import { suggestStrategy } from "../coordination/conflict.ts";
import type { ConflictRecord, Resolution } from "../coordination/conflict-entry.ts";
import type { Append, ConflictLog } from "../runtime/api/conflict-log.ts";

export function recordOf(n: number, about: Partial<ConflictRecord> = {}): ConflictRecord {
  return {
    conflictId: `conflict-${n}`,
    atMs: n,
    agent: `sector-1/cluster-1/agent-${n % 3}`,
    messageId: `outside#${n}`,
    via: "tell",
    type: "DATA_CONTRADICTION",
    priority: 2,
    causationId: `outside#${n}`,
    lamport: n,
    strategy: suggestStrategy({ type: "DATA_CONTRADICTION" }),
    ...about,
  };
}

export function conflict(n: number, about: Partial<ConflictRecord> = {}, data?: string): Append {
  const entry = { kind: "conflict", record: recordOf(n, about) } as const;
  return data === undefined ? { entry } : { entry, data };
}

export function resolved(n: number, state: Resolution["state"] = "resolved"): Append {
  const resolution: Resolution = {
    conflictId: `conflict-${n}`,
    atMs: 1000 + n,
    state,
    method: "PROVENANCE_TRACE",
    by: "mesh",
    outcome: state,
    steps: [],
  };
  return { entry: { kind: "resolution", resolution } };
}

function operation(n: number): Append {
  const counts = { selected: 9, ready: 8, acted: 7, conflict: 1, failed: 0, skipped: 0 };
  const ids = { operationId: `operation-${n}`, verb: "sync", strategy: "wave", end: "reported" };
  return {
    entry: { kind: "operation", operation: { ...ids, createdMs: 0, endedMs: n, ...counts } },
  };
}

export function conflictLogContract(
  name: string,
  open: () => ConflictLog | Promise<ConflictLog>,
): void {
  const ids = async (
    file: ConflictLog,
    filter: Parameters<ConflictLog["list"]>[0],
  ): Promise<string[]> => (await file.list(filter)).map(({ record }) => record.conflictId);

  describe(name, () => {
    test("gives conflicts back as they were, the newest first", async () => {
      const file = await open();
      const about = { expected: new Date(5), received: { big: 2n ** 60n, none: undefined } };
      await file.append([conflict(1, about), conflict(2)]);
      assert.deepEqual(await ids(file, {}), ["conflict-2", "conflict-1"]);
      assert.deepEqual((await file.get("conflict-1"))?.record, recordOf(1, about));
      assert.isUndefined(await file.get("conflict-3"));
      await file.close();
    });

    test("is searched by agent, type, priority, time and state, and by several at once", async () => {
      const file = await open();
      await file.append([
        conflict(1),
        conflict(2, { type: "HASH_MISMATCH", priority: 4 }),
        conflict(3, { priority: 3 }),
        conflict(4),
        resolved(1),
        resolved(4, "review"),
      ]);
      assert.deepEqual(await ids(file, { agent: "sector-1/cluster-1/agent-1" }), [
        "conflict-4",
        "conflict-1",
      ]);
      assert.deepEqual(await ids(file, { type: "HASH_MISMATCH" }), ["conflict-2"]);
      assert.deepEqual(await ids(file, { priority: 3 }), ["conflict-3"]);
      assert.deepEqual(await ids(file, { sinceMs: 2, untilMs: 4 }), ["conflict-3", "conflict-2"]);
      assert.deepEqual(await ids(file, { state: "open" }), ["conflict-3", "conflict-2"]);
      assert.deepEqual(await ids(file, { state: "resolved" }), ["conflict-1"]);
      assert.deepEqual(await ids(file, { state: "review", priority: 2 }), ["conflict-4"]);
      assert.deepEqual(await ids(file, { limit: 1 }), ["conflict-4"]);
      await file.close();
    });

    test("keeps every word that was said: a resolution is added, never written over another", async () => {
      const file = await open();
      await file.append([conflict(1), resolved(1, "review")]);
      await file.append([resolved(1)]);
      const states = (await file.get("conflict-1"))?.resolutions.map(({ state }) => state);
      assert.deepEqual(states, ["review", "resolved"]);
      assert.equal((await file.list({}))[0].state, "resolved");
      await file.close();
    });

    test("holds data apart, and lets go only of what resolved conflicts left, the oldest first", async () => {
      const file = await open();
      const data = (n: number): string => JSON.stringify({ value: "x".repeat(n), isMessage: true });
      await file.append([1, 2, 3, 4].map((n) => conflict(n, {}, data(n))));
      await file.append([resolved(3), resolved(2)]);
      assert.equal((await file.heldOf("conflict-2"))?.data, data(2));
      assert.lengthOf(await file.held(10), 4);
      assert.deepEqual(await file.surplus(10, 1e6), []);
      assert.deepEqual(await file.surplus(3, 1e6), ["conflict-2"]);
      assert.deepEqual(await file.surplus(0, 1e6), ["conflict-2", "conflict-3"]);
      assert.deepEqual(await file.surplus(10, 1), ["conflict-2", "conflict-3"]);
      await file.drop(["conflict-2"]);
      assert.isUndefined(await file.heldOf("conflict-2"));
      assert.isString((await file.get("conflict-2"))?.record.dataHash);
      assert.isTrue((await file.verify()).ok);
      await file.close();
    });

    test("tells of questions to people, of the open ones alone too", async () => {
      const file = await open();
      const note = (itemId: string, act: "opened" | "approved"): Append => ({
        entry: { kind: "inbox", note: { itemId, act, atMs: 1, by: "x", text: "y" } },
      });
      await file.append([note("a", "opened"), note("b", "opened"), note("a", "approved")]);
      assert.deepEqual(
        (await file.inbox(true)).map(({ itemId }) => itemId),
        ["b"],
      );
      assert.lengthOf(await file.inbox(false), 3);
      assert.equal(await file.count("inbox"), 3);
      await file.close();
    });

    test("tells how operations went, the newest first", async () => {
      const file = await open();
      await file.append([operation(1), conflict(1), operation(2)]);
      await file.append([operation(3)]);
      const ended = (await file.operations(2)).map(({ operationId, endedMs }) => [
        operationId,
        endedMs,
      ]);
      assert.deepEqual(ended, [
        ["operation-3", 3],
        ["operation-2", 2],
      ]);
      assert.lengthOf(await file.operations(10), 3);
      assert.equal(await file.count("operation"), 3);
      await file.close();
    });

    test("is whole, and says how long it is", async () => {
      const file = await open();
      const head = await file.append([conflict(1), conflict(2)]);
      assert.equal(head.count, 2);
      assert.deepEqual(await file.head(), head);
      const { ok, entries, head: found } = await file.verify();
      assert.deepEqual({ ok, entries, found }, { ok: true, entries: 2, found: head });
      await file.close();
    });
  });
}
