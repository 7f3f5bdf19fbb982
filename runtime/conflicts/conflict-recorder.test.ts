import { assert, describe, test } from "vitest";
import { conflict } from "../../test/conflict-log-contract.ts";
import { type Append, type ConflictLog, promised } from "../api/conflict-log.ts";
import { systemLater } from "../machine/later.ts";
import { ConflictRecorder } from "./conflict-recorder.ts";
import { MemoryLog } from "./memory-log.ts";

/** A log that fails while it is told to, and may have written all the same. */
class FailingLog {
  readonly memory = new MemoryLog();
  readonly groups: number[] = [];
  failing: "not" | "before" | "after" = "not";

  get log(): ConflictLog {
    return {
      ...promised(this.memory),
      append: async (entries: readonly Append[], after?: number) => {
        if (this.failing === "before") throw new Error("disk full");
        const { count } = this.memory.head();
        const has = after !== undefined && count === after + entries.length;
        const head = has ? this.memory.head() : this.memory.append(entries);
        this.groups.push(entries.length);
        if (this.failing === "after") throw new Error("answer lost");
        return head;
      },
    };
  }
}

function recorderOf(log: ConflictLog): { recorder: ConflictRecorder; told: string[] } {
  const told: string[] = [];
  const recorder = new ConflictRecorder(log, () => performance.now(), systemLater, {
    onTrouble: (error) => told.push(error.message),
    onRecovery: (lost) => told.push(`recovered, ${lost} lost`),
  });
  return { recorder, told };
}

describe("a recorder", () => {
  test("writes what comes together together, in its order, and tells each when it is written", async () => {
    const failing = new FailingLog();
    const { recorder } = recorderOf(failing.log);
    recorder.begin(0);
    const done: number[] = [];
    for (let n = 1; n <= 50; n++) recorder.add(conflict(n), () => done.push(n));
    assert.isEmpty(done);
    await recorder.settle(1000);
    assert.deepEqual(failing.groups, [50]);
    assert.deepEqual(
      done,
      Array.from({ length: 50 }, (_, i) => i + 1),
    );
    assert.deepEqual(recorder.counts, { recorded: 50, waiting: 0, lost: 0 });
  });

  test("waits for the log to be open", async () => {
    const { recorder } = recorderOf(new FailingLog().log);
    const recorded = recorder.record(conflict(1));
    recorder.begin(0);
    await recorded;
  });

  for (const failure of ["before", "after"] as const) {
    test(`keeps what could not be written (${failure} it was) and tries again until it is, once`, async () => {
      const failing = new FailingLog();
      const { recorder, told } = recorderOf(failing.log);
      recorder.begin(0);
      failing.failing = failure;
      const done: number[] = [];
      recorder.add(conflict(1), () => done.push(1));
      await new Promise((resolve) => setTimeout(resolve, 20));
      recorder.add(conflict(2), () => done.push(2));
      assert.isEmpty(done);
      assert.lengthOf(told, 1);
      failing.failing = "not";
      await recorder.settle(5000);
      assert.deepEqual(done, [1, 2]);
      assert.equal(told[1], "recovered, 0 lost");
      assert.equal(failing.memory.count("conflict"), 2);
    });
  }

  test("counts what it cannot keep, and writes down how many those were", async () => {
    const failing = new FailingLog();
    const { recorder, told } = recorderOf(failing.log);
    recorder.begin(0);
    failing.failing = "before";
    const refused: string[] = [];
    for (let n = 1; n <= 20_100; n++)
      recorder.add(conflict(n), (error) => {
        if (error !== undefined) refused.push((error as { code?: string }).code ?? "");
      });
    assert.lengthOf(refused, 100);
    assert.equal(refused[0], "MESH_CONFLICTS_FULL");
    assert.equal(recorder.counts.lost, 100);
    await new Promise((resolve) => setTimeout(resolve, 5));
    failing.failing = "not";
    await recorder.settle(20_000);
    assert.equal(failing.memory.count("conflict"), 20_000);
    assert.equal(failing.memory.count("gap"), 1);
    assert.equal(recorder.counts.lost, 0);
    assert.lengthOf(told, 2);
  });

  test("lets go of data first when too much of it waits; the records stay", async () => {
    const failing = new FailingLog();
    const { recorder } = recorderOf(failing.log);
    const data = JSON.stringify({ value: "x".repeat(20 * 1024 * 1024), isMessage: true });
    for (let n = 1; n <= 5; n++) recorder.add(conflict(n, {}, data));
    recorder.begin(0);
    await recorder.settle(20_000);
    const kept = failing.memory.list({});
    assert.lengthOf(kept, 5);
    assert.equal(kept.filter(({ record }) => record.dataHash !== undefined).length, 3);
    assert.match(kept[0].record.missing ?? "", /no room/);
  });

  test("tells those who wait when it is closed before they are written", async () => {
    const failing = new FailingLog();
    const { recorder } = recorderOf(failing.log);
    recorder.begin(0);
    failing.failing = "before";
    let code: unknown;
    recorder.add(conflict(1), (error) => {
      code = (error as { code?: string } | undefined)?.code;
    });
    await recorder.close(20);
    assert.equal(code, "MESH_STOPPED");
  });
});
