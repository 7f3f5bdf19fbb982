import { createHash, randomInt } from "node:crypto";
import fc from "fast-check";
import { assert, describe, test } from "vitest";
import {
  CERTIFICATE_BYTES,
  type CertificateBody,
  type CertificateKind,
  issueCertificate,
  keyIdOf,
  NO_THREAD,
  readCertificate,
} from "./certificate.ts";
import { type ChainFault, type ChainPolicy, checkChain, LIFETIME_MS } from "./certificate-chain.ts";
import { nativeSignatures } from "./native-signatures.ts";
import { NOTHING_REVOKED, readRevocations, revoke, writeRevocations } from "./revocation.ts";
import type { Signer } from "./signatures.ts";

const NOW_MS = 1_800_000_000_000;
const HOUR_MS = 3_600_000;
const MESH = new Uint8Array(16).fill(7);
const signerOf = (name: string): Signer =>
  nativeSignatures.signer(new Uint8Array(createHash("sha256").update(name).digest()));
const ROOT = signerOf("root");
const SECTOR = signerOf("sector");
const AGENT = signerOf("agent");
const SESSION = signerOf("session");
const ROWS = 0xffffffff;

type Body = Omit<CertificateBody, "issuerId">;

function body(kind: CertificateKind, key: Signer, changes: Partial<Body> = {}): Body {
  const session = kind === "session";
  return {
    kind,
    meshId: MESH,
    serial: 9,
    from: 0,
    to: ROWS,
    thread: session ? 3 : NO_THREAD,
    epoch: session ? 2 : 0,
    notBeforeMs: NOW_MS - 1_000,
    notAfterMs: NOW_MS + HOUR_MS - 1_000,
    publicKey: key.publicKey,
    ...changes,
  };
}

const root = issueCertificate(body("root", ROOT), ROOT);
const sector = issueCertificate(body("sector", SECTOR, { from: 300, to: 600 }), ROOT);
const agent = issueCertificate(body("agent", AGENT, { from: 312, to: 313 }), SECTOR);
const session = issueCertificate(body("session", SESSION, { from: 312, to: 313 }), AGENT);
const CHAIN: readonly Uint8Array[] = [root, sector, agent, session];

function check(
  chain: readonly Uint8Array[],
  changes: Partial<ChainPolicy> = {},
): ChainFault | "holds" {
  const policy: ChainPolicy = {
    signatures: nativeSignatures,
    meshId: MESH,
    rootKey: ROOT.publicKey,
    nowMs: NOW_MS,
    revoked: NOTHING_REVOKED,
    ...changes,
  };
  const outcome = checkChain(chain, policy);
  return typeof outcome === "string" ? outcome : "holds";
}

/** The chain with one link written anew. */
function withLink(place: number, changes: Partial<Body>, issuer?: Signer): Uint8Array[] {
  const kinds: readonly CertificateKind[] = ["root", "sector", "agent", "session"];
  const keys = [ROOT, SECTOR, AGENT, SESSION];
  const rows = [{}, { from: 300, to: 600 }, { from: 312, to: 313 }, { from: 312, to: 313 }][place];
  const written = body(kinds[place], keys[place], { ...rows, ...changes });
  const chain = [...CHAIN];
  chain[place] = issueCertificate(written, issuer ?? keys[Math.max(0, place - 1)]);
  return chain;
}

describe("a chain of certificates", () => {
  test("holds from the root to the session, and gives the session's key", () => {
    assert.equal(check(CHAIN), "holds");
    assert.equal(check(CHAIN.slice(0, 1)), "holds");
    assert.equal(check(CHAIN.slice(0, 3)), "holds");
    const outcome = checkChain(CHAIN, {
      signatures: nativeSignatures,
      meshId: MESH,
      rootKey: ROOT.publicKey,
      nowMs: NOW_MS,
      revoked: NOTHING_REVOKED,
    });
    if (typeof outcome === "string") return assert.fail(outcome);
    const message = new Uint8Array(5);
    assert.isTrue(outcome.verifier.verify(message, SESSION.sign(message)));
    assert.equal(outcome.last.thread, 3);
  });

  test("every fault has its own word", () => {
    const revoked = revoke(NOTHING_REVOKED, { from: 300, to: 330, before: 10 }, NOW_MS);
    const conductor = issueCertificate(body("conductor", SECTOR), ROOT);
    const byConductor = issueCertificate(body("session", SESSION), SECTOR);
    const cases: readonly (readonly [ChainFault | "holds", ChainFault | "holds"])[] = [
      [check([]), "chain-length"],
      [check([...CHAIN, session]), "chain-length"],
      [check([root.subarray(1)]), "length"],
      [check(CHAIN, { meshId: new Uint8Array(16) }), "mesh"],
      [check([sector]), "issuer-kind"],
      [check([root, agent]), "issuer-kind"],
      [check([root, sector, session]), "issuer-kind"],
      [check([root, root]), "issuer-kind"],
      [check([root, conductor, byConductor]), "holds"],
      [check([root, conductor, agent]), "issuer-kind"],
      [check(withLink(2, { from: 600, to: 601 })), "rows"],
      [check(withLink(3, { from: 312, to: 314 })), "rows"],
      [check(withLink(3, { notAfterMs: NOW_MS + HOUR_MS })), "lifetime"],
      [check(withLink(3, { notBeforeMs: NOW_MS + 1 })), "not-yet"],
      [check(CHAIN, { nowMs: NOW_MS + HOUR_MS }), "expired"],
      [check(CHAIN, { epochFloor: () => 3 }), "epoch"],
      [check(CHAIN, { epochFloor: () => 2 }), "holds"],
      [check(CHAIN, { revoked }), "revoked"],
      [check(withLink(2, { serial: 10 }), { revoked }), "revoked"],
      [check(CHAIN.slice(0, 2), { revoked }), "holds"],
      [check(CHAIN, { rootKey: SECTOR.publicKey }), "root"],
      [check(withLink(2, {}, AGENT)), "issuer"],
      [check(withLink(3, { publicKey: new Uint8Array(32) })), "weak-key"],
    ];
    for (const [found, expected] of cases) assert.equal(found, expected);
    const bent = Uint8Array.from(agent);
    bent[120] ^= 1;
    assert.equal(check([root, sector, bent, session]), "signature");
    assert.equal(LIFETIME_MS.agent, 30 * 24 * HOUR_MS);
  });

  test("another's key under the issuer's id does not sign for the issuer", () => {
    const claimed = issueCertificate(
      body("agent", AGENT, { from: 312, to: 313 }),
      AGENT,
      keyIdOf(SECTOR.publicKey),
    );
    assert.equal(check([root, sector, claimed]), "signature");
  });

  test("no bit of any certificate can be another", () => {
    const seed = randomInt(2 ** 31);
    for (const [place, honest] of CHAIN.entries()) {
      // All of one of them, and every 29th of those that are written in the same way.
      const stride = place === 2 ? 1 : 29;
      for (let bit = seed % stride; bit < CERTIFICATE_BYTES * 8; bit += stride) {
        const bent = Uint8Array.from(honest);
        bent[bit >>> 3] ^= 1 << (bit & 7);
        const chain = [...CHAIN];
        chain[place] = bent;
        assert.notEqual(check(chain), "holds", `bit ${bit} of certificate ${place}`);
      }
    }
  });

  test("bytes mutated at random are refused, and nothing throws", () => {
    const seed = randomInt(2 ** 31);
    const mutation = fc.record({
      place: fc.nat(3),
      cut: fc.option(fc.nat(CERTIFICATE_BYTES + 40)),
      writes: fc.array(fc.tuple(fc.nat(CERTIFICATE_BYTES - 1), fc.nat(255)), { maxLength: 6 }),
    });
    const law = fc.property(mutation, ({ place, cut, writes }) => {
      const bent = new Uint8Array(cut ?? CERTIFICATE_BYTES);
      bent.set(CHAIN[place].subarray(0, bent.length));
      for (const [at, value] of writes) if (at < bent.length) bent[at] = value;
      const chain = [...CHAIN];
      chain[place] = bent;
      const whole = Buffer.compare(bent, CHAIN[place]) === 0;
      return (check(chain) === "holds") === whole;
    });
    fc.assert(law, { seed, numRuns: 1_000 });
  });

  test("what can be written can be read, and has one way to be written", () => {
    const seed = randomInt(2 ** 31);
    const bodies = fc.record({
      kind: fc.constantFrom<CertificateKind>("root", "sector", "conductor", "session"),
      serial: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
      from: fc.nat(0xfffffffe),
      more: fc.integer({ min: 1, max: 1_000 }),
      notBeforeMs: fc.nat(2 ** 50),
      lifeMs: fc.integer({ min: 1, max: 2 ** 40 }),
      thread: fc.nat(65_534),
      epoch: fc.integer({ min: 1, max: 0xffffffff }),
    });
    const law = fc.property(bodies, ({ more, lifeMs, ...given }) => {
      const written = body(given.kind, AGENT, {
        ...given,
        ...(given.kind !== "session" && { thread: NO_THREAD, epoch: 0 }),
        to: Math.min(ROWS, given.from + more),
        notAfterMs: given.notBeforeMs + lifeMs,
      });
      const bytes = issueCertificate(written, ROOT);
      const read = readCertificate(bytes);
      if (typeof read === "string") return false;
      const again = issueCertificate(read, ROOT);
      return Buffer.compare(bytes, again) === 0 && read.serial === written.serial;
    });
    fc.assert(law, { seed, numRuns: 200 });
  });

  test("a field that does not fit is named when it is to be written", () => {
    const bad = (changes: Partial<Body>): (() => void) => {
      return () => issueCertificate(body("agent", AGENT, changes), ROOT);
    };
    assert.throws(bad({ serial: 0 }), /serial: expected a whole number from 1/);
    assert.throws(bad({ from: 5, to: 5 }), /to: expected a whole number from 6/);
    assert.throws(bad({ publicKey: new Uint8Array(3) }), /publicKey: expected 32 bytes, got 3/);
    assert.throws(bad({ from: 5, to: 6, thread: 1 }), /not those of a agent certificate/);
  });
});

describe("the list of what is revoked", () => {
  test("is read as it was written, and no bit of it can be another", () => {
    let list = revoke(NOTHING_REVOKED, { from: 30, to: 60, before: 4 }, NOW_MS);
    list = revoke(list, { from: 0, to: 1, before: 9 }, NOW_MS + 1);
    const verifier = nativeSignatures.verifier(ROOT.publicKey);
    if (verifier === undefined) return assert.fail("the root's key is weak");
    const bytes = writeRevocations(list, MESH, ROOT);
    assert.deepEqual(readRevocations(bytes, MESH, verifier), list);
    for (let bit = 0; bit < bytes.length * 8; bit += bit < 400 ? 1 : 5) {
      const bent = Uint8Array.from(bytes);
      bent[bit >>> 3] ^= 1 << (bit & 7);
      assert.isString(readRevocations(bent, MESH, verifier), `bit ${bit}`);
    }
    for (let length = 0; length < bytes.length; length++)
      assert.isString(readRevocations(bytes.subarray(0, length), MESH, verifier));
  });

  test("grows in number, and lets go what a wider entry says better", () => {
    let list = revoke(NOTHING_REVOKED, { from: 30, to: 60, before: 4 }, NOW_MS);
    list = revoke(list, { from: 0, to: 90, before: 5 }, NOW_MS);
    assert.deepEqual(list, {
      number: 2,
      madeMs: NOW_MS,
      entries: [{ from: 0, to: 90, before: 5 }],
    });
  });
});
