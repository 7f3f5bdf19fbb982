// Bounds of mailboxes and of what waits for them: each policy, what the sender is told, and where the
// messages go that nobody handles.
import { describe, expect, test } from "vitest";
import type { DeadLetter, Mesh, MeshOptions, OverflowPolicy, ReceiptStatus } from "../index.ts";
import { call, readyValue, settled, startMesh, until } from "./mesh.ts";

const TARGET = "sector-4/cluster-1/agent-1";
const BESIDE = "sector-4/cluster-1/agent-2";
const ACROSS = "sector-1/cluster-1/agent-1";

const BOUND = 10;

function start(policy: OverflowPolicy, options: Partial<MeshOptions> = {}): Promise<Mesh> {
  const overflow = [policy, policy, policy, policy] as const;
  return startMesh("puppet", { mailbox: { maxMessages: BOUND, overflow }, ...options });
}

/** Keeps the target in one turn for a while and fills its mailbox with ids from 0, so that senders see it full. */
async function fill(mesh: Mesh, busyMs = 400): Promise<void> {
  mesh.tell(TARGET, { do: "dawdle", ms: busyMs, id: "busy" });
  await until("its turn", async () => (await mesh.inspect(TARGET)).current?.suspended === true);
  for (let id = 0; id < BOUND; id++)
    expect(mesh.tell(TARGET, { do: "note", id }).status).toBe("accepted");
  await until("its full mailbox", async () => (await mesh.inspect(TARGET)).queue.depth >= BOUND);
}

function seen(mesh: Mesh, address = TARGET): Promise<unknown> {
  return call(mesh, address, { do: "seen" });
}

const FIRST_TEN = Array.from({ length: BOUND }, (_, id) => id);

describe("a full mailbox", () => {
  test("block: the receipt waits and then says accepted; nothing is lost, in order", async () => {
    await using mesh = await start("block");
    await fill(mesh);
    const receipts = [100, 101, 102].map((id) => mesh.tell(TARGET, { do: "note", id }));
    expect(receipts.map(({ status }) => status)).toEqual(["waiting", "waiting", "waiting"]);
    expect(await Promise.all(receipts)).toEqual(["accepted", "accepted", "accepted"]);
    expect(receipts[0]?.status).toBe("accepted");
    await settled(mesh);
    expect(await seen(mesh)).toEqual(["busy", ...FIRST_TEN, 100, 101, 102]);
  });

  test("reject: the sender is told at once, and the message is its own again", async () => {
    await using mesh = await start("reject");
    await fill(mesh);
    const receipt = mesh.tell(TARGET, { do: "note", id: 100 });
    expect(receipt.status).toBe("rejected");
    expect(await receipt).toBe("rejected");
    await expect(mesh.ask(TARGET, { do: "seen" })).rejects.toMatchObject({
      code: "MESH_UNDELIVERABLE",
      message: expect.stringContaining("its mailbox is full"),
    });
    await settled(mesh);
    expect(await seen(mesh)).toEqual(["busy", ...FIRST_TEN]);
    expect(mesh.status().messages.deadLettered).toBe(0);
  });

  test("drop-newest: the sender is told, the message is a dead letter", async () => {
    await using mesh = await start("drop-newest");
    await fill(mesh);
    const receipt = mesh.tell(TARGET, { do: "note", id: 100 });
    expect(receipt.status).toBe("dropped");
    expect(await receipt).toBe("dropped");
    await settled(mesh);
    expect(await seen(mesh)).toEqual(["busy", ...FIRST_TEN]);
    expect(mesh.deadLetters.list()).toMatchObject([
      { reason: "mailbox-full", target: TARGET, message: { do: "note", id: 100 } },
    ]);
    expect(mesh.status()).toMatchObject({ lost: 0, messages: { deadLettered: 1 } });
  });

  test("drop-oldest: the newest are kept, the oldest are dead letters", async () => {
    await using mesh = await start("drop-oldest");
    await fill(mesh);
    for (const id of [100, 101, 102])
      expect(mesh.tell(TARGET, { do: "note", id }).status).toBe("accepted");
    await settled(mesh);
    expect(await seen(mesh)).toEqual(["busy", ...FIRST_TEN.slice(3), 100, 101, 102]);
    const letters = mesh.deadLetters.list({ reason: "dropped-oldest", target: TARGET });
    expect(letters.map(({ message }) => (message as { id: number }).id)).toEqual([2, 1, 0]);
    expect(mesh.status()).toMatchObject({ lost: 0, messages: { deadLettered: 3 } });
  });

  test("drop-oldest: an ask that made room is refused to its asker", async () => {
    await using mesh = await start("drop-oldest");
    mesh.tell(TARGET, { do: "dawdle", ms: 300, id: "busy" });
    await until("its turn", async () => (await mesh.inspect(TARGET)).current?.suspended === true);
    const asked = mesh.ask(TARGET, { do: "echo", value: 1 }, { priority: 0 });
    const refused = expect(asked).rejects.toThrow(/made room in its mailbox for newer messages/);
    for (let id = 0; id < BOUND; id++) mesh.tell(TARGET, { do: "note", id });
    await refused;
    await settled(mesh);
    expect(await seen(mesh)).toEqual(["busy", ...FIRST_TEN]);
  });

  test.each([
    ["the same worker", BESIDE],
    ["another worker", ACROSS],
  ])("every policy is the same for an agent of %s", async (_name, sender) => {
    const expected: Record<OverflowPolicy, ReceiptStatus> = {
      block: "waiting",
      reject: "rejected",
      "drop-newest": "dropped",
      "drop-oldest": "accepted",
    };
    for (const policy of Object.keys(expected) as OverflowPolicy[]) {
      await using mesh = await start(policy);
      await fill(mesh);
      const statuses = await call(mesh, sender, {
        do: "tellMany",
        to: TARGET,
        from: 100,
        count: 3,
      });
      expect(statuses).toEqual({ [expected[policy]]: 3 });
      await settled(mesh);
      const ids = (await seen(mesh)) as unknown[];
      expect(ids.includes(102)).toBe(policy === "block" || policy === "drop-oldest");
      expect(ids.includes(0)).toBe(policy !== "drop-oldest");
      expect(mesh.status().lost).toBe(0);
    }
  });

  test("bytes are bounded like messages, but an empty mailbox takes any one message", async () => {
    const overflow = ["reject", "reject", "reject", "reject"] as const;
    await using mesh = await startMesh("puppet", { mailbox: { maxBytes: 10_000, overflow } });
    expect(await call(mesh, TARGET, { do: "echo", value: "x".repeat(30_000) })).toHaveLength(
      30_000,
    );
    mesh.tell(TARGET, { do: "dawdle", ms: 400, id: "busy" });
    await until("its turn", async () => (await mesh.inspect(TARGET)).current !== undefined);
    const note = { do: "note", id: "x".repeat(3_000) };
    for (let i = 0; i < 3; i++) {
      expect(mesh.tell(TARGET, note).status).toBe("accepted");
      await until("its queue", async () => (await mesh.inspect(TARGET)).queue.depth === i + 1);
    }
    expect(mesh.tell(TARGET, note).status).toBe("rejected");
    expect(mesh.tell(TARGET, { do: "note", id: 1 }).status).toBe("accepted");
    await settled(mesh);
  });

  test("each priority has its own policy", async () => {
    const overflow = ["drop-newest", "reject", "block", "block"] as const;
    await using mesh = await startMesh("puppet", { mailbox: { maxMessages: BOUND, overflow } });
    await fill(mesh);
    const status = (priority: 0 | 1 | 2 | 3): ReceiptStatus =>
      mesh.tell(TARGET, { do: "note", id: priority }, { priority }).status;
    expect([status(0), status(1), status(2), status(3)]).toEqual([
      "dropped",
      "rejected",
      "waiting",
      "accepted",
    ]);
    await settled(mesh);
  });
});

describe("what is held back", () => {
  test("block holds the sender: its turn is not over until all its sends have found room", async () => {
    await using mesh = await start("block");
    await fill(mesh, 600);
    for (const sender of [BESIDE, ACROSS]) {
      mesh.tell(sender, { do: "tellMany", to: TARGET, from: 100, count: 30 });
      mesh.tell(sender, { do: "note", id: "next" });
    }
    for (const sender of [BESIDE, ACROSS]) {
      await until(
        "its turn to be held",
        async () => (await mesh.inspect(sender)).current?.suspended === true,
      );
    }
    // Its thread is free for others meanwhile.
    expect(await call(mesh, "sector-4/cluster-1/agent-3", { do: "echo", value: 1 })).toBe(1);
    await until(
      "room",
      async () =>
        ((await mesh.inspect(BESIDE)).current ?? (await mesh.inspect(ACROSS)).current) ===
        undefined,
    );
    await settled(mesh);
    const ids = ((await seen(mesh)) as unknown[]).filter(
      (id) => typeof id === "number" && id >= 100,
    );
    expect(ids).toHaveLength(60);
    for (const sender of [BESIDE, ACROSS]) expect(await seen(mesh, sender)).toEqual(["next"]);
  });

  test("awaiting each receipt sends no faster than the target takes", async () => {
    await using mesh = await start("block");
    const statuses = await call(mesh, ACROSS, {
      do: "tellAwaited",
      to: TARGET,
      from: 0,
      count: 500,
    });
    expect(statuses).toEqual({ accepted: 500 });
    await settled(mesh);
    expect(await seen(mesh)).toEqual(Array.from({ length: 500 }, (_, id) => id));
  });

  test("an agent that sends itself more than its mailbox holds goes on", async () => {
    await using mesh = await start("block");
    await call(mesh, TARGET, { do: "tellMany", to: TARGET, from: 0, count: 50 });
    await settled(mesh);
    await until("its own messages", async () => ((await seen(mesh)) as unknown[]).length === 50);
    expect(await seen(mesh)).toEqual(Array.from({ length: 50 }, (_, id) => id));
  });

  test("what waits expires like what lies in a mailbox", async () => {
    await using mesh = await start("block");
    await fill(mesh);
    const receipt = mesh.tell(TARGET, { do: "note", id: 100 }, { ttlMs: 50 });
    expect(receipt.status).toBe("waiting");
    expect(await receipt).toBe("dropped");
    await settled(mesh);
    expect(await seen(mesh)).toEqual(["busy", ...FIRST_TEN]);
    expect(mesh.deadLetters.list()).toMatchObject([{ reason: "expired", message: { id: 100 } }]);
    expect(mesh.status()).toMatchObject({ lost: 0, messages: { expired: 1 } });
  });

  test("the backlog of a sender is bounded: beyond it, sends are rejected at once", async () => {
    await using mesh = await start("block");
    await fill(mesh, 1500);
    const counts: Partial<Record<ReceiptStatus, number>> = {};
    const receipts = Array.from({ length: 70_000 }, (_, id) => mesh.tell(TARGET, id));
    for (const { status } of receipts) counts[status] = (counts[status] ?? 0) + 1;
    // From a quarter of its backlog on so many at once are a flood; at seven eighths no more of that priority wait.
    const { waiting = 0, rejected = 0 } = counts;
    expect(waiting + rejected).toBe(70_000);
    expect(waiting).toBeGreaterThan(65_536 / 4);
    expect(waiting).toBeLessThanOrEqual((65_536 * 7) / 8);
    await until("the count", () => mesh.status().messages.shed[1] === rejected);
    // A number is no verb: each is a failure of the agent, and none of them anybody else's business.
    await mesh.stop({ deadlineMs: 0 });
    const finals = new Set(await Promise.all(receipts));
    expect(finals.has("waiting")).toBe(false);
    expect(finals.has("rejected")).toBe(true);
  });
});

describe("urgent messages", () => {
  test("pass a flooded mailbox, a full lane and the sender's own backlog", async () => {
    await using mesh = await startMesh("puppet");
    mesh.tell(TARGET, { do: "dawdle", ms: 500, id: "busy" });
    const flood = Array.from({ length: 30_000 }, (_, id) => mesh.tell(TARGET, { do: "note", id }));
    expect(flood.at(-1)?.status).toBe("waiting");
    const answer = await mesh.ask(TARGET, { do: "count" }, { priority: 3, timeoutMs: 30_000 });
    expect(readyValue(answer)).toBeLessThan(10_000);
    await Promise.all(flood);
    await settled(mesh);
    expect(await call(mesh, TARGET, { do: "count" })).toBe(30_001);
    expect(mesh.status().lost).toBe(0);
  });

  test("are never dropped by a bound", async () => {
    await using mesh = await start("drop-newest");
    await fill(mesh);
    for (let id = 100; id < 200; id++) {
      expect(mesh.tell(TARGET, { do: "note", id }, { priority: 3 }).status).toBe("accepted");
    }
    await settled(mesh);
    expect((await seen(mesh)) as unknown[]).toHaveLength(1 + BOUND + 100);
    expect(mesh.deadLetters.list()).toEqual([]);
  });
});

describe("dead letters", () => {
  test("are listed newest first with who, whom, what and why, and told to listeners", async () => {
    await using mesh = await start("drop-newest");
    const heard: DeadLetter[] = [];
    mesh.on("deadLetter", (letter) => heard.push(letter));
    await fill(mesh);
    await call(mesh, BESIDE, { do: "tellMany", to: TARGET, from: 100, count: 2 });
    mesh.tell(TARGET, { do: "note", id: 102 }, { priority: 2 });
    mesh.tell(TARGET, 7, { priority: 0 });
    await call(mesh, ACROSS, { do: "stop" });
    mesh.tell(ACROSS, { do: "note", id: "gone" });
    await until("five letters", () => heard.length === 5);
    const { deadLetters } = mesh;
    expect(deadLetters.list({ target: TARGET, reason: "mailbox-full" })).toHaveLength(4);
    expect(deadLetters.list({ limit: 2 })).toHaveLength(2);
    expect(deadLetters.list({ reason: "stopped" })).toMatchObject([
      { target: ACROSS, sender: undefined, message: { do: "note", id: "gone" }, priority: 1 },
    ]);
    const full = deadLetters.list({ reason: "mailbox-full" });
    expect(full.map(({ id }) => id)).toEqual(full.map(({ id }) => id).sort((a, b) => b - a));
    expect(full.filter(({ sender }) => sender === BESIDE)).toHaveLength(2);
    expect(full.find(({ priority }) => priority === 0)?.message).toBe(7);
    const { total, window } = deadLetters.summary();
    expect(total).toMatchObject({ "mailbox-full": 4, stopped: 1, expired: 0 });
    expect(window).toEqual(total);
    await settled(mesh);
    expect(mesh.status()).toMatchObject({ lost: 0, messages: { deadLettered: 5 } });
  });

  test("can be sent again: what is accepted leaves the list", async () => {
    await using mesh = await startMesh("puppet");
    await call(mesh, TARGET, { do: "stop" });
    mesh.tell(TARGET, { do: "note", id: "again" });
    const letter = await until("the letter", () => mesh.deadLetters.list()[0]);
    await mesh.restart(TARGET);
    expect(await mesh.deadLetters.replay(letter.id)).toBe(true);
    await settled(mesh);
    expect(await seen(mesh)).toEqual(["again"]);
    expect(mesh.deadLetters.list()).toEqual([]);
    expect(await mesh.deadLetters.replay(letter.id)).toBe(false);
    expect(mesh.deadLetters.summary().total.stopped).toBe(1);
  });

  test("of a flood are all counted, and the last ones kept", async () => {
    await using mesh = await start("drop-newest");
    await fill(mesh, 1500);
    for (let id = 0; id < 20_000; id++) mesh.tell(TARGET, { do: "note", id });
    expect(mesh.deadLetters.summary().total["mailbox-full"]).toBe(20_000);
    expect(mesh.deadLetters.list({ limit: 1_000_000 }).length).toBeLessThanOrEqual(12_500);
    await settled(mesh);
    expect(mesh.status().lost).toBe(0);
  });
});
