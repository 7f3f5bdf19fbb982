// Agents that are people: what they are asked waits in the inbox of the mesh until somebody decides.
import { createHmac } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, assert, beforeAll, describe, test } from "vitest";
import type { Answer, HumanAgentOptions, HumanDecision, Mesh, MeshOptions } from "../index.ts";
import { createMesh, readyValue, SMALL, until } from "./mesh.ts";
import { type OtherSide, say, startOtherSide } from "./other-side.ts";

const ANNA = "sector-1/cluster-1/agent-1";
const HOUR_MS = 3_600_000;
const SECRET = "known to both sides only";

function start(human: HumanAgentOptions = {}, more: Partial<MeshOptions> = {}): Promise<Mesh> {
  return createMesh({ ...SMALL, agent: { human }, ...more });
}

function ask(
  mesh: Mesh,
  message: unknown,
  timeoutMs = 8 * HOUR_MS,
): Promise<Answer<HumanDecision>> {
  return mesh.ask<unknown, HumanDecision>(ANNA as never, message, { timeoutMs });
}

async function openItems(mesh: Mesh, count: number): Promise<string[]> {
  let items = await mesh.inbox.list();
  await until(`${count} open items`, async () => {
    items = await mesh.inbox.list();
    return items.length === count;
  });
  return items.map(({ itemId }) => itemId);
}

describe("a question to a person", () => {
  let other: OtherSide;
  let mesh: Mesh;
  beforeAll(async () => {
    let refusals = 1;
    other = await startOtherSide((_, response) => say(response, refusals-- > 0 ? 503 : 204));
    const notify = { url: `${other.url}/told`, secret: SECRET };
    mesh = await start({ notify, remindEveryMs: 1000 });
  });
  afterAll(async () => {
    await mesh.stop({ deadlineMs: 0 });
    await other[Symbol.asyncDispose]();
  });

  test("lands in the inbox with its deadline, and is answered by what is decided", async () => {
    const answer = ask(mesh, { text: "Ship it?", about: { order: 7 }, id: "ship-7" });
    await openItems(mesh, 1);
    const item = await mesh.inbox.show("ship-7");
    assert.deepInclude(item, {
      kind: "ask",
      text: "Ship it?",
      about: { agent: ANNA, about: { order: 7 } },
    });
    assert.approximately((item?.deadlineMs ?? 0) - (item?.openedMs ?? 0), 8 * HOUR_MS, 60_000);
    await mesh.inbox.approve("ship-7", { by: "anna", comment: "seen on site" });
    const { decidedMs, ...decision } = readyValue(await answer);
    assert.isAbove(decidedMs, item?.openedMs ?? Number.POSITIVE_INFINITY);
    assert.deepEqual(decision, {
      itemId: "ship-7",
      approved: true,
      by: "anna",
      comment: "seen on site",
    });
    // Asked again, nobody is asked again.
    assert.isTrue(readyValue(await ask(mesh, { text: "Ship it?", id: "ship-7" })).approved);
    assert.isEmpty(await mesh.inbox.list());
  });

  test("waits beside many others of the same person, which are decided in any order", async () => {
    const answers = Array.from({ length: 30 }, (_, i) => ask(mesh, { text: `${i}?`, id: `q${i}` }));
    await openItems(mesh, 30);
    for (const i of [29, 3, 17]) {
      if (i === 3) await mesh.inbox.deny(`q${i}`);
      else await mesh.inbox.approve(`q${i}`);
      assert.equal(readyValue(await answers[i]).approved, i !== 3);
    }
    const { queue } = await mesh.inspect(ANNA);
    assert.equal(queue.depth, 0, "nobody stands behind one that waits");
    for (const itemId of await openItems(mesh, 27)) await mesh.inbox.approve(itemId);
    for (const answer of await Promise.all(answers)) assert.equal(answer.state, 1);
  });

  test("goes on when the worker dies that waits for it, as the same item", async () => {
    const answer = ask(mesh, "Still there?");
    const [itemId] = await openItems(mesh, 1);
    const back = new Promise((resolve) => mesh.on("workerBack", resolve));
    await mesh.kill("worker-1");
    await back;
    assert.deepEqual(await openItems(mesh, 1), [itemId]);
    await mesh.inbox.approve(itemId);
    assert.isTrue(readyValue(await answer).approved);
  });

  test("that nobody decides in time is TRANSIT, and its answer is there when it is asked again", async () => {
    const late = await ask(mesh, { text: "Now?", id: "now" }, 60);
    assert.equal(late.state, 0);
    assert.deepEqual(await openItems(mesh, 1), ["now"]);
    await mesh.inbox.approve("now");
    assert.isTrue(readyValue(await ask(mesh, { text: "Now?", id: "now" })).approved);
    assert.equal(mesh.status().restarts.agents, 0);
  });

  test("is told of elsewhere when it is opened, due and decided: signed, and until it is taken", async () => {
    const answer = ask(mesh, { text: "Due?", id: "due", withinMs: 1_500 });
    await openItems(mesh, 1);
    const events = () =>
      new Set(
        other.heard
          .filter(({ json }) => json.item.itemId === "due")
          .map(({ headers }) => headers["webhook-id"]),
      );
    await until("reminders", () => events().has("due.reminder-1") && events().has("due.overdue"));
    await mesh.inbox.deny("due", { by: "bert" });
    assert.isFalse(readyValue(await answer).approved);
    await until("the last notice", () => events().has("due.decided"));
    assert.isTrue(events().has("due.opened"));
    assert.isTrue(events().has("due.reminder"), "at three quarters of its time");
    const [first] = other.heard;
    const again = other.heard.filter(({ body }) => body === first.body);
    assert.lengthOf(again, 2, "the first was refused once");
    const { headers, body } = again[1];
    const signed = `${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${body}`;
    const mac = createHmac("sha256", SECRET).update(signed).digest("base64");
    assert.equal(headers["webhook-signature"], `v1,${mac}`);
  });

  test("of an operation is READY with a yes and CONFLICT with a no", async () => {
    const gather = mesh.scatterGather(
      { payload: { text: "Go?" }, at: "now" },
      { select: "sector-2/cluster-1", timeoutMs: 20_000, answers: true },
    );
    const items = await openItems(mesh, 5);
    await mesh.inbox.deny(items[0]);
    for (const itemId of items.slice(1)) await mesh.inbox.approve(itemId);
    const { ready, conflict } = await gather;
    assert.deepEqual({ ready, conflict }, { ready: 4, conflict: 1 });
  });

  test("that is none is a failure of its asker's making, with its reason", async () => {
    const error = await ask(mesh, { txt: "?" }).catch((failed: Error) => failed);
    assert.match((error as Error).message, /text: expected what is asked, got undefined/);
  });
});

test("questions outlive the process: what was told is answered, what is asked again is known", async () => {
  const dataDir = mkdtempSync(join(tmpdir(), "mesh-people-"));
  const keeper = `data:text/javascript,${encodeURIComponent(`export default {
    init: () => ({}),
    receive(state, message) {
      if (message === "last") return { state: 1, value: state.last };
      state.last = message;
    },
  };`)}`;
  const agent: MeshOptions["agent"] = (address) => (address === ANNA ? { human: {} } : keeper);
  const bert = "sector-4/cluster-1/agent-1";
  try {
    const first = await start({}, { dataDir, agent });
    await first.tell(ANNA, { text: "Told?", id: "told", replyTo: bert }, { durable: true });
    const lost = ask(first, { text: "Asked?", id: "asked" }).catch((error: Error) => error.message);
    await openItems(first, 2);
    await first.stop({ deadlineMs: 0 });
    await lost;
    await using second = await start({}, { dataDir, agent });
    assert.sameMembers(await openItems(second, 2), ["asked", "told"]);
    const again = ask(second, { text: "Asked?", id: "asked" });
    await second.inbox.approve("asked");
    await second.inbox.approve("told", { by: "carla" });
    assert.isTrue(readyValue(await again).approved);
    await until("the word to whom the first one named", async () => {
      const told = readyValue(await second.ask<unknown, HumanDecision>(bert as never, "last"));
      return told?.itemId === "told" && told.by === "carla";
    });
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
});

test.each([
  [{ withinMs: 0 }, "agent.human.withinMs: expected a whole number from 1"],
  [{ notify: {} }, "agent.human.notify.url: expected where to POST"],
  [{ remindEveryMs: 10 }, "agent.human.remindEveryMs: expected a whole number from 1000"],
])("options that are wrong are named: %j", async (human, sentence) => {
  const error = await start(human as never).catch((failed: Error) => failed);
  assert.include((error as Error).message, sentence);
});
