import { assert, test } from "vitest";
import { ACCEPTED } from "../../actors/receipt.ts";
import { recordOf, resolved } from "../../test/conflict-log-contract.ts";
import { promised } from "../api/conflict-log.ts";
import { systemLater } from "../machine/later.ts";
import { ConflictRecorder } from "./conflict-recorder.ts";
import { MemoryLog } from "./memory-log.ts";
import { QuarantineStore } from "./quarantine-store.ts";

test("a full quarantine lets go of what resolved conflicts left, of nothing open, and of no record", async () => {
  const memory = new MemoryLog();
  const log = promised(memory);
  const nowMs = (): number => 1;
  const recorder = new ConflictRecorder(log, nowMs, systemLater, {
    onTrouble() {},
    onRecovery() {},
  });
  recorder.begin(0);
  const tell = () => ACCEPTED;
  const store = new QuarantineStore({ log, recorder, nowMs, tell, maxCount: 10 });
  const take = async (n: number): Promise<boolean> => {
    const taken = store.take({ type: "HASH_MISMATCH" }, `message ${n}`, true);
    const data = taken !== undefined && "data" in taken ? { data: taken.data } : {};
    await recorder.record({ entry: { kind: "conflict", record: recordOf(n) }, ...data });
    return "data" in data;
  };
  const kept: boolean[] = [];
  for (let n = 1; n <= 12; n++) kept.push(await take(n));
  assert.deepEqual(kept, [...Array(10).fill(true), false, false]);
  assert.deepEqual(store.counts().turnedAway, 2);
  await recorder.record(resolved(5));
  await recorder.record(resolved(2));
  assert.isFalse(await take(13), "it begins to make room");
  while (store.counts().held > 9) await new Promise((resolve) => setTimeout(resolve, 1));
  assert.isTrue(await take(14));
  assert.isUndefined(await store.show("conflict-2"));
  assert.equal((await store.show("conflict-1"))?.value, "message 1");
  assert.equal(memory.get("conflict-2")?.quarantine[0].state, "evicted");
  assert.equal(memory.count("conflict"), 14);
});
