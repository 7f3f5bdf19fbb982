import { assert, describe, test } from "vitest";
import { promised } from "../api/conflict-log.ts";
import { systemLater } from "../machine/later.ts";
import { ConflictRecorder } from "./conflict-recorder.ts";
import { QuestionInbox } from "./human-inbox.ts";
import { MemoryLog } from "./memory-log.ts";

function inboxOf(memory = new MemoryLog()): { inbox: QuestionInbox; clock: { nowMs: number } } {
  const clock = { nowMs: 1000 };
  const log = promised(memory);
  const nowMs = (): number => clock.nowMs;
  const recorder = new ConflictRecorder(log, nowMs, systemLater, {
    onTrouble() {},
    onRecovery() {},
  });
  recorder.begin(0);
  let id = 0;
  const inbox = new QuestionInbox({ log, recorder, nowMs, newId: () => String(++id) });
  return { inbox, clock };
}

describe("the inbox", () => {
  test("reminds once when three quarters of the time are over, and says once that it is over", async () => {
    const { inbox, clock } = inboxOf();
    const heard: string[] = [];
    for (const event of ["opened", "reminder", "overdue", "decided"] as const)
      inbox.on(event, ({ itemId }) => heard.push(`${event} ${itemId}`));
    await inbox.open({ kind: "approval", text: "may it?", withinMs: 100 });
    for (const nowMs of [1074, 1075, 1076, 1100, 1101]) {
      clock.nowMs = nowMs;
      inbox.tick();
    }
    assert.isTrue((await inbox.list())[0].overdue);
    await inbox.approve("ask-1");
    assert.deepEqual(heard, ["opened ask-1", "reminder ask-1", "overdue ask-1", "decided ask-1"]);
  });

  test("lists the earliest deadline first; who may wait for ever comes last", async () => {
    const { inbox } = inboxOf();
    await inbox.open({ kind: "a", text: "a" });
    await inbox.open({ kind: "b", text: "b", withinMs: 500 });
    await inbox.open({ kind: "c", text: "c", withinMs: 100 });
    const kinds = (await inbox.list()).map(({ kind }) => kind);
    assert.deepEqual(kinds, ["c", "b", "a"]);
  });

  test("asked again under the same id gives the question that is there, decided or not", async () => {
    const { inbox } = inboxOf();
    const question = { kind: "a", text: "a", itemId: "same" };
    await inbox.open(question);
    await inbox.approve("same", { by: "anna" });
    assert.deepInclude(await inbox.open(question), { state: "approved", decidedBy: "anna" });
    assert.lengthOf(await inbox.list(), 0);
    assert.lengthOf(await inbox.list({ all: true }), 1);
  });

  test("wakes all who wait when it is decided; of two who decide at once one does", async () => {
    const { inbox } = inboxOf();
    await inbox.open({ kind: "a", text: "a" });
    const waiting = [inbox.decision("ask-1"), inbox.decision("ask-1")];
    const both = await Promise.allSettled([inbox.approve("ask-1"), inbox.deny("ask-1")]);
    assert.deepEqual(
      both.map(({ status }) => status),
      ["fulfilled", "rejected"],
    );
    for (const item of await Promise.all(waiting)) assert.equal(item.state, "approved");
    assert.equal((await inbox.decision("ask-1")).state, "approved");
  });

  test("names what is wrong with a question, and what is not there", async () => {
    const { inbox } = inboxOf();
    const codeOf = (promise: Promise<unknown>): Promise<unknown> =>
      promise.then(
        () => "nothing",
        (error) => error.code,
      );
    assert.equal(await codeOf(inbox.open({ kind: "a", text: "" })), "MESH_INVALID_OPTION");
    assert.equal(
      await codeOf(inbox.open({ kind: "a", text: "a", withinMs: 0 })),
      "MESH_INVALID_OPTION",
    );
    assert.equal(await codeOf(inbox.approve("none")), "MESH_NO_ITEM");
    assert.equal(await codeOf(inbox.decision("none")), "MESH_NO_ITEM");
  });

  test("takes no more than 10,000 open questions", async () => {
    const { inbox } = inboxOf();
    const asked = Array.from({ length: 10_001 }, (_, i) =>
      inbox.open({ kind: "a", text: "a", itemId: `q-${i}` }).then(
        () => "open",
        (error) => error.code,
      ),
    );
    const outcomes = await Promise.all(asked);
    assert.equal(outcomes.filter((outcome) => outcome === "MESH_INBOX_FULL").length, 1);
  });
});
