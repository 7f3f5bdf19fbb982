/**
 * A node among others: holds leases of sectors and has its mesh run those that it holds, keeps a link to each other
 * node, and tells what it sees. What it decides is in `sector-leases.ts` and `node-link.ts`; here it is carried out.
 */
import { MeshError } from "../actors/errors.ts";
import type { Clock, Log } from "../actors/ports.ts";
import { addressOf } from "../coordination/address.ts";
import { coordinatorOf } from "../coordination/topology.ts";
import { PayloadCodec } from "../mailbox/payload.ts";
import type { NodeOptions, NodeStatus, NodesStatus } from "../runtime/api/node-api.ts";
import type { Later } from "../runtime/machine/later.ts";
import type { NodeMessage } from "../runtime/nodes/node-message.ts";
import type { NodeSide } from "../runtime/nodes/node-side.ts";
import type { LeaseWrite, NodeRecord } from "./lease-records.ts";
import { nodeKey } from "./lease-records.ts";
import type { NodeBus } from "./node-bus.ts";
import { FRAME_MESSAGES, type LinkWord, NodeLink } from "./node-link.ts";
import { type LeaseChange, type PostHost, SectorLeases } from "./sector-leases.ts";
import { decodeWith, StateParcel } from "./state-parcel.ts";

/** Looks at leases and links in a lease. */
const LOOKS_A_LEASE = 16;
/** Longest time between two looks, ms. */
const MAX_LOOK_MS = 250;
/** How often what the agents are like is told, ms; and all of it, changed or not. */
const ROWS_MS = 1_000;
const ALL_ROWS_MS = 10_000;
/** After sectors have come here, ms. */
const FIRST_ROWS_MS = 100;
/** How long a node waits for its first sectors, and for those of others to be run, ms. */
const JOIN_MS = 60_000;

/** What a node needs. */
export interface MeshNodePorts {
  readonly options: Required<Pick<NodeOptions, "leaseMs" | "expected" | "patienceMs" | "drainMs">>;
  readonly name: string;
  /** Another at each start. */
  readonly incarnation: string;
  readonly bus: NodeBus;
  readonly side: NodeSide;
  readonly clock: Clock;
  readonly later: Later;
  /** Does something when the event loop has come round. */
  readonly soon: (act: () => void) => void;
  readonly log: Log;
  /** Something happened to a sector that a person has to know. */
  readonly onLoss: (address: string, sentence: string) => void;
}

/** Another node, in one incarnation. */
interface Peer {
  readonly key: string;
  readonly name: string;
  readonly incarnation: string;
  readonly link: NodeLink;
}

/** This mesh as a node. */
export class MeshNode {
  readonly #ports: MeshNodePorts;
  readonly #leases: SectorLeases;
  readonly #codec = new PayloadCodec();
  readonly #parcel: StateParcel;
  readonly #peers = new Map<string, Peer>();
  readonly #wanted = new Set<string>();
  /** By sector: what is done with it, one after the other. */
  readonly #moves = new Map<number, Promise<void>>();
  readonly #rowsTold = new Map<number, { readonly bytes: Uint8Array; readonly atMs: number }>();
  /** Posts that are given up, and only have to be written off. */
  readonly #released = new Set<number>();
  #pumping = false;
  #rowsAtMs = 0;
  #stopped = false;
  #callOff = (): void => {};

  constructor(ports: MeshNodePorts) {
    this.#ports = ports;
    const { name, incarnation, side, options } = ports;
    const { sectors } = side.topology;
    this.#leases = new SectorLeases({ ...options, name, incarnation, sectors });
    this.#parcel = new StateParcel(ports.bus, this.#codec);
    side.wanted = (node) => this.#want(node);
  }

  /** Resolves when every sector is run by some node, and those of this one are ready; or when that takes too long. */
  async join(signal?: AbortSignal): Promise<void> {
    const { bus, clock, name, options } = this.#ports;
    bus.subscribe(`link.*.${name}`, (bytes) => this.#onLink(bytes));
    bus.subscribe("rows.*", (bytes) => this.#onRows(bytes));
    await bus.watch({
      onEntry: (key, value, revision) => {
        this.#leases.onEntry(key, value, revision, clock.nowMs());
        this.#changed();
      },
      onReset: () => this.#leases.onReset(clock.nowMs()),
      onConnection: (connected) => {
        if (connected) this.#look();
      },
    });
    await this.#nobodyElse();
    this.#run();
    const endMs = clock.nowMs() + Math.max(JOIN_MS, options.patienceMs + options.leaseMs * 4);
    while (clock.nowMs() < endMs) {
      signal?.throwIfAborted();
      if (this.#isSettled()) return;
      await this.#wait(10);
    }
  }

  /** Whoever has this name already, and lives, keeps it. */
  async #nobodyElse(): Promise<void> {
    const { name, options, clock } = this.#ports;
    const before = this.#leases.nodes.find((node) => node.name === name);
    if (before === undefined) return;
    const endMs = clock.nowMs() + options.leaseMs * 0.5;
    while (clock.nowMs() < endMs) {
      await this.#wait(options.leaseMs / 16);
      const now = this.#leases.nodes.find((node) => node.name === name);
      if (now === undefined || now.beat === before.beat) continue;
      throw new MeshError(
        "MESH_NODE_NAME",
        `nodes.name: expected a name that no other node has, got ${name}, which is alive; use --node NAME`,
      );
    }
  }

  #isSettled(): boolean {
    const { side } = this.#ports;
    const { sectors } = side.topology;
    if (this.#moves.size > 0) return false;
    for (let sector = 0; sector < sectors; sector++) {
      if (this.#leases.holds(sector)) continue;
      if (this.#leases.hostOf(sector) === undefined || !side.isKnown(sector)) return false;
    }
    return true;
  }

  #run(): void {
    if (this.#stopped) return;
    this.#look();
    const everyMs = Math.min(MAX_LOOK_MS, this.#ports.options.leaseMs / LOOKS_A_LEASE);
    this.#callOff = this.#ports.later(everyMs, () => this.#run());
  }

  #look(): void {
    const { clock, side } = this.#ports;
    const nowMs = clock.nowMs();
    for (const write of this.#leases.tick(nowMs)) this.#write(write);
    for (const post of [...this.#released]) {
      const write = this.#leases.release(post);
      if (write !== undefined) this.#write(write);
      else if (!this.#leases.holds(post)) this.#released.delete(post);
    }
    this.#changed();
    this.#meet();
    for (const peer of this.#peers.values()) {
      for (const word of peer.link.tick(nowMs)) this.#say(peer, word);
      if (side.has(peer.key)) this.#want(peer.key);
    }
    if (nowMs < this.#rowsAtMs) return;
    this.#rowsAtMs = nowMs + ROWS_MS;
    side.sweep();
    this.#tellRows(nowMs);
  }

  #write(write: LeaseWrite): void {
    const { bus, clock } = this.#ports;
    bus.write(write).then((written) => {
      this.#leases.onWritten(write, written, clock.nowMs());
      this.#changed();
    });
  }

  #changed(): void {
    for (const change of this.#leases.takeChanges()) this.#onChange(change);
  }

  #onChange(change: LeaseChange): void {
    const { side, log, options, onLoss, name } = this.#ports;
    const { sectors } = side.topology;
    if (change.kind === "declared-dead") {
      log.warn({ node: name }, "this node was given up by the others, and begins anew");
      for (const peer of [...this.#peers.values()]) this.#part(peer);
      return;
    }
    const { post } = change;
    if (post === sectors) {
      if (change.kind === "to-give-up") this.#released.add(post);
      return;
    }
    switch (change.kind) {
      case "gained":
        this.#then(post, () => this.#takeOver(post, change.epoch, change.again));
        // The others are to know soon how its agents are.
        this.#rowsTold.delete(post);
        this.#rowsAtMs = Math.min(this.#rowsAtMs, this.#ports.clock.nowMs() + FIRST_ROWS_MS);
        break;
      case "to-give-up":
        this.#then(post, async () => {
          const states = await side.giveUp(post, options.drainMs);
          if (states.length > 0) await this.#parcel.leave(post, this.#leases.epochOf(post), states);
          this.#released.add(post);
        });
        break;
      case "lost": {
        const address = addressOf(side.topology, coordinatorOf(side.topology, post));
        onLoss(address, "its lease went to another node: what this one did since does not count");
        this.#then(post, async () => void (await side.giveUp(post, 0)));
        break;
      }
      case "elsewhere":
        this.#then(post, async () => this.#moved(post));
        break;
      default:
        change satisfies never;
    }
  }

  async #takeOver(post: number, epoch: number, again: boolean): Promise<void> {
    const states = again || epoch === 1 ? [] : await this.#parcel.fetch(post, epoch);
    if (this.#leases.holds(post)) await this.#ports.side.takeOver(post, epoch, again, states);
  }

  /** As the leases have it by then: more may have changed since. */
  #moved(post: number): void {
    if (this.#leases.holds(post)) return;
    const host = this.#leases.hostOf(post);
    const epoch = this.#leases.epochOf(post);
    this.#ports.side.moved(post, { node: host === undefined ? undefined : keyOf(host), epoch });
  }

  #then(sector: number, act: () => Promise<void>): void {
    const before = this.#moves.get(sector) ?? Promise.resolve();
    const after = before.then(act).catch((error) => {
      this.#ports.log.error({ sector: sector + 1, error: String(error) }, "a sector has not moved");
    });
    this.#moves.set(sector, after);
    after.then(() => {
      if (this.#moves.get(sector) === after) this.#moves.delete(sector);
    });
  }

  /** Keeps a link to each node that lives. */
  #meet(): void {
    const { name, side, clock } = this.#ports;
    const alive = new Set<string>();
    for (const node of this.#leases.nodes) {
      if (node.name === name) continue;
      const key = keyOf({ node: node.name, incarnation: node.incarnation });
      alive.add(key);
      if (this.#peers.has(key)) continue;
      const { incarnation } = node;
      this.#peers.set(key, { key, name: node.name, incarnation, link: new NodeLink() });
      for (let post = 0; post < side.topology.sectors; post++)
        if (this.#leases.hostOf(post)?.incarnation === incarnation)
          this.#then(post, async () => this.#moved(post));
      this.#want(key);
      // Who is new knows nothing of our agents.
      this.#rowsTold.clear();
      this.#rowsAtMs = Math.min(this.#rowsAtMs, clock.nowMs() + FIRST_ROWS_MS);
    }
    for (const peer of [...this.#peers.values()]) if (!alive.has(peer.key)) this.#part(peer);
  }

  #part({ key }: Peer): void {
    this.#peers.delete(key);
    this.#ports.side.gone(key);
  }

  #want(node: string): void {
    this.#wanted.add(node);
    if (this.#pumping) return;
    this.#pumping = true;
    this.#ports.soon(() => this.#pump());
  }

  #pump(): void {
    this.#pumping = false;
    const { side, bus, clock } = this.#ports;
    const wanted = [...this.#wanted];
    this.#wanted.clear();
    if (!bus.connected) return;
    for (const key of wanted) {
      const peer = this.#peers.get(key);
      if (peer === undefined) continue;
      const most = bus.maxBytes / 2;
      const words = peer.link.pump(clock.nowMs(), () => side.next(key, FRAME_MESSAGES, most));
      for (const word of words) this.#say(peer, word);
    }
  }

  #say(peer: Peer, word: LinkWord): void {
    const { bus, name } = this.#ports;
    const length = this.#codec.encode([this.#leases.incarnation, peer.incarnation, word]);
    bus.publish(`link.${name}.${peer.name}`, this.#codec.bytes.slice(0, length));
  }

  #onLink(bytes: Uint8Array): void {
    const { side, clock, log } = this.#ports;
    let said: readonly [from: string, to: string, word: LinkWord];
    try {
      said = decodeWith(this.#codec, bytes) as typeof said;
    } catch (error) {
      log.error({ error: String(error) }, "a frame of another node makes no sense");
      return;
    }
    const [from, to, word] = said;
    if (to !== this.#leases.incarnation) return;
    const peer = [...this.#peers.values()].find(({ incarnation }) => incarnation === from);
    if (peer === undefined) return;
    const { words, messages } = peer.link.take(word, clock.nowMs());
    for (const answer of words) this.#say(peer, answer);
    const offsetMs = peer.link.clock?.offsetMs ?? 0;
    if (messages.length > 0) side.receive(peer.key, messages as readonly NodeMessage[], offsetMs);
    if (word.kind !== "frame" && side.has(peer.key)) this.#want(peer.key);
  }

  /** Tells the others how the agents of this node's sectors are; what has not changed seldom. */
  #tellRows(nowMs: number): void {
    const { side, bus } = this.#ports;
    for (let sector = 0; sector < side.topology.sectors; sector++) {
      if (!this.#leases.holds(sector) || !side.isHere(sector)) continue;
      const bytes = side.rowsOf(sector);
      const told = this.#rowsTold.get(sector);
      if (told !== undefined && nowMs - told.atMs < ALL_ROWS_MS && equal(told.bytes, bytes))
        continue;
      this.#rowsTold.set(sector, { bytes, atMs: nowMs });
      const words = [this.#leases.incarnation, this.#leases.epochOf(sector), sector, bytes];
      const length = this.#codec.encode(words);
      bus.publish(`rows.${sector + 1}`, this.#codec.bytes.slice(0, length));
    }
  }

  #onRows(bytes: Uint8Array): void {
    const { side } = this.#ports;
    const [from, epoch, sector, rows] = decodeWith(this.#codec, bytes) as [
      string,
      number,
      number,
      Uint8Array,
    ];
    if (from === this.#leases.incarnation) return;
    const host = this.#leases.hostOf(sector);
    if (host === undefined || host.incarnation !== from || host.epoch !== epoch) return;
    const peer = this.#peers.get(keyOf(host));
    side.adoptRows(sector, rows, peer?.link.clock?.boundMs ?? 0);
  }

  /** Gives all sectors to others within about `drainMs`; to nobody where there is nobody. */
  async leave(drainMs: number): Promise<void> {
    const { clock, side, bus, name } = this.#ports;
    const endMs = clock.nowMs() + drainMs;
    const isAlone = this.#leases.nodes.every((node) => node.name === name);
    if (!bus.connected || isAlone) return;
    this.#leases.drain();
    this.#look();
    while (clock.nowMs() < endMs) {
      // What it has promised to others and what was promised to it, while somebody is there to keep it.
      const isFree = this.#leases.held === 0 && this.#moves.size === 0;
      if (isFree && side.held === 0 && side.owed === 0 && !this.#isTalking) return;
      await this.#wait(10);
    }
  }

  get #isTalking(): boolean {
    const { side } = this.#ports;
    return [...this.#peers.values()].some(({ key, link }) => link.waiting > 0 || side.has(key));
  }

  async close(): Promise<void> {
    this.#stopped = true;
    this.#callOff();
    const { bus } = this.#ports;
    // Who was refused has no word in the bucket: the one of its name there is another's.
    const hasJoined = Number.isFinite(this.#leases.validUntilMs);
    if (bus.connected && hasJoined) await bus.write(this.#leases.farewell());
    await bus.close();
  }

  hostOf(address: string): string | undefined {
    const sector = this.#ports.side.sectorOf(address);
    if (sector < 0) return undefined;
    return this.#leases.holds(sector) ? this.#ports.name : this.#leases.hostOf(sector)?.node;
  }

  status(): NodesStatus {
    const { name, bus, side } = this.#ports;
    const { sectors } = side.topology;
    let unhosted = 0;
    for (let sector = 0; sector < sectors; sector++)
      if (this.#leases.hostOf(sector) === undefined) unhosted++;
    const orchestrator = this.#leases.hostOf(sectors)?.node;
    const nodes = this.#leases.nodes.map((node) => this.#statusOf(node, orchestrator));
    return { name, connected: bus.connected, nodes, unhosted, held: side.held };
  }

  #statusOf(
    { name, incarnation, state, posts }: NodeRecord & { name: string; posts: number },
    orchestrator: string | undefined,
  ): NodeStatus {
    const clock = this.#peers.get(keyOf({ node: name, incarnation }))?.link.clock;
    return {
      name,
      here: name === this.#ports.name,
      state: state === "draining" ? "draining" : "alive",
      sectors: posts,
      orchestrator: name === orchestrator,
      ...(clock !== undefined && {
        latencyMs: clock.boundMs,
        clockOffsetMs: clock.offsetMs,
        clockBoundMs: clock.boundMs,
      }),
    };
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => this.#ports.later(ms, () => resolve()));
  }
}

function keyOf({ node, incarnation }: Pick<PostHost, "node" | "incarnation">): string {
  return `${nodeKey(node)} ${incarnation}`;
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
