// Modules of agents that change while their mesh runs.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, assert, beforeAll, beforeEach, describe, test } from "vitest";
import type { Mesh, ReloadResult } from "../index.ts";
import { call, createMesh, pause, SMALL, until } from "./mesh.ts";

const ONE = "sector-1/cluster-1/agent-1";
const LAST = "sector-4/cluster-2/agent-5";
const FAST = { windowMs: 300 };

/** A counter in TypeScript; what it answers says which version has counted. */
function counter(version: string, turn = "", restore = "({ total })"): string {
  return `
    type State = { total: number };
    export default {
      init: (): State => ({ total: 0 }),
      async receive(state: State, message: { add?: number; waitMs?: number }) {
        ${turn}
        if (message.waitMs) await new Promise((done) => setTimeout(done, message.waitMs));
        state.total += message.add ?? 0;
        return { state: 1, value: "${version} " + state.total };
      },
      snapshot: (state: State) => state.total,
      restore: (total: number): State => ${restore},
    };
  `;
}

describe("a module whose file has changed", () => {
  const folder = mkdtempSync(join(tmpdir(), "mesh-reload-"));
  const file = join(folder, "counter.ts");
  let mesh: Mesh;
  beforeAll(async () => {
    writeFileSync(file, counter("v1"));
    mesh = await createMesh({ ...SMALL, agent: file });
  });
  beforeEach(async () => {
    writeFileSync(file, counter("v1"));
    await mesh.reload("counter.ts", { windowMs: 0 });
    for (const agent of [ONE, LAST]) await call(mesh, agent, { add: 1 });
  });
  afterAll(async () => {
    await mesh.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  async function total(agent: string): Promise<number> {
    return Number(String(await call(mesh, agent, {})).split(" ")[1]);
  }

  test("is changed over to on all threads, with every agent's state", async () => {
    const before = [await total(ONE), await total(LAST)];
    writeFileSync(file, counter("v2"));
    const [result] = await mesh.reload(undefined, FAST);
    assert.deepEqual(result, {
      module: pathToFileURL(file).href,
      outcome: "reloaded",
      agents: 40,
    });
    assert.equal(await call(mesh, ONE, { add: 2 }), `v2 ${before[0] + 2}`);
    assert.equal(await call(mesh, LAST, {}), `v2 ${before[1]}`);
    await mesh.kill("worker-1");
    assert.equal(await call(mesh, ONE, {}), `v2 ${before[0] + 2}`, "also after its worker's death");
  });

  test("waits for a turn that is under way, which ends with the version that it began with", async () => {
    const before = await total(ONE);
    const under = call(mesh, ONE, { add: 5, waitMs: 150 });
    await pause(30);
    writeFileSync(file, counter("v2"));
    const [result] = await mesh.reload(file, FAST);
    assert.equal(result.outcome, "reloaded");
    assert.equal(await under, `v1 ${before + 5}`);
    assert.equal(await call(mesh, ONE, {}), `v2 ${before + 5}`);
  });

  test("is refused when it cannot be loaded, and nothing changes", async () => {
    const before = await total(ONE);
    for (const text of ["export default {", "export default { init: () => 0 };", "throw 7;"]) {
      writeFileSync(file, text);
      const [result] = await mesh.reload("counter.ts", FAST);
      assert.deepInclude(result, { outcome: "refused", agents: 0 });
      assert.isNotEmpty(result.why);
    }
    assert.equal(await call(mesh, ONE, {}), `v1 ${before}`);
  });

  test("is taken back when it cannot take a state over", async () => {
    const before = [await total(ONE), await total(LAST)];
    const thrown = 'total > 0 ? (() => { throw new Error("no such total"); })() : { total }';
    writeFileSync(file, counter("v2", "", thrown));
    const [result] = await mesh.reload("counter.ts", FAST);
    assert.deepInclude(result, { outcome: "reverted", why: "no such total" });
    assert.equal(await call(mesh, ONE, {}), `v1 ${before[0]}`);
    assert.equal(await call(mesh, LAST, {}), `v1 ${before[1]}`);
  });

  test("is taken back when its first turns fail, and also who failed has its state again", async () => {
    const before = [await total(ONE), await total(LAST)];
    writeFileSync(file, counter("v2", 'if (message.add === 13) throw new Error("unlucky");'));
    const reloading = mesh.reload("counter.ts", { windowMs: 20_000 });
    const other = await until("the new version", async () => {
      const answer = String(await call(mesh, LAST, {}));
      return answer.startsWith("v2") && call(mesh, LAST, { add: 4 });
    });
    assert.equal(other, `v2 ${before[1] + 4}`);
    const error = await call(mesh, ONE, { add: 13 }).catch((failed: Error) => failed.message);
    assert.match(String(error), /unlucky/);
    const [result] = await reloading;
    assert.deepInclude(result, { outcome: "reverted", why: `${ONE}: Error: unlucky` });
    assert.equal(await call(mesh, ONE, {}), `v1 ${before[0]}`);
    assert.equal(
      await call(mesh, LAST, {}),
      `v1 ${before[1] + 4}`,
      "with what it has counted since",
    );
    await mesh.kill("worker-1");
    assert.match(String(await call(mesh, ONE, {})), /^v1 /, "whatever the file says by now");
  });

  test("must be one of the mesh", async () => {
    const error = await mesh.reload("other.ts").catch((failed: Error) => failed.message);
    assert.match(String(error), /module: expected one of counter\.ts, got "other\.ts"/);
  });
});

test("a file that is watched is reloaded when it is written", async () => {
  const folder = mkdtempSync(join(tmpdir(), "mesh-watch-"));
  const file = join(folder, "counter.ts");
  writeFileSync(file, counter("v1"));
  try {
    await using mesh = await createMesh({ ...SMALL, agent: { module: file }, watch: FAST });
    await call(mesh, ONE, { add: 3 });
    const told = new Promise<ReloadResult>((resolve) => mesh.on("reload", resolve));
    writeFileSync(file, counter("v2"));
    assert.deepInclude(await told, { outcome: "reloaded", agents: 40 });
    assert.equal(await call(mesh, ONE, {}), "v2 3");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
