import assert from "node:assert/strict";
import { parentPort, workerData } from "node:worker_threads";
import {
  FRAME_BYTES,
  FRAME_CREATED_F64,
  FRAME_LENGTH,
  FRAME_SEQUENCE_F64,
  FRAME_SOURCE,
  FRAME_TARGET,
  FRAME_TYPE,
  FrameKind,
  frameType,
} from "../mailbox/frame.ts";
import { type LaneSizes, Lanes, type OutLane } from "../mailbox/lanes.ts";
import type { FrameMemory } from "../mailbox/ring.ts";
import { LaneGuard } from "../runtime/trust/lane-guard.ts";
import { LaneSigner } from "../runtime/trust/lane-signer.ts";
import { type Session, TrustMemory, type TrustPlan } from "../runtime/trust/trust-plan.ts";
import type { ExchangeData } from "./exchange.ts";
import { nowMs } from "./threads.ts";

/** What the threads of `trust` are told. */
export interface TrustData {
  readonly lanes: SharedArrayBuffer;
  readonly control: SharedArrayBuffer;
  readonly sizes: LaneSizes;
  readonly rows: number;
  readonly frameBytes: number;
  /** Messages a second; 0 for as many as there can be. */
  readonly rate: number;
  /** Messages of a batch at most, and how long the first of them waits at most, ms. */
  readonly batch: number;
  readonly flushMs: number;
  readonly urgent: boolean;
  /** Absent: nothing is signed. */
  readonly trust?: { readonly plan: TrustPlan; readonly session: Session };
}

/** What the consumer measured of the messages behind the warm-up. */
export interface TrustAnswer {
  readonly elapsedMs: number;
  /** From the making of a message to its delivery, ms; a sample of at most 100,000. */
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const PRODUCER = 1;
const CONSUMER = 2;
const THREADS = 3;
/** How long a thread sleeps that has nothing to do, ms. */
const NAP_MS = 0.1;
const SAMPLES = 100_000;

const data = workerData as ExchangeData & TrustData;
const total = data.warm + data.measured;
const thread = data.role === "producer" ? PRODUCER : CONSUMER;
const lanes = new Lanes(data.lanes, data.control, thread, THREADS, data.sizes, 1);
const nap = new Int32Array(new SharedArrayBuffer(4));
parentPort?.postMessage(thread === PRODUCER ? produce() : consume());
data.port.close();

function produce(): number {
  const { trust, rows, rate, batch, flushMs, urgent } = data;
  if (trust !== undefined) {
    const memory = new TrustMemory(trust.plan.memory, THREADS, rows);
    lanes.signer = new LaneSigner(memory, PRODUCER, trust.plan.meshId, trust.session);
  }
  const lane = (urgent ? lanes.urgentTo : lanes.bulkTo)[CONSUMER] as OutLane;
  const startMs = nowMs();
  let sent = 0;
  let open = 0;
  let openedMs = startMs;
  let cycle = 0;
  const flush = (): void => {
    lanes.prepare(++cycle);
    lanes.publish();
    open = 0;
  };
  while (sent < total) {
    const now = nowMs();
    const due = rate === 0 ? total : Math.min(total, Math.floor(((now - startMs) * rate) / 1000));
    let moved = false;
    while (sent < due && open < batch && write(lane, sent, now)) {
      if (open++ === 0) openedMs = now;
      sent++;
      moved = true;
    }
    if (open >= batch || (open > 0 && (now - openedMs >= flushMs || (!moved && sent < due))))
      flush();
    else if (!moved) Atomics.wait(nap, 0, 0, NAP_MS);
  }
  flush();
  return sent;
}

function write(lane: OutLane, number: number, createdMs: number): boolean {
  const word = lane.tryClaim(data.frameBytes);
  if (word < 0) return false;
  const { words, doubles } = lane.ring;
  words[word + FRAME_LENGTH] = data.frameBytes;
  words[word + FRAME_TYPE] = frameType(FrameKind.TELL, data.urgent ? 3 : 1, 0);
  words[word + FRAME_TARGET] = CONSUMER;
  words[word + FRAME_SOURCE] = PRODUCER;
  doubles[(word >>> 1) + FRAME_SEQUENCE_F64] = number;
  doubles[(word >>> 1) + FRAME_CREATED_F64] = createdMs;
  words.fill(number, word + 16, word + (data.frameBytes >>> 2));
  return true;
}

function consume(): TrustAnswer {
  const id = PRODUCER * 2 + (data.urgent ? 1 : 0);
  const lane = lanes.incoming.find((each) => each.id === id);
  assert.ok(lane);
  const stride = Math.max(1, Math.ceil(data.measured / SAMPLES));
  const waits: number[] = [];
  let next = 0;
  let now = nowMs();
  const take = ({ words, doubles }: FrameMemory, word: number): boolean => {
    assert.equal(doubles[(word >>> 1) + FRAME_SEQUENCE_F64], next);
    // A frame of a header alone has no more.
    if (data.frameBytes > FRAME_BYTES)
      assert.equal(words[word + (data.frameBytes >>> 2) - 1], next | 0);
    if (next >= data.warm && next % stride === 0)
      waits.push(nowMs() - doubles[(word >>> 1) + FRAME_CREATED_F64]);
    next++;
    return true;
  };
  const guard = guardOf(lane);
  const onVerified = (memory: FrameMemory, word: number): boolean => take(memory, word);
  const refuse = (refusal: string): never => assert.fail(`an honest batch was refused: ${refusal}`);
  const reader = {
    onVerified,
    onUntrusted: () => refuse("untrusted"),
    onRefused: refuse,
    onGap: () => refuse("gap"),
  };
  const drain = (): number =>
    lane.ring.drain(
      {
        onFrame(ring, word, end) {
          if (guard !== undefined) return guard.onFrame(word, end, now, reader);
          return (ring.words[word + FRAME_TYPE] & 0xff) === FrameKind.BATCH || take(ring, word);
        },
        onCorrupt: (_, sentence) => assert.fail(sentence),
      },
      1024,
    );
  let startMs = 0;
  while (next < total) {
    now = nowMs();
    if (next >= data.warm && startMs === 0) startMs = now;
    const taken = drain();
    guard?.settle();
    if (taken === 0) Atomics.wait(nap, 0, 0, NAP_MS);
  }
  const elapsedMs = nowMs() - startMs;
  waits.sort((a, b) => a - b);
  const at = (share: number): number => waits[Math.floor(share * (waits.length - 1))];
  return { elapsedMs, p50Ms: at(0.5), p99Ms: at(0.99) };
}

function guardOf(lane: Lanes["incoming"][number]): LaneGuard | undefined {
  if (data.trust === undefined) return undefined;
  const { plan } = data.trust;
  const memory = new TrustMemory(plan.memory, THREADS, data.rows);
  const placement = new Uint8Array(data.rows).fill(PRODUCER);
  return new LaneGuard(plan, memory, lane, CONSUMER, placement);
}
