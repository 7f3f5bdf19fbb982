import * as fc from "fast-check";
import { assert, describe, test } from "vitest";
import type { LeaseWrite, LeaseWritten, NodeRecord, PostRecord } from "./lease-records.ts";
import { type LeaseChange, SectorLeases } from "./sector-leases.ts";

const LEASE_MS = 1_000;
const TICK_MS = 50;

/** The bucket: one record a key, written by compare-and-set. */
class Bucket {
  readonly records = new Map<string, { value: NodeRecord | PostRecord; revision: number }>();
  #revision = 0;

  write({ key, value, revision }: LeaseWrite): LeaseWritten {
    if ((this.records.get(key)?.revision ?? 0) !== revision) return { ok: false, why: "conflict" };
    this.records.set(key, { value, revision: ++this.#revision });
    return { ok: true, revision: this.#revision };
  }
}

/** A node with a connection that can be cut, and a clock that is off and runs at a rate of its own. */
class Node {
  readonly leases: SectorLeases;
  readonly changes: LeaseChange[] = [];
  readonly #offsetMs: number;
  cut = false;
  paused = false;
  gone = false;
  #seen = new Map<string, number>();
  /** Posts that it works at, by what it was told, under which epoch. */
  readonly at = new Map<number, number>();

  constructor(name: string, sectors: number, offsetMs: number, expected: number, run = 1) {
    this.#offsetMs = offsetMs;
    this.leases = new SectorLeases({
      name,
      incarnation: `${name}${run}`,
      sectors,
      leaseMs: LEASE_MS,
      expected,
      patienceMs: 3_000,
    });
  }

  nowMs(atMs: number): number {
    return atMs + this.#offsetMs;
  }

  step(atMs: number, bucket: Bucket, isLost: () => boolean): void {
    if (this.gone || this.paused) return;
    const nowMs = this.nowMs(atMs);
    if (!this.cut) this.#read(bucket, nowMs);
    this.#obey();
    for (const write of this.leases.tick(nowMs)) this.#write(write, bucket, nowMs, isLost);
    this.#obey();
    for (const post of [...this.#leaving]) {
      this.at.delete(post);
      const write = this.leases.release(post);
      // Its word may have been lost: it is said until it holds.
      if (write !== undefined) this.#write(write, bucket, nowMs, isLost);
      else if (!this.leases.holds(post)) this.#leaving.delete(post);
    }
  }

  #read(bucket: Bucket, nowMs: number): void {
    for (const [key, { value, revision }] of bucket.records) {
      if (this.#seen.get(key) === revision) continue;
      this.#seen.set(key, revision);
      this.leases.onEntry(key, value, revision, nowMs);
    }
  }

  #write(write: LeaseWrite, bucket: Bucket, nowMs: number, isLost: () => boolean): void {
    // The word may be lost on its way, or the answer to it.
    if (this.cut || isLost()) {
      this.leases.onWritten(write, { ok: false, why: "unknown" }, nowMs);
      return;
    }
    const written = bucket.write(write);
    this.leases.onWritten(write, isLost() ? { ok: false, why: "unknown" } : written, nowMs);
  }

  readonly #leaving = new Set<number>();

  #obey(): void {
    for (const change of this.leases.takeChanges()) {
      this.changes.push(change);
      if (change.kind === "gained") this.at.set(change.post, change.epoch);
      else if (change.kind === "lost") this.at.delete(change.post);
      else if (change.kind === "to-give-up") this.#leaving.add(change.post);
    }
  }
}

/** Who works at each post, under which epoch. */
function workers(nodes: readonly Node[], post: number): number[] {
  return nodes
    .filter((node) => !node.gone && node.at.has(post))
    .map((node) => node.at.get(post) ?? 0);
}

function run(nodes: readonly Node[], bucket: Bucket, fromMs: number, toMs: number): void {
  for (let atMs = fromMs; atMs < toMs; atMs += TICK_MS)
    for (const node of nodes) node.step(atMs, bucket, () => false);
}

describe("leases of sectors", () => {
  test("two nodes that expect each other have half of the sectors each, and one the orchestrator's role", () => {
    const bucket = new Bucket();
    const nodes = [new Node("a", 10, 0, 2), new Node("b", 10, 777, 2)];
    run(nodes, bucket, 0, 1_000);
    assert.deepEqual(
      nodes.map(({ leases }) => leases.held),
      [5, 5],
    );
    assert.lengthOf(workers(nodes, 10), 1);
  });

  test("the sectors of a node that is silent are another's after its lease, under the next epoch", () => {
    const bucket = new Bucket();
    const [a, b] = [new Node("a", 6, 0, 2), new Node("b", 6, 0, 2)];
    run([a, b], bucket, 0, 1_000);
    b.gone = true;
    run([a, b], bucket, 1_000, 1_800);
    assert.equal(a.leases.held, 3, "not before its lease has ended");
    run([a, b], bucket, 1_800, 3_000);
    assert.equal(a.leases.held, 6);
    const epochs = a.changes.flatMap((change) => (change.kind === "gained" ? [change.epoch] : []));
    assert.equal(Math.max(...epochs), 2);
  });

  test("a node that comes to one that has all gets its share, given up in good order", () => {
    const bucket = new Bucket();
    const [a, b] = [new Node("a", 6, 0, 1), new Node("b", 6, 0, 1)];
    run([a], bucket, 0, 1_000);
    assert.equal(a.leases.held, 6);
    run([a, b], bucket, 1_000, 3_000);
    assert.deepEqual([a.leases.held, b.leases.held], [3, 3]);
    assert.isFalse(a.changes.some(({ kind }) => kind === "lost"));
  });

  test("a node that drains gives all to the others", () => {
    const bucket = new Bucket();
    const [a, b] = [new Node("a", 6, 0, 2), new Node("b", 6, 0, 2)];
    run([a, b], bucket, 0, 1_000);
    b.leases.drain();
    run([a, b], bucket, 1_000, 2_000);
    assert.deepEqual([a.leases.held, b.leases.held], [6, 0]);
    assert.equal(a.leases.hostOf(6)?.node, "a");
  });

  test("a node that was given up while it was paused learns of it with its next renewal", () => {
    const bucket = new Bucket();
    const [a, b] = [new Node("a", 6, 0, 2), new Node("b", 6, 0, 2)];
    run([a, b], bucket, 0, 1_000);
    b.paused = true;
    run([a, b], bucket, 1_000, 4_000);
    b.paused = false;
    run([a, b], bucket, 4_000, 4_000 + TICK_MS);
    assert.isTrue(b.changes.some(({ kind }) => kind === "declared-dead"));
    assert.equal(b.changes.filter(({ kind }) => kind === "lost").length, 3);
    run([a, b], bucket, 4_050, 6_000);
    assert.equal(a.leases.held + b.leases.held, 6);
  });

  test("a bucket that is lost is written again by those who hold what was in it", () => {
    const bucket = new Bucket();
    const nodes = [new Node("a", 6, 0, 2), new Node("b", 6, 0, 2)];
    run(nodes, bucket, 0, 1_000);
    const empty = new Bucket();
    for (const node of nodes) node.leases.onReset(node.nowMs(1_000));
    run(nodes, empty, 1_000, 3_000);
    assert.deepEqual(
      nodes.map(({ leases }) => leases.held),
      [3, 3],
    );
    assert.isFalse(nodes.some(({ changes }) => changes.some(({ kind }) => kind === "lost")));
    assert.equal(empty.records.size, 2 + 7);
  });

  test("an older word that a bucket without memory is given does not take an epoch back", () => {
    const bucket = new Bucket();
    const node = new Node("a", 1, 0, 1);
    run([node], bucket, 0, 1_000);
    const epoch = node.leases.epochOf(0);
    node.leases.onEntry("sector.1", { node: "z", incarnation: "z1", epoch: 0 }, 1_000, 1_000);
    assert.equal(node.leases.epochOf(0), epoch);
    assert.isFalse(node.leases.holds(0));
  });

  test("who cannot renew its own lease takes no post", () => {
    const node = new Node("a", 2, 0, 1);
    const writesAt = (nowMs: number): string[] => node.leases.tick(nowMs).map(({ key }) => key);
    assert.lengthOf(writesAt(0), 1);
    for (let nowMs = TICK_MS; nowMs < 3 * LEASE_MS; nowMs += TICK_MS)
      assert.notMatch(writesAt(nowMs).join(" "), /sector/);
  });

  test("whatever is cut, paused, killed or lost, no epoch has two holders, and in quiet each post has one", () => {
    const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
    process.stdout.write(`seed ${seed}\n`);
    const deed = fc.record({
      node: fc.integer({ min: 0, max: 2 }),
      what: fc.constantFrom("cut", "pause", "kill", "lose"),
      atMs: fc.integer({ min: 0, max: 8_000 }),
      forMs: fc.integer({ min: 100, max: 4_000 }),
    });
    fc.assert(
      fc.property(
        fc.array(deed, { maxLength: 8 }),
        fc.array(fc.integer({ min: 0, max: 99 }), { minLength: 8, maxLength: 64 }),
        fc.array(fc.integer({ min: -1e6, max: 1e6 }), { minLength: 3, maxLength: 3 }),
        (deeds, dice, offsets) => {
          const bucket = new Bucket();
          const nodes = offsets.map((offset, i) => new Node(`n${i}`, 7, offset, 2));
          const holders = new Map<string, string>();
          let thrown = 0;
          for (let atMs = 0; atMs < 20_000; atMs += TICK_MS) {
            const now = deeds.filter((each) => atMs >= each.atMs && atMs < each.atMs + each.forMs);
            const does = (node: number, what: string): boolean =>
              now.some((each) => each.node === node && each.what === what);
            nodes.forEach((node, i) => {
              node.cut = does(i, "cut");
              node.paused = does(i, "pause");
              if (does(i, "kill")) node.gone = true;
              else if (node.gone) nodes[i] = new Node(`n${i}`, 7, offsets[i], 2, atMs);
              const isLost = (): boolean => does(i, "lose") && dice[thrown++ % dice.length] < 40;
              nodes[i].step(atMs, bucket, isLost);
            });
            for (const node of nodes)
              for (const [post, epoch] of node.at) {
                const who = `${node.leases.incarnation}`;
                const key = `${post} ${epoch}`;
                if (node.leases.holds(post) && !holders.has(key)) holders.set(key, who);
                if (node.leases.holds(post)) assert.equal(holders.get(key), who, key);
              }
          }
          for (let post = 0; post <= 7; post++)
            assert.lengthOf(workers(nodes, post), 1, `post ${post}`);
        },
      ),
      { seed, numRuns: 60, endOnFailure: true },
    );
  });
});
