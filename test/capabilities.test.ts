// What agents may have each other do: requirements that are looked at twice, and tokens that their holder alone can
// use.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Answer, Mesh, TokenWish } from "../index.ts";
import { call, startMesh, until } from "./mesh.ts";

const CLERK = "sector-1/cluster-1/agent-1";
const OTHER = "sector-2/cluster-1/agent-1";
const NEAR = "sector-1/cluster-2/agent-2";
const FAR = "sector-4/cluster-1/agent-1";
const MINUTE_MS = 60_000;

const { KeyStore } = await import(
  new URL("../dist/runtime/trust/key-store.js", import.meta.url).href
);

let dataDir: string;
let mesh: Mesh;
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "mesh-tokens-"));
  const shape = { sectors: 4, clustersPerSector: 2, agentsPerCluster: 5 };
  await KeyStore.init(dataDir, shape, process.env);
  mesh = await startMesh("till", { trust: "all", dataDir });
});
afterAll(async () => {
  await mesh.stop();
  await rm(dataDir, { recursive: true });
});

function granted(wish: Partial<TokenWish> = {}): Uint8Array {
  const all = { to: CLERK, capabilities: ["refund"], audience: "sector-4", ...wish };
  return mesh.trust?.grant(all) as Uint8Array;
}

/** What becomes of a refund that `from` asks of `to`. */
function refund(from: string, to: string, token?: Uint8Array): Promise<Answer> {
  const options = token && { token };
  return call(mesh, from, { do: "ask", to, message: { do: "refund" }, options }) as Promise<Answer>;
}

async function refusal(from: string, to: string, token?: Uint8Array): Promise<unknown> {
  const answer = await refund(from, to, token);
  expect(answer).toMatchObject({
    state: -1,
    conflict: { type: "CAPABILITY_MISMATCH", expected: { token: expect.anything() } },
  });
  return (answer as { conflict: { received: unknown } }).conflict.received;
}

describe("what an agent guards", () => {
  test("is done for who holds a token for it, on its own thread and on another's, and for nobody else", async () => {
    const before = (await call(mesh, FAR, { do: "refunds" })) as number;
    expect(await refusal(CLERK, FAR)).toBe("none");
    const token = granted();
    expect(await refund(CLERK, FAR, token)).toMatchObject({
      state: 1,
      value: { refunds: before + 1, granted: ["refund"] },
    });
    // Stolen: worth nothing to another.
    expect(await refusal(OTHER, FAR, token)).toBe(`one that ${CLERK} holds`);
    expect(await refusal(CLERK, NEAR, token)).toBe("audience");
    expect(await refund(CLERK, NEAR, granted({ audience: "sector-1/cluster-2" }))).toMatchObject({
      state: 1,
    });
    expect(await refusal(CLERK, FAR, granted({ capabilities: ["look"] }))).toBe("capability");
    const bent = token.slice();
    bent[bent.length - 1] ^= 1;
    expect(await refusal(CLERK, FAR, bent)).toBe("signature");
    expect(await call(mesh, FAR, { do: "refunds" })).toBe(before + 1);
  });

  test("is done for the program that holds the mesh, and what is not guarded for everybody", async () => {
    expect(await call(mesh, FAR, { do: "refund" })).toMatchObject({ granted: ["refund"] });
    const message = { do: "granted" };
    expect(await call(mesh, CLERK, { do: "ask", to: FAR, message })).toEqual({
      state: 1,
      value: [],
    });
    const options = { token: granted() };
    expect(await call(mesh, CLERK, { do: "ask", to: FAR, message, options })).toEqual({
      state: 1,
      value: ["refund"],
    });
  });

  test("is passed on in part, and never more", async () => {
    const token = granted({ capabilities: ["refund", "look"], ttlMs: MINUTE_MS });
    const pass = (from: string, wish: TokenWish, held = token): Promise<unknown> =>
      call(mesh, from, { do: "pass on", token: held, wish });
    const part = (await pass(CLERK, {
      to: OTHER,
      capabilities: ["refund"],
      audience: FAR,
    })) as Uint8Array;
    expect(await refund(OTHER, FAR, part)).toMatchObject({ state: 1 });
    expect(await refusal(OTHER, "sector-4/cluster-1/agent-2", part)).toBe("audience");
    expect(await refusal(CLERK, FAR, part)).toBe(`one that ${OTHER} holds`);
    const wider = (await pass(CLERK, {
      to: OTHER,
      capabilities: ["refund", "mint"],
    })) as Uint8Array;
    expect(await refusal(OTHER, FAR, wider)).toBe("widened");
    const all = (await pass(CLERK, {
      to: OTHER,
      capabilities: ["refund"],
      audience: "all",
    })) as Uint8Array;
    expect(await refusal(OTHER, FAR, all)).toBe("widened");
    // Who does not hold it cannot have main sign for him.
    expect(await pass(OTHER, { to: OTHER, capabilities: ["refund"] })).toMatchObject({
      code: "MESH_TOKEN",
      text: /expected one that this agent holds/,
    });
    expect(await pass(CLERK, { to: "nobody", capabilities: ["refund"] })).toMatchObject({
      code: "MESH_INVALID_OPTION",
    });
  });

  test("a token ends with its time, and with its holder's revocation at once and mesh-wide", async () => {
    const short = granted({ ttlMs: 1 });
    expect(await refusal(CLERK, FAR, short)).toBe("expired");
    const token = granted();
    expect(await refund(CLERK, FAR, token)).toMatchObject({ state: 1 });
    const store = KeyStore.open(dataDir, process.env);
    const row = mesh.ref(CLERK);
    store.revoke({ from: row, to: row + 1 });
    const startMs = performance.now();
    mesh.trust?.refresh();
    // Within its own thread too, where no batch is verified.
    expect(await refusal(CLERK, NEAR, granted({ audience: NEAR, to: CLERK }))).toBe("revoked");
    expect(await refusal(CLERK, NEAR, token)).toBe("revoked");
    expect(performance.now() - startMs).toBeLessThan(1_000);
    await store.rotate({ from: row, to: row + 1 });
    mesh.trust?.refresh();
    expect(await refund(CLERK, FAR, granted())).toMatchObject({ state: 1 });
  });
});

describe("what a message requires", () => {
  test("is looked at before it is sent: who lacks it is not asked, and the conflict is recorded", async () => {
    const options = { requiresCapabilities: ["till", "forge"] };
    const message = { do: "refunds" };
    const answer = await mesh.ask(FAR, message, options);
    expect(answer).toEqual({
      state: -1,
      conflict: {
        type: "CAPABILITY_MISMATCH",
        expected: ["forge"],
        received: ["till", "refund"],
      },
    });
    expect(await call(mesh, CLERK, { do: "ask", to: FAR, message, options })).toEqual(answer);
    expect(await call(mesh, CLERK, { do: "send", to: FAR, message, options })).toBe("dropped");
    await until("three of them recorded", async () => {
      const found = await mesh.conflicts.list({ type: "CAPABILITY_MISMATCH", agent: FAR });
      return found.filter(({ record }) => Array.isArray(record.received)).length === 3;
    });
  });

  test("who has it handles the message as it is", async () => {
    const options = { requiresCapabilities: ["till"] };
    expect(await mesh.ask(FAR, { do: "refunds" }, options)).toMatchObject({ state: 1 });
    await expect(
      mesh.ask(FAR, {}, { requiresCapabilities: "till" as unknown as string[] }),
    ).rejects.toThrow(/requiresCapabilities: expected a list/);
    await expect(mesh.ask(FAR, {}, { token: "x" as unknown as Uint8Array })).rejects.toThrow(
      /token: expected the bytes of a token/,
    );
  });
});

test("without keys there are no tokens, and the error says how there are", async () => {
  await using other = await startMesh("till", { trust: "all" });
  expect(() => other.trust?.grant({ to: CLERK, capabilities: ["refund"] })).toThrow(/keys init/);
});
