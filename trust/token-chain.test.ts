import { createHash } from "node:crypto";
import fc from "fast-check";
import { assert, describe, test } from "vitest";
import { MAX_TOKEN_LINKS, TOKEN_LIFETIME_MS } from "./capability-token.ts";
import { issueRoot, issueSector } from "./identity.ts";
import { nativeSignatures } from "./native-signatures.ts";
import { portableSignatures } from "./portable-signatures.ts";
import { NOTHING_REVOKED, revoke } from "./revocation.ts";
import type { Signer } from "./signatures.ts";
import {
  attenuateToken,
  checkToken,
  issueToken,
  type TokenFault,
  type TokenGrant,
  type TokenPolicy,
  type TrustedToken,
} from "./token-chain.ts";

const NOW_MS = 1_800_000_000_000;
const portable = portableSignatures(
  (message) => new Uint8Array(createHash("sha512").update(message).digest()),
);
const MESH = new Uint8Array(16).fill(7);
const signerOf = (name: string): Signer =>
  nativeSignatures.signer(new Uint8Array(createHash("sha256").update(name).digest()));
const ROOT = signerOf("root");
const SECTOR = signerOf("sector");
const HOLDERS = [0, 1, 2, 3].map((place) => signerOf(`holder ${place}`));
const issue = { meshId: MESH, serial: 1, nowMs: NOW_MS - 1_000 };
const root = issueRoot(ROOT, issue);
const sector = issueSector(SECTOR.publicKey, ROOT, 300, 600, issue);

function policy(changes: Partial<TokenPolicy> = {}): TokenPolicy {
  return {
    signatures: nativeSignatures,
    meshId: MESH,
    root,
    rootKey: ROOT.publicKey,
    nowMs: NOW_MS,
    revoked: NOTHING_REVOKED,
    isRevokedRow: () => false,
    ...changes,
  };
}

function grant(place: number, changes: Partial<TokenGrant> = {}): TokenGrant {
  return {
    meshId: MESH,
    serial: 5 + place,
    holderKey: HOLDERS[place].publicKey,
    holderRow: 310 + place,
    from: 300,
    to: 600,
    capabilities: ["refund", "pay", "read"],
    notBeforeMs: NOW_MS,
    notAfterMs: NOW_MS + 60_000,
    ...changes,
  };
}

const bySector = (changes: Partial<TokenGrant> = {}): Uint8Array =>
  issueToken(grant(0, changes), SECTOR, [sector]);

function passed(
  token: Uint8Array,
  place: number,
  changes: Partial<TokenGrant> = {},
  by: Signer = HOLDERS[place - 1],
): Uint8Array {
  const next = attenuateToken(token, grant(place, changes), by);
  assert(typeof next !== "string", `not passed on: ${next}`);
  return next;
}

function faultOf(token: Uint8Array, changes: Partial<TokenPolicy> = {}): TokenFault | "holds" {
  const found = checkToken(token, policy(changes));
  return typeof found === "string" ? found : "holds";
}

describe("a capability token", () => {
  test("granted by the root or by a sector holds, with names in one order, by both implementations", () => {
    for (const token of [issueToken(grant(0), ROOT), bySector()]) {
      for (const signatures of [nativeSignatures, portable]) {
        const trusted = checkToken(token, policy({ signatures })) as TrustedToken;
        assert.deepEqual(trusted.capabilities, ["pay", "read", "refund"]);
        assert.deepEqual([trusted.holderRow, trusted.from, trusted.to], [310, 300, 600]);
      }
    }
  });

  test("passed on three times holds for the last holder; a fifth link is not made", () => {
    let token = bySector();
    for (let place = 1; place < MAX_TOKEN_LINKS; place++) token = passed(token, place);
    const trusted = checkToken(token, policy()) as TrustedToken;
    assert.deepEqual([...trusted.holders], [310, 311, 312, 313]);
    assert.equal(attenuateToken(token, grant(3), HOLDERS[3]), "depth");
  });

  const wrong: [what: string, fault: TokenFault, token: () => Uint8Array][] = [
    ["more capabilities", "widened", () => passed(bySector(), 1, { capabilities: ["mint"] })],
    [
      "another capability beside those",
      "widened",
      () => passed(bySector(), 1, { capabilities: ["pay", "q"] }),
    ],
    ["more rows", "widened", () => passed(bySector({ to: 400 }), 1, { to: 401 })],
    ["rows before", "widened", () => passed(bySector({ from: 310 }), 1, { from: 309 })],
    ["a later end", "widened", () => passed(bySector(), 1, { notAfterMs: NOW_MS + 60_001 })],
    ["an earlier begin", "widened", () => passed(bySector(), 1, { notBeforeMs: NOW_MS - 1 })],
    ["rows of another sector", "widened", () => bySector({ from: 299 })],
    [
      "more than a token's life",
      "lifetime",
      () => bySector({ notAfterMs: NOW_MS + TOKEN_LIFETIME_MS + 1 }),
    ],
    ["a later begin than now", "not-yet", () => bySector({ notBeforeMs: NOW_MS + 1 })],
    [
      "an end that has come",
      "expired",
      () => bySector({ notBeforeMs: NOW_MS - 9, notAfterMs: NOW_MS }),
    ],
    ["another mesh", "mesh", () => bySector({ meshId: new Uint8Array(16) })],
    ["another key than the holder's", "issuer", () => passed(bySector(), 1, {}, HOLDERS[2])],
    ["an agent that issues", "issuer", () => issueToken(grant(0), HOLDERS[0], [sector])],
    ["a sector's key without its certificate", "issuer", () => issueToken(grant(0), SECTOR)],
    [
      "the root's certificate as a sector's",
      "issuer-kind",
      () => issueToken(grant(0), ROOT, [root]),
    ],
  ];
  test.each(wrong)("with %s is refused: %s", (_, fault, token) => {
    assert.equal(faultOf(token()), fault);
  });

  test("with anything behind its last link, or its names in another way than the one, is refused", () => {
    const token = issueToken(grant(0), ROOT);
    assert.equal(faultOf(Buffer.concat([token, Buffer.alloc(1)])), "length");
    const written = (names: string): Uint8Array => {
      const bent = new Uint8Array(token);
      bent.set(Buffer.from(names, "latin1"), 8 + 2 + 136);
      return bent;
    };
    assert.equal(faultOf(written("\x03pay\x04read\x06refund")), "holds");
    assert.equal(faultOf(written("\x04read\x03pay\x06refund")), "form");
    assert.equal(faultOf(written("\x03pay\x04read\x06r\xfffund")), "form");
  });

  test("of a parent that was swapped for another one of the same holder is refused", () => {
    const [one, other] = [bySector(), bySector({ serial: 99 })];
    const child = passed(one, 1);
    assert.equal(faultOf(child), "holds");
    const spliced = new Uint8Array(child);
    spliced.set(other.subarray(8 + 168), 8 + 168);
    assert.equal(faultOf(spliced), "issuer");
  });

  test("ends with the revocation of any who held it, and with its issuer's", () => {
    const token = passed(bySector(), 1);
    for (const row of [310, 311])
      assert.equal(faultOf(token, { isRevokedRow: (given) => given === row }), "revoked");
    const revoked = revoke(NOTHING_REVOKED, { from: 300, to: 600, before: 2 }, NOW_MS);
    assert.equal(faultOf(token, { revoked }), "issuer: revoked");
  });

  test("with any bit flipped is refused", () => {
    const token = passed(bySector({ capabilities: ["pay"] }), 1, { capabilities: ["pay"] });
    for (let bit = 0; bit < token.length * 8; bit++) {
      const bent = new Uint8Array(token);
      bent[bit >>> 3] ^= 1 << (bit & 7);
      assert.notEqual(faultOf(bent), "holds", `bit ${bit}`);
    }
  });

  test("no chain of attenuations ever widens", () => {
    const names = ["a", "b", "c", "d", "e"];
    const step = fc.record({
      capabilities: fc.subarray(names, { minLength: 1 }),
      from: fc.integer({ min: 300, max: 309 }),
      to: fc.integer({ min: 310, max: 320 }),
      notBeforeMs: fc.integer({ min: NOW_MS - 3, max: NOW_MS }),
      notAfterMs: fc.integer({ min: NOW_MS + 1, max: NOW_MS + 4 }),
      honest: fc.boolean(),
    });
    const steps = fc.array(step, { minLength: 1, maxLength: MAX_TOKEN_LINKS });
    let held = 0;
    fc.assert(
      fc.property(steps, (grants) => {
        let token: Uint8Array | undefined;
        let bound = grants[0];
        let isPart = true;
        for (const [place, wish] of grants.entries()) {
          // Half of the steps take what they like, the others only what they were given.
          const wanted =
            place === 0 || !wish.honest
              ? wish
              : {
                  ...wish,
                  from: Math.max(wish.from, bound.from),
                  to: Math.min(wish.to, bound.to),
                  notBeforeMs: Math.max(wish.notBeforeMs, bound.notBeforeMs),
                  notAfterMs: Math.min(wish.notAfterMs, bound.notAfterMs),
                  capabilities: bound.capabilities.filter((name) =>
                    wish.capabilities.includes(name),
                  ),
                };
          if (wanted.capabilities.length === 0) return;
          isPart &&=
            wanted.from >= bound.from &&
            wanted.to <= bound.to &&
            wanted.notBeforeMs >= bound.notBeforeMs &&
            wanted.notAfterMs <= bound.notAfterMs &&
            wanted.capabilities.every((name) => bound.capabilities.includes(name));
          token = token === undefined ? bySector(wanted) : passed(token, place, wanted);
          bound = wanted;
        }
        const found = checkToken(token as Uint8Array, policy());
        assert.equal(typeof found !== "string", isPart, String(found));
        if (typeof found !== "string") held++;
      }),
      { numRuns: 400 },
    );
    assert(held > 40, `only ${held} of 400 held`);
  });
});
