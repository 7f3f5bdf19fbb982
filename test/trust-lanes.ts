// Lanes between three threads of which none runs: main (0), one who sends (1) and one who reads (2), with keys of their
// own. What a hostile thread may do to shared memory is done to it here, between two steps.
import { BATCH_BYTES } from "../mailbox/batch.ts";
import {
  FRAME_BYTES,
  FRAME_LENGTH,
  FRAME_PAYLOAD,
  FRAME_SOURCE,
  FRAME_TARGET,
  FRAME_TYPE,
  FrameKind,
  frameType,
} from "../mailbox/frame.ts";
import { type InLane, Lanes, lanesBytes, type OutLane } from "../mailbox/lanes.ts";
import { CONTROL_WORDS } from "../mailbox/layout.ts";
import type { FrameMemory, Ring } from "../mailbox/ring.ts";
import { EvidenceTap } from "../runtime/trust/evidence-tap.ts";
import { LaneGuard } from "../runtime/trust/lane-guard.ts";
import { LaneSigner, nextFrame } from "../runtime/trust/lane-signer.ts";
import {
  type Conductor,
  passingConductor,
  SessionOffice,
} from "../runtime/trust/session-office.ts";
import { TrustMemory, type TrustPlan } from "../runtime/trust/trust-plan.ts";
import { issueConductor, issueRoot } from "../trust/identity.ts";
import type { Signer } from "../trust/signatures.ts";

export { EvidenceTap };

export const NOW_MS = 1_800_000_000_000;
const THREADS = 3;
/** Row 0 lives on main, 1 to 9 with the sender, 10 to 19 with the reader. */
export const ROWS = 20;
const PLACEMENT = Uint8Array.from({ length: ROWS }, (_, row) => (row === 0 ? 0 : row < 10 ? 1 : 2));
const SIZES = { urgentBytes: 16_384, bulkBytes: 65_536 };

/** What came out of a guarded lane. */
export interface Delivered {
  readonly frames: string[];
  readonly refused: string[];
  gaps: number;
}

export class TrustLanes {
  readonly conductor: Conductor;
  readonly memory: TrustMemory;
  readonly office: SessionOffice;
  readonly plan: TrustPlan;
  readonly tap: SharedArrayBuffer = new SharedArrayBuffer(EvidenceTap.bytes);
  readonly sender: Lanes;
  readonly reader: Lanes;
  readonly signer: LaneSigner;
  readonly #lanes = new SharedArrayBuffer(lanesBytes(THREADS, SIZES));
  readonly #control = new SharedArrayBuffer(THREADS * CONTROL_WORDS * 4);
  readonly #guards = new Map<InLane, LaneGuard>();
  nowMs: number = NOW_MS;
  #cycle = 0;

  /** With a root of the test's own, or one that nobody has. */
  constructor(known?: { meshId: Uint8Array; signer: Signer; root: Signer }) {
    this.conductor = known === undefined ? passingConductor(NOW_MS - 1_000) : conductorOf(known);
    const memory = new SharedArrayBuffer(TrustMemory.bytes(THREADS, ROWS));
    this.memory = new TrustMemory(memory, THREADS, ROWS);
    this.office = new SessionOffice(this.memory, this.conductor);
    const { meshId, chain } = this.conductor;
    this.plan = { level: "all", meshId, root: chain[0], memory, tap: this.tap };
    this.sender = this.open(1, 1);
    this.reader = this.open(2, 1);
    this.signer = new LaneSigner(this.memory, 1, meshId, this.office.open(1, 1, NOW_MS));
    this.sender.signer = this.signer;
  }

  /** The lanes as a thread sees them in an incarnation. */
  open(thread: number, epoch: number): Lanes {
    return new Lanes(this.#lanes, this.#control, thread, THREADS, SIZES, epoch);
  }

  /** The lane from the sender, where it is read. */
  in(urgent = false, reader: Lanes = this.reader): InLane {
    const id = 2 + (urgent ? 1 : 0);
    return reader.incoming.find((lane) => lane.id === id) as InLane;
  }

  out(urgent = false, sender: Lanes = this.sender): OutLane {
    return (urgent ? sender.urgentTo : sender.bulkTo)[2] as OutLane;
  }

  /** Puts frames with these payloads on the lane, from `source`, and publishes them as one batch. */
  send(payloads: readonly string[], source = 1, urgent = false, sender: Lanes = this.sender): void {
    const lane = this.out(urgent, sender);
    for (const payload of payloads) writeFrame(lane, payload, source);
    sender.prepare(++this.#cycle);
    sender.publish();
  }

  guardOf(lane: InLane): LaneGuard {
    let guard = this.#guards.get(lane);
    if (guard === undefined) {
      guard = new LaneGuard(this.plan, this.memory, lane, 2, PLACEMENT);
      this.#guards.set(lane, guard);
    }
    return guard;
  }

  /** Takes up to `limit` frames through the guard; `between` runs before each of them is handed on. */
  drain(
    urgent = false,
    limit = 1_000,
    between?: () => void,
    lane: InLane = this.in(urgent),
  ): Delivered {
    const guard = this.guardOf(lane);
    const delivered: Delivered = { frames: [], refused: [], gaps: 0 };
    const reader = readerInto(delivered);
    lane.ring.drain(
      {
        onFrame: (_, word, end) => {
          between?.();
          return guard.onFrame(word, end, this.nowMs, reader);
        },
        onCorrupt: (_, sentence) => delivered.refused.push(sentence),
      },
      limit,
    );
    guard.settle();
    return delivered;
  }
}

function conductorOf({
  meshId,
  signer,
  root,
}: {
  meshId: Uint8Array;
  signer: Signer;
  root: Signer;
}): Conductor {
  const issue = { meshId, serial: 1, nowMs: NOW_MS - 1_000 };
  const chain = [issueRoot(root, issue), issueConductor(signer.publicKey, root, issue)];
  return { meshId, signer, chain };
}

export function readerInto(delivered: Delivered): Parameters<LaneGuard["onFrame"]>[3] {
  return {
    onVerified: (memory, word) => {
      delivered.frames.push(payloadAt(memory, word));
      return true;
    },
    onUntrusted: () => true,
    onRefused: (refusal) => delivered.refused.push(refusal),
    onGap: () => {
      delivered.gaps++;
    },
  };
}

function writeFrame(lane: OutLane, payload: string, source: number): void {
  const length = FRAME_BYTES + payload.length;
  const word = lane.tryClaim(length);
  if (word < 0) throw new Error("the lane is full");
  const { words, bytes } = lane.ring;
  words.fill(0, word, word + 16);
  words[word + FRAME_LENGTH] = length;
  words[word + FRAME_TYPE] = frameType(FrameKind.TELL, 1, 0);
  words[word + FRAME_TARGET] = 12;
  words[word + FRAME_SOURCE] = source;
  words[word + FRAME_PAYLOAD] = payload.length;
  bytes.set(Buffer.from(payload, "latin1"), (word + 16) * 4);
}

function payloadAt({ words, bytes }: FrameMemory, word: number): string {
  const from = (word + 16) * 4;
  return Buffer.from(bytes.subarray(from, from + words[word + FRAME_PAYLOAD])).toString("latin1");
}

/** The bytes of a batch as they stand in a ring, header first. */
export function captured(ring: Ring, header: number, count: number): Uint8Array[] {
  const pieces = [ring.bytes.slice(header * 4, header * 4 + BATCH_BYTES)];
  for (let i = 0, at = header; i < count; i++) {
    at = nextFrame(ring, at);
    pieces.push(ring.bytes.slice(at * 4, at * 4 + ring.words[at + FRAME_LENGTH]));
  }
  return pieces;
}

/** Writes such bytes to a ring as they are, as whoever has its memory can. */
export function replay(ring: Ring, pieces: readonly Uint8Array[]): void {
  for (const piece of pieces) {
    const word = ring.tryClaim(piece.length);
    if (word < 0) throw new Error("the ring is full");
    ring.bytes.set(piece, word * 4);
  }
  ring.publish();
}
