import { FRAME_CREATED_F64, FRAME_LENGTH, FRAME_OPERATION_F64 } from "../../mailbox/frame.ts";
import {
  OperationFlag,
  REPORT_PLANNED_F64,
  REPORT_TAKEN_F64,
} from "../../mailbox/operation-frame.ts";
import { PayloadCodec } from "../../mailbox/payload.ts";
import type { FrameMemory } from "../../mailbox/ring.ts";
import { GateState } from "../../supervisors/wave-gate.ts";
import type { Dispatcher } from "../dispatch/dispatcher.ts";
import type { OperationFacts } from "../dispatch/shared-payloads.ts";
import { type Gather, type GatherEnd, type GatherPlan, SectorShare } from "../operations/gather.ts";
import type { GatherRelay, Gathers } from "../operations/gathers.ts";
import type { NodeGateway } from "./node-gateway.ts";
import { NodeKind, type NodeMessage, type SentPlan, type ShareTuple } from "./node-message.ts";
import type { SectorMap } from "./sector-map.ts";

/** How often a wave's gate is looked at, ms. */
const LOOK_MS = 2;
/** Longest maps in one message, bytes. */
const MAX_SHARE_BYTES = 256 * 1024;
/** First attempts that are remembered by the number that they have here. */
const MAX_ROOTS = 256;
/** Only for the node where it was begun. */
const OWN_FLAGS = OperationFlag.JOURNALED | OperationFlag.CARRIED;

/** An operation of this node at others. */
interface Sent {
  readonly gather: Gather;
  readonly payload: Uint8Array;
  /** Node of each sector that has its part. */
  readonly nodeOf: Map<number, string>;
  /** Parts that go out together at the end of the cycle. */
  readonly waiting: Map<string, SectorShare[]>;
  /** What was last told of its gate. */
  told: number;
}

/** An operation of another node here. */
interface Taken {
  readonly node: string;
  readonly operation: number;
  readonly gather: Gather;
  readonly confirmed: Set<number>;
}

/**
 * Operations over several nodes: each gets the parts of its sectors, plans them by its own estimates, and tells in the
 * words of its own sectors' reports, which are counted here as if they were of this node.
 */
export class RelayedOperations implements GatherRelay {
  readonly #dispatcher: Dispatcher;
  readonly #gathers: Gathers;
  readonly #gateway: NodeGateway;
  readonly #map: SectorMap;
  readonly #wire = new PayloadCodec();
  readonly #sent = new Map<number, Sent>();
  /** By their number here. */
  readonly #taken = new Map<number, Taken>();
  readonly #roots = new Map<string, number>();
  #flushing = false;

  constructor(dispatcher: Dispatcher, gathers: Gathers, gateway: NodeGateway, map: SectorMap) {
    this.#dispatcher = dispatcher;
    this.#gathers = gathers;
    this.#gateway = gateway;
    this.#map = map;
  }

  send(gather: Gather, share: SectorShare): boolean {
    const { node } = this.#map.hostOf(share.sector);
    if (node === undefined) return false;
    let sent = this.#sent.get(gather.operation);
    if (sent === undefined) {
      const { payload, facts, threshold } = gather.plan;
      const length = this.#wire.encode([payload, facts]);
      sent = {
        gather,
        payload: this.#wire.bytes.slice(0, length),
        nodeOf: new Map(),
        waiting: new Map(),
        told: GateState.WAITING,
      };
      this.#sent.set(gather.operation, sent);
      if (threshold > 0) this.#watchGate(sent);
    }
    sent.nodeOf.set(share.sector, node);
    const waiting = sent.waiting.get(node);
    if (waiting === undefined) sent.waiting.set(node, [share]);
    else waiting.push(share);
    share.sent = true;
    if (!this.#flushing) {
      this.#flushing = true;
      const { wheel, nowMs } = this.#dispatcher;
      wheel.schedule(nowMs, { onTimer: () => this.#flush() }, 0);
    }
    return true;
  }

  #flush(): void {
    this.#flushing = false;
    for (const sent of this.#sent.values()) {
      for (const [node, shares] of sent.waiting) this.#sayParts(sent, node, shares);
      sent.waiting.clear();
    }
  }

  #sayParts({ gather, payload }: Sent, node: string, shares: readonly SectorShare[]): void {
    const { plan, operation } = gather;
    const words: SentPlan = {
      root: plan.root ?? null,
      createdMs: plan.createdMs,
      arrivalMs: plan.arrivalMs,
      closeMs: plan.closeMs,
      deadlineMs: plan.deadlineMs,
      readyBy: plan.readyBy,
      priority: plan.priority,
      flags: plan.flags & ~OWN_FLAGS,
      gated: plan.threshold > 0 && this.#gateOf(gather) === GateState.WAITING,
      requiresLow: plan.requiresLow,
      requiresHigh: plan.requiresHigh,
    };
    let bytes = 0;
    let some: ShareTuple[] = [];
    const say = (): void => {
      if (some.length > 0)
        this.#gateway.say(node, [NodeKind.OPERATION, operation, words, payload, some]);
      some = [];
      bytes = 0;
    };
    for (const { sector, map, maps, carried } of shares) {
      const { epoch } = this.#map.hostOf(sector);
      some.push([sector, epoch, bytesOf(map), carried ? bytesOf(maps) : null]);
      bytes += map.byteLength + (carried ? maps.byteLength : 0);
      if (bytes > MAX_SHARE_BYTES) say();
    }
    say();
  }

  #gateOf({ gate, operation }: Gather): number {
    return this.#dispatcher.view.gates.state(gate, operation);
  }

  /** Tells the nodes when the gate no longer waits. */
  #watchGate(sent: Sent): void {
    const { wheel, nowMs } = this.#dispatcher;
    const { operation } = sent.gather;
    if (this.#sent.get(operation) !== sent || sent.told !== GateState.WAITING) return;
    const state = this.#gateOf(sent.gather);
    if (state === GateState.WAITING) {
      wheel.schedule(nowMs + LOOK_MS, { onTimer: () => this.#watchGate(sent) }, 0);
      return;
    }
    sent.told = state;
    for (const node of new Set(sent.nodeOf.values()))
      this.#gateway.say(node, [NodeKind.GATE, operation, state]);
  }

  ended(gather: Gather, end: GatherEnd): void {
    const sent = this.#sent.get(gather.operation);
    if (sent !== undefined) {
      this.#sent.delete(gather.operation);
      if (end !== "reported")
        for (const node of new Set(sent.nodeOf.values()))
          this.#gateway.say(node, [NodeKind.OVER, gather.operation]);
    }
    this.#taken.delete(gather.operation);
  }

  /** A sector is on another node by now: its unfinished parts go there, with what has been told of them. */
  moved(sector: number): void {
    for (const { gather, nodeOf } of [...this.#sent.values()]) {
      const before = nodeOf.get(sector);
      const share = gather.shares.get(sector);
      const { node } = this.#map.hostOf(sector);
      if (before === undefined || share === undefined || share.final || !share.sent) continue;
      if (node === before && !this.#map.isHere(sector)) continue;
      nodeOf.delete(sector);
      this.#gathers.sendAgain(gather, share);
    }
  }

  /** What another node says of operations; `offsetMs` is its clock less ours. False when it is of something else. */
  receive(node: string, message: NodeMessage, offsetMs: number): boolean {
    switch (message[0]) {
      case NodeKind.OPERATION:
        this.#take(node, message[1], moved(message[2], -offsetMs), message[3], message[4]);
        return true;
      case NodeKind.REPORT:
        this.#report(node, message[1], message[2], message[3], offsetMs);
        return true;
      case NodeKind.VALUE:
        this.#gathers.onResponse(message[2], message[1], message[3], message[4]);
        return true;
      case NodeKind.CONFIRMED:
        this.#confirmed(node, message[1], message[2]);
        return true;
      case NodeKind.GATE:
        for (const taken of this.#of(node, message[1])) this.#setGate(taken.gather, message[2]);
        return true;
      case NodeKind.OVER:
        for (const taken of this.#of(node, message[1])) this.#gathers.end(taken.gather, "aborted");
        return true;
      default:
        return false;
    }
  }

  #of(node: string, operation: number): Taken[] {
    return [...this.#taken.values()].filter(
      (taken) => taken.node === node && taken.operation === operation,
    );
  }

  /** Parts of another node's operation, for sectors of this one. */
  #take(
    node: string,
    operation: number,
    plan: SentPlan,
    payload: Uint8Array,
    tuples: readonly ShareTuple[],
  ): void {
    const { view, ports, nowMs } = this.#dispatcher;
    const shares = new Map<number, SectorShare>();
    for (const [sector, epoch, map, maps] of tuples) {
      // Whoever has it by now gets it again, as soon as the sender knows.
      if (!this.#map.isHere(sector) || epoch > this.#map.hostOf(sector).epoch) continue;
      const share = new SectorShare(sector, view.topology.agentsPerSector);
      share.adopt([...wordsOf(map)], maps === null ? [] : [...wordsOf(maps)]);
      share.carried = maps !== null;
      shares.set(sector, share);
    }
    if (shares.size === 0 || plan.deadlineMs <= nowMs) return;
    const own = this.#gathers.nextOperation();
    const root = this.#rootOf(node, plan.root ?? operation, own);
    const padded = new Uint8Array((payload.length + 7) & ~7);
    padded.set(payload);
    const words = new Int32Array(padded.buffer);
    const [body, facts] = this.#wire.decode(words, padded, 0, payload.length) as [
      unknown,
      OperationFacts,
    ];
    const { gated, root: _root, ...numbers } = plan;
    const whole: GatherPlan = {
      ...numbers,
      payload: body,
      facts,
      root: root === own ? undefined : root,
      // It is the node where it was begun that counts who has confirmed.
      threshold: gated ? shares.size + 1 : 0,
    };
    try {
      const gather = this.#gathers.scatter(own, whole, shares, {
        onFrame: (sector, ring, word) =>
          this.#gateway.say(node, [NodeKind.REPORT, operation, sector, frameAt(ring, word)]),
        onValue: (agent, trinary, value) =>
          this.#gateway.say(node, [NodeKind.VALUE, operation, agent, trinary, value]),
        onEnd: () => {},
      });
      const taken: Taken = { node, operation, gather, confirmed: new Set() };
      this.#taken.set(own, taken);
      if (gated) this.#watchConfirmations(own, taken);
    } catch (error) {
      ports.log.warn({ node, operation, error: String(error) }, "an operation was not taken");
    }
  }

  #rootOf(node: string, root: number, own: number): number {
    const key = `${node} ${root}`;
    const known = this.#roots.get(key);
    if (known !== undefined) return known;
    if (this.#roots.size >= MAX_ROOTS)
      this.#roots.delete(this.#roots.keys().next().value as string);
    this.#roots.set(key, own);
    return own;
  }

  #watchConfirmations(own: number, taken: Taken): void {
    const { wheel, nowMs, view } = this.#dispatcher;
    if (this.#taken.get(own) !== taken) return;
    const { gather, confirmed, node, operation } = taken;
    const news: number[] = [];
    for (const sector of gather.shares.keys()) {
      if (confirmed.has(sector) || !view.gates.hasConfirmed(gather.gate, sector)) continue;
      confirmed.add(sector);
      news.push(sector);
    }
    if (news.length > 0) this.#gateway.say(node, [NodeKind.CONFIRMED, operation, news]);
    if (confirmed.size === gather.shares.size || this.#gateOf(gather) !== GateState.WAITING) return;
    const again = (): void => this.#watchConfirmations(own, taken);
    wheel.schedule(nowMs + LOOK_MS, { onTimer: again }, 0);
  }

  #confirmed(node: string, operation: number, sectors: readonly number[]): void {
    const sent = this.#sent.get(operation);
    if (sent === undefined) return;
    const { view, nowMs } = this.#dispatcher;
    for (const sector of sectors) {
      if (sent.nodeOf.get(sector) !== node) continue;
      if (view.gates.confirm(sent.gather.gate, operation, sector, nowMs)) view.lanes.wakeAll();
    }
  }

  #setGate(gather: Gather, state: number): void {
    const { view, nowMs } = this.#dispatcher;
    if (state === GateState.CANCELLED) this.#gathers.end(gather, "aborted");
    else if (state === GateState.FAILED) this.#gathers.failGate(gather);
    else if (view.gates.open(gather.gate, nowMs)) view.lanes.wakeAll();
  }

  #report(
    node: string,
    operation: number,
    sector: number,
    frame: Uint8Array,
    offsetMs: number,
  ): void {
    // What a node says that no longer has the sector does not count.
    if (this.#sent.get(operation)?.nodeOf.get(sector) !== node) return;
    const memory = memoryOf(frame);
    const { doubles } = memory;
    doubles[FRAME_OPERATION_F64] = operation;
    for (const field of [FRAME_CREATED_F64, REPORT_PLANNED_F64, REPORT_TAKEN_F64])
      if (doubles[field] !== 0) doubles[field] -= offsetMs;
    this.#gathers.onReport(memory, 0);
  }
}

/** The times of a plan on a clock that is `byMs` ahead of the one that it was made by. */
function moved(plan: SentPlan, byMs: number): SentPlan {
  return {
    ...plan,
    createdMs: plan.createdMs + byMs,
    arrivalMs: plan.arrivalMs === 0 ? 0 : plan.arrivalMs + byMs,
    closeMs: plan.closeMs + byMs,
    deadlineMs: plan.deadlineMs + byMs,
  };
}

function bytesOf(words: Int32Array): Uint8Array {
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength).slice();
}

function wordsOf(bytes: Uint8Array): Int32Array {
  return new Int32Array(bytes.slice().buffer, 0, bytes.length >>> 2);
}

function frameAt({ words, bytes }: FrameMemory, word: number): Uint8Array {
  return bytes.slice(word * 4, word * 4 + words[word + FRAME_LENGTH]);
}

function memoryOf(frame: Uint8Array): FrameMemory {
  const bytes = new Uint8Array((frame.length + 7) & ~7);
  bytes.set(frame);
  const { buffer } = bytes;
  return { bytes, words: new Int32Array(buffer), doubles: new Float64Array(buffer) };
}
