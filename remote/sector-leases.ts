/**
 * Which node runs which sector: leases in a bucket that all nodes share, written by compare-and-set. Pure: time comes
 * in, entries of the bucket come in, writes go out, and whoever owns it carries them.
 *
 * A node renews one record about itself; its posts (sectors, and the orchestrator's role) are its as long as that
 * lives. Others who see no change of it for longer than a lease, by their own clocks, declare it dead in that very
 * record: of that write and its next renewal only one can hold, so it learns of it. Only then are its posts free, and
 * each is taken under the next epoch, which fences whatever its last holder still says. No clock is compared with
 * another's.
 */
import {
  type LeaseWrite,
  type LeaseWritten,
  type NodeRecord,
  nodeKey,
  nodeOf,
  type PostRecord,
  postKey,
  postOf,
} from "./lease-records.ts";

/** What a node says of itself, and what it may do. */
export interface LeaseOptions {
  readonly name: string;
  /** Another at each start, and after each time that it was declared dead. */
  readonly incarnation: string;
  readonly sectors: number;
  /** A node that has not renewed for so long may be declared dead, ms. */
  readonly leaseMs: number;
  /** Nodes that are expected: until they are there each takes only its share of what nobody ever had. Default 1. */
  readonly expected?: number;
  /** For so long, ms. Default 30,000. */
  readonly patienceMs?: number;
}

/** What has changed for this node. */
export type LeaseChange =
  /** A post is its own from now on; `again` when it was the last to hold it. */
  | {
      readonly kind: "gained";
      readonly post: number;
      readonly epoch: number;
      readonly again: boolean;
    }
  /** A post is another's by now: what this node still does there does not count. */
  | { readonly kind: "lost"; readonly post: number }
  /** It is to give this one up in good order, and then to `release` it. */
  | { readonly kind: "to-give-up"; readonly post: number }
  /** Somebody else holds it, or nobody. */
  | { readonly kind: "elsewhere"; readonly post: number; readonly host: PostHost | undefined }
  /** It was declared dead, and begins anew under another incarnation. */
  | { readonly kind: "declared-dead" };

/** A node that holds a post. */
export interface PostHost {
  readonly node: string;
  readonly incarnation: string;
  readonly epoch: number;
}

/** A node as this one sees it. */
export interface SeenNode extends NodeRecord {
  readonly name: string;
  /** When its record changed last, by this node's clock. */
  readonly changedMs: number;
  readonly posts: number;
}

interface Seen {
  record: NodeRecord;
  revision: number;
  changedMs: number;
}

interface Post {
  record: PostRecord | undefined;
  revision: number;
  /** A write of this node is on its way. */
  writing: boolean;
  /** Its own, and being given up. */
  leaving: boolean;
}

/** Renewals in a lease, and how much longer than it others wait. */
const RENEWALS = 4;
const MARGIN = 1.25;
/** Writes of posts that are out at once. */
const WRITES = 64;

/** One node's side of the leases. */
export class SectorLeases {
  readonly #options: LeaseOptions;
  readonly #nodes = new Map<string, Seen>();
  readonly #posts: Post[];
  readonly #changes: LeaseChange[] = [];
  #incarnation: string;
  #generation = 0;
  #beat = 0;
  /** When each renewal that may still be told of was begun, by its beat. */
  readonly #begun = new Map<number, number>();
  #renewing = false;
  #renewAtMs = Number.NEGATIVE_INFINITY;
  #validUntilMs = Number.NEGATIVE_INFINITY;
  #joinedMs = Number.NaN;
  #draining = false;
  #left = false;
  #declared = new Set<string>();
  #writing = 0;

  constructor(options: LeaseOptions) {
    this.#options = options;
    this.#incarnation = options.incarnation;
    this.#posts = Array.from({ length: options.sectors + 1 }, () => ({
      record: undefined,
      revision: 0,
      writing: false,
      leaving: false,
    }));
  }

  get name(): string {
    return this.#options.name;
  }

  get incarnation(): string {
    return this.#incarnation;
  }

  /** Until when nobody can have declared this node dead, by its own clock, ms. */
  get validUntilMs(): number {
    return this.#validUntilMs;
  }

  /** Whether this node believes to hold the post. */
  holds(post: number): boolean {
    const { record } = this.#posts[post];
    return record?.node === this.name && record.incarnation === this.#incarnation;
  }

  /** Posts that it holds; the orchestrator's role is not counted. */
  get held(): number {
    let held = 0;
    for (let post = 0; post < this.#options.sectors; post++) if (this.holds(post)) held++;
    return held;
  }

  /** The highest epoch known of a post; 0 when nobody ever held it. */
  epochOf(post: number): number {
    return this.#posts[post].record?.epoch ?? 0;
  }

  /** Who holds a post; undefined when nobody does who is not dead. */
  hostOf(post: number): PostHost | undefined {
    const { record } = this.#posts[post];
    if (record?.node === undefined || record.incarnation === undefined) return undefined;
    if (!this.#isUp(record.node, record.incarnation)) return undefined;
    return { node: record.node, incarnation: record.incarnation, epoch: record.epoch };
  }

  /** The nodes that have been heard of and are not dead, by name. */
  get nodes(): readonly SeenNode[] {
    const counts = new Map<string, number>();
    for (const { record } of this.#posts.slice(0, this.#options.sectors))
      if (record?.node !== undefined) counts.set(record.node, (counts.get(record.node) ?? 0) + 1);
    return [...this.#nodes]
      .filter(([, { record }]) => record.state !== "dead")
      .map(([name, { record, changedMs }]) => ({
        ...record,
        name,
        changedMs,
        posts: counts.get(name) ?? 0,
      }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** What has changed since the last call, in order. */
  takeChanges(): LeaseChange[] {
    return this.#changes.splice(0);
  }

  /** An entry of the bucket as it is now. */
  onEntry(key: string, value: NodeRecord | PostRecord, revision: number, nowMs: number): void {
    const node = nodeOf(key);
    if (node !== undefined) this.#onNode(node, value as NodeRecord, revision, nowMs);
    const post = postOf(key, this.#options.sectors);
    if (post >= 0) this.#onPost(post, value as PostRecord, revision);
  }

  /** The bucket was lost and is empty: who held what goes on holding it, and says so again. */
  onReset(nowMs: number): void {
    for (const seen of this.#nodes.values()) {
      seen.revision = 0;
      seen.changedMs = nowMs;
    }
    for (const post of this.#posts) post.revision = 0;
    this.#declared.clear();
    this.#renewAtMs = Number.NEGATIVE_INFINITY;
  }

  /** What became of a write. */
  onWritten(write: LeaseWrite, written: LeaseWritten, nowMs: number): void {
    const post = postOf(write.key, this.#options.sectors);
    if (post >= 0) {
      this.#writing--;
      this.#posts[post].writing = false;
      if (written.ok) this.#onPost(post, write.value as PostRecord, written.revision);
      return;
    }
    const node = nodeOf(write.key) as string;
    this.#declared.delete(node);
    if (node === this.name) this.#renewing = false;
    if (written.ok) this.#onNode(node, write.value as NodeRecord, written.revision, nowMs);
  }

  /** Gives a post back that was to be given up, and no longer is worked at. */
  release(post: number): LeaseWrite | undefined {
    const entry = this.#posts[post];
    if (!this.holds(post) || entry.writing) return undefined;
    return this.#write(post, { epoch: (entry.record as PostRecord).epoch });
  }

  /** From now on takes no posts, and gives up those that it has. */
  drain(): void {
    this.#draining = true;
    this.#renewAtMs = Number.NEGATIVE_INFINITY;
  }

  /** Its last word, when it holds nothing any more. */
  farewell(): LeaseWrite {
    this.#left = true;
    const record: NodeRecord = {
      incarnation: this.#incarnation,
      beat: ++this.#beat,
      state: "dead",
    };
    return { key: nodeKey(this.name), value: record, revision: this.#ownRevision };
  }

  /** What is to be written now. */
  tick(nowMs: number): LeaseWrite[] {
    if (Number.isNaN(this.#joinedMs)) this.#joinedMs = nowMs;
    const writes = [...this.#renewal(nowMs), ...this.#declarations(nowMs)];
    if (nowMs < this.#validUntilMs) writes.push(...this.#assertions(), ...this.#claims(nowMs));
    return writes;
  }

  #renewal(nowMs: number): LeaseWrite[] {
    if (this.#renewing || nowMs < this.#renewAtMs) return [];
    this.#renewing = true;
    this.#renewAtMs = nowMs + this.#options.leaseMs / RENEWALS;
    this.#begun.set(++this.#beat, nowMs);
    for (const beat of this.#begun.keys()) if (beat < this.#beat - 16) this.#begun.delete(beat);
    const state = this.#draining ? "draining" : "alive";
    const value: NodeRecord = { incarnation: this.#incarnation, beat: this.#beat, state };
    return [{ key: nodeKey(this.name), value, revision: this.#ownRevision }];
  }

  /** Declares dead who has not changed for longer than its lease. Who cannot write itself declares nobody. */
  #declarations(nowMs: number): LeaseWrite[] {
    const writes: LeaseWrite[] = [];
    for (const [name, { record, revision, changedMs }] of this.#nodes) {
      if (name === this.name || record.state === "dead" || this.#declared.has(name)) continue;
      if (nowMs - changedMs < this.#options.leaseMs * MARGIN) continue;
      this.#declared.add(name);
      writes.push({ key: nodeKey(name), value: { ...record, state: "dead" }, revision });
    }
    return writes;
  }

  /** Says again what it holds, where the bucket has lost it. */
  #assertions(): LeaseWrite[] {
    const writes: LeaseWrite[] = [];
    for (let post = 0; post < this.#posts.length && this.#writing < WRITES; post++) {
      const entry = this.#posts[post];
      if (entry.revision === 0 && !entry.writing && this.holds(post))
        writes.push(this.#write(post, entry.record as PostRecord));
    }
    return writes;
  }

  #claims(nowMs: number): LeaseWrite[] {
    const { sectors, expected = 1, patienceMs = 30_000 } = this.#options;
    const up = this.nodes.filter(({ state }) => state === "alive");
    const rank = up.findIndex(({ name }) => name === this.name);
    if (this.#draining) this.#giveUp(sectors + 1);
    if (rank < 0 || this.#draining) return [];
    const isPatient = nowMs - this.#joinedMs < patienceMs;
    const share = Math.ceil(sectors / up.length);
    const first = isPatient ? Math.ceil(sectors / Math.max(up.length, expected)) : share;
    const writes: LeaseWrite[] = [];
    let held = this.held;
    // Each begins where its share would: nodes that claim at once then seldom want the same.
    for (let i = 0; i < sectors && this.#writing < WRITES; i++) {
      const post = (rank * share + i) % sectors;
      const { record, writing } = this.#posts[post];
      if (writing) {
        if (!this.holds(post)) held++;
        continue;
      }
      if (this.#isTaken(post) || held >= (record === undefined ? first : share)) continue;
      held++;
      writes.push(this.#claim(post));
    }
    if (!this.#isTaken(sectors) && !this.#posts[sectors].writing) writes.push(this.#claim(sectors));
    // Whoever has more than its share gives the rest up, where somebody has room for it.
    if (up.some(({ posts, name }) => name !== this.name && posts < Math.floor(sectors / up.length)))
      this.#giveUp(this.held - share);
    return writes;
  }

  #giveUp(count: number): void {
    let left = count;
    for (const { leaving } of this.#posts) if (leaving) left--;
    for (let post = this.#posts.length - 1; post >= 0 && left > 0; post--) {
      const entry = this.#posts[post];
      if (!this.holds(post) || entry.leaving || entry.writing) continue;
      if (post === this.#options.sectors && !this.#draining) continue;
      entry.leaving = true;
      left--;
      this.#changes.push({ kind: "to-give-up", post });
    }
  }

  #claim(post: number): LeaseWrite {
    return this.#write(post, {
      node: this.name,
      incarnation: this.#incarnation,
      epoch: this.epochOf(post) + 1,
    });
  }

  #write(post: number, record: PostRecord): LeaseWrite {
    const entry = this.#posts[post];
    entry.writing = true;
    this.#writing++;
    const key = postKey(post, this.#options.sectors);
    return { key, value: record, revision: entry.revision };
  }

  /** Whether somebody holds it who is not dead, this node included. */
  #isTaken(post: number): boolean {
    const { record } = this.#posts[post];
    if (record?.node === undefined) return false;
    return this.#isUp(record.node, record.incarnation as string);
  }

  #isUp(name: string, incarnation: string): boolean {
    if (name === this.name) return incarnation === this.#incarnation;
    const seen = this.#nodes.get(name);
    // A holder that nothing is known of yet is believed until its own record is read.
    if (seen === undefined) return true;
    return seen.record.incarnation === incarnation && seen.record.state !== "dead";
  }

  get #ownRevision(): number {
    return this.#nodes.get(this.name)?.revision ?? 0;
  }

  #onNode(name: string, record: NodeRecord, revision: number, nowMs: number): void {
    const seen = this.#nodes.get(name);
    if (seen !== undefined && revision <= seen.revision) return;
    const before = this.#upPosts(name);
    this.#nodes.set(name, { record, revision, changedMs: nowMs });
    if (name === this.name) this.#onOwn(record);
    for (const post of before) if (this.hostOf(post) === undefined) this.#tellOf(post);
  }

  /** Posts whose holder is this node as far as is known. */
  #upPosts(name: string): number[] {
    const posts: number[] = [];
    for (let post = 0; post < this.#posts.length; post++)
      if (name !== this.name && this.hostOf(post)?.node === name) posts.push(post);
    return posts;
  }

  #onOwn(record: NodeRecord): void {
    const { leaseMs } = this.#options;
    if (this.#left) return;
    if (record.incarnation === this.#incarnation && record.state !== "dead") {
      const begunMs = this.#begun.get(record.beat);
      if (begunMs !== undefined)
        this.#validUntilMs = Math.max(this.#validUntilMs, begunMs + leaseMs);
      return;
    }
    // A record of before this start: the next renewal replaces it, and frees what it held.
    if (
      this.#validUntilMs === Number.NEGATIVE_INFINITY &&
      record.incarnation !== this.#incarnation
    ) {
      this.#renewAtMs = Number.NEGATIVE_INFINITY;
      return;
    }
    this.#beginAnew();
  }

  /** Somebody has declared it dead, or goes by its name. */
  #beginAnew(): void {
    const held: number[] = [];
    for (let post = 0; post < this.#posts.length; post++) if (this.holds(post)) held.push(post);
    this.#incarnation = `${this.#options.incarnation}-${++this.#generation}`;
    this.#validUntilMs = Number.NEGATIVE_INFINITY;
    this.#renewAtMs = Number.NEGATIVE_INFINITY;
    this.#begun.clear();
    this.#changes.push({ kind: "declared-dead" });
    for (const post of held) this.#lose(post);
  }

  #lose(post: number): void {
    this.#posts[post].leaving = false;
    this.#changes.push({ kind: "lost", post });
    this.#tellOf(post);
  }

  #tellOf(post: number): void {
    this.#changes.push({ kind: "elsewhere", post, host: this.hostOf(post) });
  }

  #onPost(post: number, record: PostRecord, revision: number): void {
    const entry = this.#posts[post];
    if (revision <= entry.revision) return;
    const held = this.holds(post);
    const before = entry.record;
    // A bucket that has lost its memory may be given an older word than what is known.
    if (before !== undefined && record.epoch < before.epoch) {
      entry.revision = revision;
      entry.record = { ...record, epoch: before.epoch };
      if (held) this.#lose(post);
      return;
    }
    entry.revision = revision;
    entry.record = record;
    const holds = this.holds(post);
    if (holds && (!held || before?.epoch !== record.epoch)) {
      const again = before?.node === this.name;
      this.#changes.push({ kind: "gained", post, epoch: record.epoch, again });
    } else if (held && !holds) {
      if (record.node === undefined) entry.leaving = false;
      if (record.node !== undefined) this.#lose(post);
      else this.#tellOf(post);
    } else if (!holds) this.#tellOf(post);
  }
}
