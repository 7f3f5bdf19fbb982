import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createTopology } from "../../coordination/topology.ts";
import { systemClock } from "../machine/clock.ts";
import { KeyStore } from "./key-store.ts";
import { MeshTrust } from "./mesh-trust.ts";
import { TokenChecks } from "./token-checks.ts";
import { TrustMemory } from "./trust-plan.ts";

const SHAPE = { sectors: 2, clustersPerSector: 1, agentsPerCluster: 2 };
const HOLDER = "sector-1/cluster-1/agent-1";
const WISH = { to: HOLDER, capabilities: ["pay"], audience: "sector-2" };
const topology = createTopology({ ...SHAPE, spawnCapacity: 0 });
let nowMs: number;
let dataDir: string;
let store: KeyStore;
let trust: MeshTrust;
let checks: TokenChecks;

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), "mesh-tokens-"));
  store = await KeyStore.init(dataDir, SHAPE, {});
  nowMs = Math.ceil(systemClock.nowMs());
  trust = new MeshTrust({ level: "all", topology, threads: 2, dataDir, env: {}, nowMs });
  const memory = new TrustMemory(trust.plan.memory, 2, topology.rows);
  checks = new TokenChecks(trust.plan, memory);
});

afterAll(() => rmSync(dataDir, { recursive: true, force: true }));

test("who brings tokens that do not hold has no more verified, and others have", () => {
  const atMs = nowMs + 10;
  for (let i = 0; i < 32; i++) expect(checks.check(Uint8Array.of(i), 1, atMs)).toBe("length");
  expect(checks.check(trust.grant(WISH, nowMs), 1, atMs)).toBe("too many that did not hold");
  expect(checks.check(trust.grant(WISH, nowMs), 0, atMs)).toMatchObject({ holderRow: 0 });
});

test("a token is passed on for an agent of the thread that asks only", () => {
  const wish = { to: "sector-2/cluster-1/agent-1", capabilities: ["pay"] };
  const request = { kind: "pass-on", holder: 0, token: trust.grant(WISH, nowMs), wish } as const;
  expect(() => trust.passOn(request, () => false, nowMs)).toThrow(/one that this agent holds/);
  expect(trust.passOn(request, (row) => row === 0, nowMs)).toBeInstanceOf(Uint8Array);
});

test("a sector that is revoked has granted nothing", () => {
  const token = trust.grant(WISH, nowMs);
  expect(checks.check(token, 0, nowMs)).toMatchObject({ issuer: { kind: "sector" } });
  store.revoke({ from: 2, to: 4 });
  trust.refresh(nowMs, () => {});
  expect(checks.check(token, 0, nowMs)).toBe("issuer: revoked");
});
