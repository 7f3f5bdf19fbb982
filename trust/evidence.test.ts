import { randomInt } from "node:crypto";
import fc from "fast-check";
import { assert, beforeAll, describe, test } from "vitest";
import { EvidenceTap, NOW_MS, TrustLanes } from "../test/trust-lanes.ts";
import { type Certificate, readCertificate } from "./certificate.ts";
import { EVIDENCE_FORMAT, type Evidence, verifyEvidence } from "./evidence.ts";
import { fingerprintOf, issueAgent, issueRoot, issueSector, issueSession } from "./identity.ts";
import { nativeSignatures } from "./native-signatures.ts";
import { NOTHING_REVOKED, revoke, writeRevocations } from "./revocation.ts";

const check = { signatures: nativeSignatures };
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const key = (byte: number): ReturnType<typeof nativeSignatures.signer> =>
  nativeSignatures.signer(new Uint8Array(32).fill(byte));

let lanes: TrustLanes;
let honest: Evidence;
beforeAll(() => {
  lanes = new TrustLanes();
  const tap = new EvidenceTap(lanes.tap);
  tap.want(5);
  lanes.send([...Array(20).keys()].map((i) => `message ${i}`));
  lanes.send(["of somebody else", "the one"], 4);
  lanes.send(["another", "wanted", "third"], 5);
  lanes.drain();
  const found = tap.take();
  if (found === undefined) throw new Error("nothing was left");
  const posted = lanes.memory.find(1, 1) ?? [];
  honest = {
    format: EVIDENCE_FORMAT,
    frame: hex(found.frame),
    header: hex(found.header),
    index: found.index,
    proof: found.levels.map(hex),
    lane: { target: found.target, urgent: found.urgent },
    session: [lanes.plan.root, ...posted].map(hex),
    identity: [],
    revoked: "",
  };
});

function fault(evidence: unknown, root?: string): string {
  const found = verifyEvidence(evidence, { ...check, root });
  return typeof found === "string" ? found : "holds";
}

describe("evidence", () => {
  test("of the next message of a row proves who sent what by which thread", () => {
    const found = verifyEvidence(JSON.parse(JSON.stringify(honest)), check);
    if (typeof found === "string") return assert.fail(found);
    assert.equal(Buffer.from(found.payload ?? "", "hex").toString(), "another");
    assert.deepInclude(found, { sender: 5, target: 12, thread: 1, epoch: 1, agentProven: false });
    assert.equal(fault(honest, found.root), "holds");
    assert.equal(fault(honest, "0".repeat(32)), "root");
  });

  test("no bit of any of its pieces can be another", () => {
    const seed = randomInt(2 ** 31);
    const pieces = ["frame", "header", "proof", "session"] as const;
    for (const piece of pieces) {
      const list = [honest[piece]].flat();
      for (const [place, text] of list.entries()) {
        for (let bit = seed % 11; bit < text.length * 4; bit += 11) {
          const bytes = Buffer.from(text, "hex");
          bytes[bit >>> 3] ^= 1 << (bit & 7);
          const bent = [...list];
          bent[place] = bytes.toString("hex");
          const evidence = { ...honest, [piece]: Array.isArray(honest[piece]) ? bent : bent[0] };
          assert.notEqual(fault(evidence), "holds", `seed ${seed}: ${piece} ${place}, bit ${bit}`);
        }
      }
    }
    for (const index of [1, 2, 3, -1, 0.5]) assert.notEqual(fault({ ...honest, index }), "holds");
    for (const lane of [
      { target: 1, urgent: false },
      { target: 2, urgent: true },
    ])
      assert.equal(fault({ ...honest, lane }), "signature");
  });

  test("whatever a file may hold, it is no crash and no evidence", () => {
    const seed = randomInt(2 ** 31);
    fc.assert(
      fc.property(fc.anything(), (value) => fault(value) !== "holds"),
      { seed, numRuns: 500 },
    );
    const fields = fc.record(
      Object.fromEntries(Object.keys(honest).map((name) => [name, fc.anything()])),
      { requiredKeys: [] },
    );
    const law = fc.property(fields, (some) => {
      const mixed = { ...honest, ...some };
      return Object.keys(some).length === 0 || fault(mixed) !== "holds" || same(mixed, honest);
    });
    fc.assert(law, { seed, numRuns: 500 });
  });

  test("the sender's own identity vouches for it, and no other's, in time and unrevoked", () => {
    const root = key(1);
    const meshId = new Uint8Array(16).fill(6);
    const issue = { meshId, serial: 3, nowMs: NOW_MS - 1_000 };
    const own = new TrustLanes({ meshId, signer: key(2), root });
    const tap = new EvidenceTap(own.tap);
    tap.want(5);
    own.send(["mine"], 5);
    own.drain();
    const found = tap.take();
    const posted = own.memory.find(1, 1);
    if (found === undefined || posted === undefined) return assert.fail("nothing was left");
    const session = readCertificate(posted[1]) as Certificate;
    const rootBytes = issueRoot(root, { ...issue, serial: 1 });
    const sector = issueSector(key(3).publicKey, root, 0, 10, issue);
    const chainOf = (row: number, to = session.publicKey, epoch = 1): string[] => {
      const agent = issueAgent(key(40 + row).publicKey, key(3), row, issue);
      const rows = { from: row, to: row + 1 };
      const { notBeforeMs: nowMs, notAfterMs } = session;
      const about = { ...issue, ...rows, nowMs, notAfterMs, thread: 1, epoch };
      return [rootBytes, sector, agent, issueSession(to, key(40 + row), about)].map(hex);
    };
    const evidence = (identity: string[], revoked = ""): Evidence => ({
      ...honest,
      frame: hex(found.frame),
      header: hex(found.header),
      index: found.index,
      proof: found.levels.map(hex),
      session: [own.plan.root, ...posted].map(hex),
      identity,
      revoked,
    });
    const held = verifyEvidence(evidence(chainOf(5)), check);
    assert.isTrue(typeof held !== "string" && held.agentProven, String(held));
    if (typeof held !== "string") assert.equal(held.root, fingerprintOf(root.publicKey));
    assert.equal(fault(evidence(chainOf(6))), "sender");
    assert.equal(fault(evidence(chainOf(5, key(9).publicKey))), "sender");
    assert.equal(fault(evidence(chainOf(5, session.publicKey, 2))), "sender");
    assert.equal(fault(evidence(chainOf(5).slice(0, 3))), "sender");
    assert.equal(fault(evidence(chainOf(5).slice(1))), "identity: issuer-kind");
    const list = revoke(NOTHING_REVOKED, { from: 5, to: 6, before: 9 }, NOW_MS);
    const revoked = hex(writeRevocations(list, meshId, root));
    assert.equal(fault(evidence(chainOf(5), revoked)), "identity: revoked");
    const forged = hex(writeRevocations(list, meshId, key(7)));
    assert.equal(fault(evidence(chainOf(5), forged)), "revoked: signature");
  });
});

function same(a: object, b: object): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
