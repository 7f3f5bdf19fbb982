import { randomInt } from "node:crypto";
import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, assert, describe, test } from "vitest";
import { createTopology } from "../../coordination/topology.ts";
import { CERTIFICATE_BYTES } from "../../trust/certificate.ts";
import { checkChain } from "../../trust/certificate-chain.ts";
import { nativeSignatures } from "../../trust/native-signatures.ts";
import { systemClock } from "../machine/clock.ts";
import { keyPaths } from "./key-files.ts";
import { KeyStore } from "./key-store.ts";
import { MeshTrust } from "./mesh-trust.ts";
import { seal, unseal } from "./sealed-file.ts";

const SHAPE = { sectors: 3, clustersPerSector: 2, agentsPerCluster: 4 };
const roots: string[] = [];
const folder = (): string => {
  const root = mkdtempSync(join(tmpdir(), "mesh-keys-"));
  roots.push(root);
  return root;
};
afterAll(() => {
  for (const root of roots) rmSync(root, { recursive: true });
});
const DAY_MS = 86_400_000;
const now = (): number => systemClock.nowMs();
const keyOf = (store: KeyStore, row: number): string =>
  Buffer.from(store.stateOf(row, now()).certificate.publicKey).toString("hex");

describe("a sealed file", () => {
  test("opens with its secret and for its purpose only, and no bit of it can be another", () => {
    const plain = new Uint8Array(64).fill(5);
    const key = new Uint8Array(32).fill(9);
    const sealed = seal(plain, { key }, "root");
    assert.deepEqual(unseal(sealed, { key }, "root"), plain);
    assert.throws(() => unseal(sealed, { key }, "issuers"), /issuers: cannot be opened/);
    assert.throws(() => unseal(sealed, { key: new Uint8Array(32) }, "root"), /cannot be opened/);
    assert.throws(
      () => unseal(sealed, { passphrase: "long enough" }, "root"),
      /expected its passphrase|expected its key file, got a passphrase/,
    );
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const bent = Uint8Array.from(sealed);
      bent[bit >>> 3] ^= 1 << (bit & 7);
      assert.throws(() => unseal(bent, { key }, "root"), undefined, undefined, `bit ${bit}`);
    }
    for (let length = 0; length < sealed.length; length++)
      assert.throws(() => unseal(sealed.subarray(0, length), { key }, "root"));
  });

  test("opens with its passphrase; a short one is refused", () => {
    const sealed = seal(new Uint8Array(3), { passphrase: "correct horse" }, "root");
    assert.deepEqual(unseal(sealed, { passphrase: "correct horse" }, "root"), new Uint8Array(3));
    assert.throws(
      () => seal(new Uint8Array(3), { passphrase: "short" }, "root"),
      /passphrase: expected at least 8 characters, got 5/,
    );
  });
});

describe("a key store", () => {
  test("is made with a chain for every agent, no two keys alike, and files that are their owner's", async () => {
    const data = folder();
    const made: number[] = [];
    const store = await KeyStore.init(data, SHAPE, {}, (count, total) => made.push(count, total));
    assert.deepEqual(made.slice(-2), [24, 24]);
    const keys = new Set<string>();
    for (let row = 0; row < 24; row++) {
      assert.isTrue(store.holds(row, now()));
      assert.equal(store.stateOf(row, now()).state, "valid");
      keys.add(keyOf(store, row));
      const signer = store.agentSigner(row);
      assert.equal(Buffer.from(signer.publicKey).toString("hex"), keyOf(store, row));
    }
    assert.equal(keys.size, 24);
    const { folder: keysFolder } = keyPaths(data);
    assert.equal(statSync(keysFolder).mode & 0o077, 0);
    for (const name of readdirSync(keysFolder))
      assert.equal(statSync(join(keysFolder, name)).mode & 0o077, 0, name);
    assert.equal(KeyStore.open(data, {}).conductor().chain.length, 2);
  });

  test("keeps no seed in the open: sealed files hold neither root nor sector", async () => {
    const data = folder();
    await KeyStore.init(data, SHAPE, { MESH_KEYS_PASSPHRASE: "correct horse" });
    const names = readdirSync(keyPaths(data).folder).sort();
    assert.deepEqual(names, ["identities", "issuers.sealed", "root.sealed"]);
    const open = (passphrase: string): KeyStore =>
      KeyStore.open(data, { MESH_KEYS_PASSPHRASE: passphrase });
    assert.throws(() => open("wrong horse").conductor(), /issuers.sealed: cannot be opened/);
    assert.throws(() => KeyStore.open(data, {}), /seal.key: expected a key file, got none/);
    assert.equal(open("correct horse").conductor().chain.length, 2);
  });

  test("a key file that others can read is refused, with its mode", async () => {
    const data = folder();
    await KeyStore.init(data, SHAPE, {});
    chmodSync(join(keyPaths(data).folder, "seal.key"), 0o640);
    assert.throws(() => KeyStore.open(data, {}), /expected mode 0600 or less, got 0640/);
  });

  test("a second init is refused, and a store that is not whole is named", async () => {
    const data = folder();
    await KeyStore.init(data, SHAPE, {});
    const again = await KeyStore.init(data, SHAPE, {}).then(String, String);
    assert.match(again, /has keys already/);
    const { identities, root } = keyPaths(data);
    const bytes = readFileSync(identities);
    writeFileSync(identities, bytes.subarray(0, bytes.length - 1));
    assert.throws(() => KeyStore.open(data, {}), /identities: expected \d+ bytes, got \d+/);
    const bent = Uint8Array.from(bytes);
    bent[bent.length - 1] ^= 1;
    writeFileSync(identities, bent);
    const store = KeyStore.open(data, {});
    assert.isFalse(store.holds(23, now()));
    assert.isTrue(store.holds(22, now()));
    rmSync(root);
    assert.throws(() => store.revoke({ from: 0, to: 1 }), /root.sealed: no such file/);
  });

  test("a rotation gives new keys to its scope alone, and what was issued before still holds", async () => {
    const data = folder();
    const store = await KeyStore.init(data, SHAPE, {});
    const before = [...Array(24).keys()].map((row) => keyOf(store, row));
    const oldChain = store.chainOf(9);
    const rows = { from: 8, to: 16 };
    await store.rotate(rows);
    const again = KeyStore.open(data, {});
    for (let row = 0; row < 24; row++) {
      const changed = row >= rows.from && row < rows.to;
      assert.equal(keyOf(again, row) !== before[row], changed, `row ${row}`);
      assert.isTrue(again.holds(row, now()));
      assert.deepEqual(
        again.agentSigner(row).publicKey,
        again.stateOf(row, now()).certificate.publicKey,
      );
    }
    assert.notDeepEqual(oldChain[1], again.chainOf(9)[1]);
    const { checkChain } = await import("../../trust/certificate-chain.ts");
    const policy = { signatures: nativeSignatures, revoked: again.revoked, nowMs: now() };
    const mesh = { meshId: again.identities.meshId, rootKey: again.rootKey };
    assert.isNotString(checkChain(oldChain, { ...policy, ...mesh }));
    await again.rotate({ from: 0, to: 24 });
    const last = KeyStore.open(data, {});
    assert.notDeepEqual(last.conductor().chain[1], store.conductor().chain[1]);
    for (let row = 0; row < 24; row++) assert.isTrue(last.holds(row, now()));
  });

  test("what is revoked stays so until it is renewed, and no other is touched", async () => {
    const data = folder();
    const store = await KeyStore.init(data, SHAPE, {});
    store.revoke({ from: 4, to: 8 });
    const again = KeyStore.open(data, {});
    for (let row = 0; row < 24; row++)
      assert.equal(again.holds(row, now()), row < 4 || row >= 8, `row ${row}`);
    await again.rotate({ from: 4, to: 5 });
    assert.equal(again.stateOf(4, now()).state, "valid");
    assert.equal(again.stateOf(5, now()).state, "revoked");
    again.revoke({ from: 0, to: 8 });
    assert.isFalse(again.holds(4, now()));
    assert.equal(KeyStore.open(data, {}).revoked.number, 2);
    // With the whole sector, its own certificate: none of its old agents comes back under it.
    await again.rotate({ from: 0, to: 8 });
    for (let row = 0; row < 24; row++) assert.isTrue(again.holds(row, now()));
  });

  test("a list of what is revoked that the root did not sign stops the store", async () => {
    const data = folder();
    const store = await KeyStore.init(data, SHAPE, {});
    store.revoke({ from: 4, to: 8 });
    const { revoked } = keyPaths(data);
    const bytes = readFileSync(revoked);
    bytes[randomInt(44, bytes.length)] ^= 4;
    writeFileSync(revoked, bytes);
    assert.throws(() => KeyStore.open(data, {}), /revoked: expected a list that the root signed/);
    assert.equal(CERTIFICATE_BYTES, 168);
  });

  test("identities end thirty days after they were made, and are due for ten days before", async () => {
    const store = await KeyStore.init(folder(), SHAPE, {});
    const day = 86_400_000;
    const stateIn = (days: number): string => store.stateOf(3, now() + days * day).state;
    assert.deepEqual([0, 19, 21, 29, 31].map(stateIn), ["valid", "valid", "due", "due", "expired"]);
    assert.isFalse(store.holds(3, now() + 31 * day));
  });

  test("are renewed by themselves from the twentieth day: all that is due, but who is revoked", async () => {
    const dataDir = folder();
    const store = await KeyStore.init(dataDir, SHAPE, {});
    const topology = createTopology({ ...SHAPE, spawnCapacity: 0 });
    const startMs = now();
    const trust = new MeshTrust({
      level: "all",
      topology,
      threads: 2,
      dataDir,
      env: {},
      nowMs: startMs,
    });
    trust.open(1, 1, startMs);
    const handed: number[] = [];
    const hand = (thread: number): unknown => handed.push(thread);
    const before = [3, 8].map((row) => keyOf(store, row));
    const chain = store.chainOf(8);
    store.revoke({ from: 3, to: 4 });
    trust.refresh(startMs, hand);
    assert.deepEqual(handed.splice(0), [1]);
    const { nextRotationMs = 0 } = trust.status();
    assert.approximately(nextRotationMs - startMs, 20 * DAY_MS, 60_000);
    assert.isNull(await trust.rotateDue(nextRotationMs - 1, hand));
    assert.deepEqual(handed, [], "nothing is due, and nothing is touched");
    const dueMs = nextRotationMs + 60_000;
    const renewing = trust.rotateDue(dueMs, hand);
    assert.isDefined(trust.status().rotation);
    assert.isNull(await trust.rotateDue(dueMs, hand), "one at a time");
    assert.deepEqual(await renewing, { renewed: 24 });
    assert.deepEqual(handed, [1], "its thread signs by the new conductor");
    const after = KeyStore.open(dataDir, {});
    assert.equal(keyOf(after, 3), before[0]);
    assert.equal(after.stateOf(3, dueMs).state, "revoked");
    assert.notEqual(keyOf(after, 8), before[1]);
    assert.isTrue(after.holds(8, dueMs + 29 * DAY_MS));
    const { nextRotationMs: again = 0, rotation } = trust.status();
    assert.equal(again, Math.floor(dueMs) + 20 * DAY_MS);
    assert.isUndefined(rotation);
    // What was issued before holds beside it, for the ten days that it has left.
    const policy = {
      meshId: after.identities.meshId,
      rootKey: after.rootKey,
      revoked: after.revoked,
    };
    const held = checkChain(chain, {
      ...policy,
      signatures: nativeSignatures,
      nowMs: dueMs + 9 * DAY_MS,
    });
    assert.notTypeOf(held, "string");
  });

  test("that cannot be renewed, for the root is away, stay as they are, and are tried again in an hour", async () => {
    const dataDir = folder();
    const store = await KeyStore.init(dataDir, SHAPE, {});
    const topology = createTopology({ ...SHAPE, spawnCapacity: 0 });
    const options = { level: "all", topology, threads: 2, dataDir, env: {}, nowMs: now() } as const;
    const trust = new MeshTrust(options);
    rmSync(keyPaths(dataDir).root);
    const dueMs = store.nextRotationMs;
    let failed = "";
    await trust
      .rotateDue(dueMs, () => {})
      .catch((error: Error) => {
        failed = error.message;
      });
    assert.match(failed, /root\.sealed/);
    assert.isNull(await trust.rotateDue(dueMs + 3_599_999, () => {}));
    assert.equal(KeyStore.open(dataDir, {}).stateOf(5, dueMs).state, "due");
  });
});
