import { deadlineError, MeshError } from "../actors/errors.ts";
import type { ImpedanceClass } from "../coordination/impedance-class.ts";
import { hash32 } from "../remote/drawn-series.ts";
import { DoneIds, type LinkFrame, LinkReceiver, LinkSender } from "../remote/link.ts";
import type { ClassTraces, TraceMix } from "../remote/traces.ts";
import type { Network } from "./network.ts";
import type { VirtualTime } from "./virtual-time.ts";
import type { Witness } from "./witness.ts";

/** A round trip where the traces have none: the same data centre. */
const NEAR_MS = 1;
/** Ids remembered: a message that is delivered again may have a whole mailbox of others before it. */
const IDS_KEPT = 2048;
const START_BITS = 20;
/** Frames of an exchange: the request, the reply, and the word that each has arrived. */
const FRAMES = 4;
/** A frame is sent again first after so many round trips of its path. */
const FIRST_RETRY = 3;

/** What the mesh asks of an agent elsewhere; `id` is the same when it asks again. */
interface Request {
  readonly id: number;
  readonly deadlineMs: number;
  /** Whether the asker waits for the answer to arrive, and not only for the other side to be READY. */
  readonly wantsAnswer: boolean;
}

interface Reply {
  readonly id: number;
  readonly processingMs: number;
  readonly wantsAnswer: boolean;
}

/** What has been measured of an agent, ms: its times vary as those of its trace do, around these. */
export interface Measured {
  readonly rttMs: number;
  readonly processingMs: number;
}

/** Which of its traces an agent replays, and where it is in them. */
class Path {
  readonly #rtt: Replay;
  readonly #processing: Replay;
  #cursor: number;

  constructor({ paths, works }: ClassTraces, agent: number, measured: Measured | undefined) {
    const path = paths.length === 0 ? undefined : paths[hash32(agent, 1) % paths.length];
    const isOwnWork = path !== undefined && path.processingMs.length > 0;
    const work = isOwnWork || works.length === 0 ? path : works[hash32(agent, 2) % works.length];
    this.#rtt = replayOf(path?.rttMs, NEAR_MS, measured?.rttMs);
    this.#processing = replayOf(work?.processingMs, 0, measured?.processingMs);
    this.#cursor = hash32(agent, 3) >>> (32 - START_BITS);
  }

  next(): void {
    this.#cursor++;
  }

  get roundTripMs(): number {
    return valueAt(this.#rtt, this.#cursor);
  }

  get processingMs(): number {
    return valueAt(this.#processing, this.#cursor);
  }
}

/** Values of a trace, each times so much; the one value where there are none. */
interface Replay {
  readonly values: Float32Array;
  readonly scale: number;
  /** What stands for 0, ms. */
  readonly instead: number;
}

const NO_VALUES = new Float32Array(0);

function replayOf(
  values: Float32Array = NO_VALUES,
  instead: number,
  measuredMs: number | undefined,
): Replay {
  if (measuredMs === undefined) return { values, scale: 1, instead };
  const usualMs = medianOf(values);
  if (usualMs === 0) return { values: NO_VALUES, scale: 1, instead: measuredMs };
  return { values, scale: measuredMs / usualMs, instead: Math.min(instead, measuredMs) };
}

function valueAt({ values, scale, instead }: Replay, cursor: number): number {
  return (values.length === 0 ? 0 : values[cursor % values.length] * scale) || instead;
}

const medians = new WeakMap<Float32Array, number>();

/** 0 of nothing. */
function medianOf(values: Float32Array): number {
  let median = medians.get(values);
  if (median === undefined) {
    median = Float32Array.from(values).sort()[values.length >> 1] ?? 0;
    medians.set(values, median);
  }
  return median;
}

/** A system elsewhere for which an agent of the mesh stands: it does one thing at a time, and each thing once. */
class FarSide {
  readonly path: Path;
  readonly receiver: LinkReceiver<Request> = new LinkReceiver();
  sender: LinkSender<Reply>;
  /** Its own memory of what it has done, which it keeps with its state. */
  readonly done: DoneIds = new DoneIds(IDS_KEPT);
  /** What it is at, or has before it. */
  readonly working = new Set<number>();
  /** What it has really done, for the witness. */
  readonly effects: DoneIds = new DoneIds(2 * IDS_KEPT);
  freeMs = 0;
  retryAtMs: number = Number.POSITIVE_INFINITY;

  constructor(path: Path) {
    this.path = path;
    this.sender = new LinkSender(0);
  }
}

function firstRetryOf({ path }: FarSide): number {
  return Math.max(50, FIRST_RETRY * path.roundTripMs);
}

/** The mesh's end of the link to one of them: it lives and dies with an incarnation of its agent. */
export class NearSide {
  readonly agent: number;
  readonly sender: LinkSender<Request>;
  readonly receiver: LinkReceiver<Reply> = new LinkReceiver();
  waitsFor = 0;
  settle: ((reply: Reply) => void) | undefined;
  fail: ((error: unknown) => void) | undefined;
  retryAtMs: number = Number.POSITIVE_INFINITY;

  constructor(agent: number, epoch: number, firstRetryMs: number) {
    this.agent = agent;
    this.sender = new LinkSender(epoch, { firstRetryMs });
  }
}

/** What the world elsewhere needs. */
export interface ElsewherePorts {
  readonly time: VirtualTime;
  readonly network: Network;
  readonly witness: Witness;
  readonly traces: TraceMix;
  readonly agents: number;
  readonly classOf: (agent: number) => ImpedanceClass;
  /** What is known of an agent from a mesh that runs; undefined when it is as its class is. */
  readonly measuredOf: (agent: number) => Measured | undefined;
  /** Does something in the event loop of the thread on which an agent lives. */
  readonly inside: (agent: number, act: () => void) => void;
  /** Lets a test put other receivers and memories in their place. */
  readonly sabotage?:
    | ((far: { receiver: LinkReceiver<unknown>; done: DoneIds }) => void)
    | undefined;
}

/** All systems elsewhere, and the links to them. */
export class Elsewhere {
  readonly #ports: ElsewherePorts;
  readonly #far: (FarSide | undefined)[] = [];
  readonly #near: (NearSide | undefined)[] = [];
  readonly #epochs: Float64Array;
  /** By deadline: who waits, and for which id, in turn. */
  readonly #deadlines = new Map<number, (NearSide | number)[]>();

  constructor(ports: ElsewherePorts) {
    this.#ports = ports;
    this.#epochs = new Float64Array(ports.agents);
  }

  /** The mesh's end for a new incarnation of an agent; what the one before waits for is not for anybody. */
  attach(agent: number): NearSide {
    const near = new NearSide(agent, ++this.#epochs[agent], firstRetryOf(this.#farOf(agent)));
    this.#near[agent] = near;
    return near;
  }

  /** The agent's thread is gone, and its end of the link with it: what was called there is never answered. */
  detach(agent: number): void {
    const near = this.#near[agent];
    if (near === undefined) return;
    this.#forget(near);
    this.#near[agent] = undefined;
  }

  /** How far away the agent is and how long it works, as of its next message. */
  probe(agent: number): { readonly rttMs: number; readonly processingMs: number } | undefined {
    if (this.#ports.network.isCut(agent)) return undefined;
    const { path } = this.#farOf(agent);
    path.next();
    return { rttMs: path.roundTripMs, processingMs: path.processingMs };
  }

  /**
   * Has the system do what `id` stands for. Rejects with MESH_DEADLINE at `deadlineMs`; an agent has one call out at
   * a time. Without `wantsAnswer` word of it takes no time on its way back, as with trace agents: of an operation an
   * agent is READY when its other side is. It can be lost all the same.
   */
  call(
    near: NearSide,
    id: number,
    deadlineMs: number,
    wantsAnswer: boolean,
  ): Promise<{ rttMs: number; processingMs: number }> {
    const { time } = this.#ports;
    const sentMs = time.currentMs;
    return new Promise((resolve, reject) => {
      near.waitsFor = id;
      near.settle = ({ processingMs }) => {
        const wayMs = Math.max(0, time.currentMs - sentMs - processingMs);
        resolve({ processingMs, rttMs: wantsAnswer ? wayMs : 2 * wayMs });
      };
      near.fail = reject;
      if (deadlineMs < Number.POSITIVE_INFINITY) {
        this.#deadlineOf(deadlineMs).push(near, id);
      }
      if (this.#callAtOnce(near, { id, deadlineMs, wantsAnswer })) return;
      const frame = near.sender.send({ id, deadlineMs, wantsAnswer }, time.currentMs);
      if (frame === undefined) {
        this.#giveUp(near, id, new MeshError("SIMULATED_LINK", "the link's window is full"));
        return;
      }
      this.#carryRequest(near, frame);
      this.#watchNear(near);
    });
  }

  /**
   * An exchange of which no frame goes wrong, over a link on which nothing is under way: it is known now when the
   * answer comes, and the frames need not be carried one by one. False when that is not so.
   */
  #callAtOnce(near: NearSide, request: Request): boolean {
    const { agent } = near;
    const far = this.#farOf(agent);
    const isQuiet = near.sender.waiting === 0 && far.sender.waiting === 0;
    if (!isQuiet || far.done.has(request.id) || !this.#ports.network.isSmooth(agent, FRAMES))
      return false;
    far.path.next();
    const { roundTripMs, processingMs } = far.path;
    const { time, inside } = this.#ports;
    const beginMs = Math.max(far.freeMs, time.currentMs + roundTripMs / 2);
    far.done.add(request.id);
    if (beginMs > request.deadlineMs) return true;
    far.freeMs = beginMs + processingMs;
    far.working.add(request.id);
    time.at(far.freeMs + (request.wantsAnswer ? roundTripMs / 2 : 0), () => {
      this.#finish(agent, far, request.id);
      inside(agent, () => {
        if (this.#near[agent] === near) this.#answer(near, { ...request, processingMs });
        // The one that asked is gone; its successor may have asked again.
        else this.#reply(agent, far, { ...request, processingMs });
      });
    });
    return true;
  }

  /** It has done what it was asked. */
  #finish(agent: number, far: FarSide, id: number): void {
    if (far.effects.has(id))
      this.#ports.witness.accuse("once", `agent ${agent} did ${id} twice elsewhere`);
    far.effects.add(id);
    far.working.delete(id);
  }

  #answer(near: NearSide, reply: Reply): void {
    if (near.waitsFor !== reply.id) return;
    const { settle } = near;
    this.#forget(near);
    settle?.(reply);
  }

  /** Those that wait until then at most: the agents of an operation, whose deadline is one. */
  #deadlineOf(deadlineMs: number): (NearSide | number)[] {
    const known = this.#deadlines.get(deadlineMs);
    if (known !== undefined) return known;
    const waiting: (NearSide | number)[] = [];
    this.#deadlines.set(deadlineMs, waiting);
    this.#ports.time.at(deadlineMs, () => {
      this.#deadlines.delete(deadlineMs);
      for (let i = 0; i < waiting.length; i += 2) {
        const near = waiting[i] as NearSide;
        const id = waiting[i + 1] as number;
        if (near.waitsFor !== id) continue;
        this.#ports.inside(near.agent, () => this.#giveUp(near, id, deadlineError()));
      }
    });
    return waiting;
  }

  #giveUp(near: NearSide, id: number, error: unknown): void {
    if (near.waitsFor !== id) return;
    const { fail } = near;
    this.#forget(near);
    fail?.(error);
  }

  #forget(near: NearSide): void {
    near.waitsFor = 0;
    near.settle = undefined;
    near.fail = undefined;
  }

  #carryRequest(near: NearSide, frame: LinkFrame<Request>): void {
    const far = this.#farOf(near.agent);
    far.path.next();
    this.#ports.network.carry(near.agent, far.path.roundTripMs / 2, () =>
      this.#onRequest(near.agent, far, frame),
    );
  }

  #onRequest(agent: number, far: FarSide, frame: LinkFrame<Request>): void {
    const { network } = this.#ports;
    if (frame.epoch > far.sender.epoch) {
      far.sender = new LinkSender(frame.epoch, { firstRetryMs: firstRetryOf(far) });
    }
    const requests = far.receiver.take(frame);
    const { acknowledgement } = far.receiver;
    network.carry(agent, far.path.roundTripMs / 2, () => {
      this.#ports.inside(agent, () => {
        const near = this.#near[agent];
        near?.sender.acknowledge(acknowledgement, this.#ports.time.currentMs);
      });
    });
    for (const request of requests) this.#do(agent, far, request);
  }

  #do(agent: number, far: FarSide, { id, deadlineMs, wantsAnswer }: Request): void {
    const { time } = this.#ports;
    if (far.done.has(id)) {
      // Who asks again about what it is at will hear of it when it is done.
      if (!far.working.has(id)) this.#reply(agent, far, { id, processingMs: 0, wantsAnswer });
      return;
    }
    far.done.add(id);
    const { processingMs } = far.path;
    const beginMs = Math.max(far.freeMs, time.currentMs);
    if (beginMs > deadlineMs) return;
    far.freeMs = beginMs + processingMs;
    far.working.add(id);
    time.at(far.freeMs, () => {
      this.#finish(agent, far, id);
      const reply = { id, processingMs, wantsAnswer };
      this.#reply(agent, far, reply);
    });
  }

  #reply(agent: number, far: FarSide, reply: Reply): void {
    const { time } = this.#ports;
    const frame = far.sender.send(reply, time.currentMs);
    // Nobody listens any more: whoever wants to know asks again.
    if (frame === undefined) return;
    this.#carryReply(agent, far, frame);
    this.#watchFar(agent, far);
  }

  #carryReply(agent: number, far: FarSide, frame: LinkFrame<Reply>): void {
    const { network, inside } = this.#ports;
    const backMs = frame.payload.wantsAnswer ? far.path.roundTripMs / 2 : 0;
    network.carry(agent, backMs, () => inside(agent, () => this.#onReply(agent, far, frame)));
  }

  #onReply(agent: number, far: FarSide, frame: LinkFrame<Reply>): void {
    const { network, time } = this.#ports;
    const near = this.#near[agent];
    if (near === undefined || near.sender.epoch !== frame.epoch) return;
    const replies = near.receiver.take(frame);
    const { acknowledgement } = near.receiver;
    network.carry(agent, far.path.roundTripMs / 2, () =>
      far.sender.acknowledge(acknowledgement, time.currentMs),
    );
    for (const reply of replies) this.#answer(near, reply);
  }

  /** Sends again what is not acknowledged, for as long as somebody waits for it. */
  #watchNear(near: NearSide): void {
    const { time } = this.#ports;
    const dueMs = near.sender.nextDueMs;
    if (dueMs >= near.retryAtMs) return;
    near.retryAtMs = dueMs;
    time.at(dueMs, () => {
      near.retryAtMs = Number.POSITIVE_INFINITY;
      // An incarnation that is gone sends nothing.
      if (this.#near[near.agent] !== near) return;
      for (const frame of near.sender.retry(time.currentMs)) this.#carryRequest(near, frame);
      if (near.sender.waiting > 0) this.#watchNear(near);
    });
  }

  #watchFar(agent: number, far: FarSide): void {
    const { time } = this.#ports;
    const { sender } = far;
    const dueMs = sender.nextDueMs;
    if (dueMs >= far.retryAtMs) return;
    far.retryAtMs = dueMs;
    time.at(dueMs, () => {
      far.retryAtMs = Number.POSITIVE_INFINITY;
      for (const frame of far.sender.retry(time.currentMs)) this.#carryReply(agent, far, frame);
      if (far.sender.waiting > 0) this.#watchFar(agent, far);
    });
  }

  #farOf(agent: number): FarSide {
    let far = this.#far[agent];
    if (far === undefined) {
      const { traces, classOf, measuredOf, sabotage } = this.#ports;
      far = new FarSide(new Path(traces[classOf(agent)], agent, measuredOf(agent)));
      sabotage?.(far);
      this.#far[agent] = far;
    }
    return far;
  }
}
