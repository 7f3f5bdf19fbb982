// A worker with nothing to do sleeps, but the event loop of its thread does not: what agents started there
// (requests, servers, timers, promises) goes on.
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Mesh } from "../index.ts";
import { call, pause, settled, startMesh, until } from "./mesh.ts";

const ONE = "sector-1/cluster-1/agent-1";
const OTHER = "sector-4/cluster-1/agent-1";

let mesh: Mesh;
let server: Server;
let url: string;
let requests = 0;

beforeAll(async () => {
  server = createServer((request, response) => {
    requests++;
    const delayMs = Number(
      new URL(request.url as string, "http://here").searchParams.get("delay") ?? 0,
    );
    setTimeout(() => response.end(`answer ${request.url}`), delayMs);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  // Heartbeats far apart, so that nothing else wakes the workers.
  mesh = await startMesh("homely", { heartbeatMs: 3_600_000 });
});
afterAll(async () => {
  await mesh.stop();
  server.closeAllConnections();
  server.close();
});

function parked(worker: number): boolean {
  return mesh.status().workers[worker - 1]?.state === "parked";
}

test("a fetch is answered while its worker sleeps", async () => {
  const asked = call(mesh, ONE, { do: "fetch", url: `${url}/?delay=300` });
  await until("the request", () => requests > 0);
  await until("sleep", () => parked(1));
  expect(await asked).toBe("answer /?delay=300");
});

test("many fetches of many agents at once are all answered", async () => {
  const refs = mesh.select("all");
  const texts = await Promise.all(
    refs.map((ref) => call(mesh, ref, { do: "fetch", url: `${url}/?delay=50&agent=${ref}` })),
  );
  expect(texts).toEqual(refs.map((ref) => `answer /?delay=50&agent=${ref}`));
});

test("a fetch with the turn's signal is given up at the deadline", async () => {
  const startMs = performance.now();
  expect(
    await mesh.ask(ONE, { do: "fetch", url: `${url}/?delay=20000` }, { timeoutMs: 150 }),
  ).toMatchObject({ state: 0 });
  await settled(mesh);
  expect(performance.now() - startMs).toBeLessThan(10_000);
  expect(mesh.status().messages.expired).toBeGreaterThanOrEqual(1);
});

test("setTimeout and promises go on, one after the other", async () => {
  expect(await call(mesh, ONE, { do: "pauses", count: 30, ms: 3 })).toBe(30);
});

test("what an agent starts and does not await comes back to it as a message", async () => {
  await call(mesh, OTHER, { do: "aside", ms: 200, id: "back" });
  await until("sleep", () => parked(2));
  await until(
    "its message",
    async () => ((await call(mesh, OTHER, { do: "seen" })) as unknown[]).length === 1,
  );
});

test("an agent's http server keeps answering, asleep or busy, until the agent is stopped", async () => {
  const port = await call(mesh, OTHER, { do: "serve" });
  const get = async (): Promise<string> =>
    (await fetch(`http://127.0.0.1:${port}/`, { headers: { connection: "close" } })).text();
  for (let i = 0; i < 5; i++) {
    expect(await get()).toBe(`served by ${OTHER}`);
    await pause(30);
  }
  // Under a load of messages on the same worker the server still gets its turn.
  let busy = true;
  const load = (async () => {
    while (busy)
      await Promise.all(
        Array.from({ length: 200 }, (_, id) =>
          mesh.ask("sector-4/cluster-2/agent-2", { do: "note", id }),
        ),
      );
  })();
  for (let i = 0; i < 20; i++) expect(await get()).toBe(`served by ${OTHER}`);
  busy = false;
  await load;
});

test("an ask across workers is answered while both sleep in between", async () => {
  expect(await call(mesh, ONE, { do: "askWhileServing", to: OTHER })).toBe(1);
});
