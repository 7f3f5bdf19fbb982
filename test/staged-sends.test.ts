// A turn with several sends, of which some wait for room, is done with all of them or with none.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import type { Mesh } from "../index.ts";
import { readCut } from "../runtime/freeze/cut-file.ts";
import { call, pause, settled, startMesh, until } from "./mesh.ts";

const folders: string[] = [];
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))));

const HERE = 3;
/** Who has room, on the other worker. */
const ROOMY = 22;
/** Who takes no turns and has a full mailbox, on either worker. */
const FULL_THERE = 33;
const FULL_HERE = 4;
const BEFORE = ["a", "b", "c", "d"];
const IDS = Array.from({ length: 12 }, (_, id) => id);
const BOUNDS = { mailbox: { maxMessages: BEFORE.length } };

/** A turn has told ROOMY, which is committed, and its other sends wait for `full`. */
async function waitForRoom(mesh: Mesh, full: number): Promise<void> {
  await mesh.freeze(mesh.address(full));
  for (const id of BEFORE) mesh.tell(full, { do: "note", id });
  const accepted = (count: number): Promise<boolean> =>
    until(`${count} accepted`, () => mesh.status().messages.accepted === count);
  await accepted(BEFORE.length);
  const message = { do: "note", id: "first" };
  mesh.tell(HERE, { do: "tellBoth", first: ROOMY, message, second: full, ids: IDS });
  await accepted(BEFORE.length + 2);
  await until("the first", () => mesh.status().messages.handled >= 1);
  await pause(20);
}

function notes(mesh: Mesh, agent: number): Promise<unknown> {
  return call(mesh, agent, { do: "seen" });
}

describe("a turn that has ended with sends that wait for room", () => {
  test.each([FULL_THERE, FULL_HERE])(
    "has sent each once after a thaw elsewhere (to agent %i)",
    async (full) => {
      const folder = await mkdtemp(join(tmpdir(), "mesh-staged-"));
      folders.push(folder);
      const file = join(folder, "state.mesh");
      const first = await startMesh("puppet", BOUNDS);
      await waitForRoom(first, full);
      expect(await notes(first, ROOMY)).toEqual(["first"]);
      await first.freeze("all", { file });
      await first.stop({ deadlineMs: 0 });
      const from = await readCut(file);
      await using mesh = await startMesh("puppet", { ...BOUNDS, from });
      await settled(mesh);
      expect(await notes(mesh, full)).toEqual([...BEFORE, ...IDS]);
      // The state of a puppet is not saved: a second "first" would be seen.
      expect(await notes(mesh, ROOMY)).toEqual([]);
      expect(mesh.status().lost).toBe(0);
    },
  );

  test("has sent each once when its worker dies, and in their order", async () => {
    await using mesh = await startMesh("puppet", BOUNDS);
    await waitForRoom(mesh, FULL_THERE);
    const back = new Promise((resolve) => mesh.on("workerBack", resolve));
    await mesh.kill("worker-1");
    await back;
    mesh.tell(HERE, { do: "tell", to: FULL_THERE, message: { do: "note", id: "later" } });
    await mesh.thaw();
    await settled(mesh);
    expect(await notes(mesh, FULL_THERE)).toEqual([...BEFORE, ...IDS, "later"]);
    expect(await notes(mesh, ROOMY)).toEqual(["first"]);
    expect(mesh.status().lost).toBe(0);
  });

  test("holds its agent up, though its message is done, and a stop waits for its sends", async () => {
    await using mesh = await startMesh("puppet", BOUNDS);
    await waitForRoom(mesh, FULL_THERE);
    const { handled, sent, accepted } = mesh.status().messages;
    expect({ handled, waiting: sent - accepted }).toEqual({ handled: 2, waiting: IDS.length });
    expect((await mesh.ask(HERE, { do: "count" }, { timeoutMs: 50 })).state).toBe(0);
    await mesh.thaw();
    await mesh.stop();
    // What was there before, what told them all, the first, twelve notes; and the question that came too late.
    const { messages } = mesh.status();
    expect(messages).toMatchObject({ handled: 18, expired: 1, deadLettered: 0, inFlight: 0 });
    expect(mesh.status().lost).toBe(0);
  });
});
