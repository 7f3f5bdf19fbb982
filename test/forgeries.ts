// Messages that nobody may believe, from generators: forged, bit-flipped, replayed, expired, re-targeted and
// over-capable ones, between honest ones, through the very guard and the very check that a mesh has.
import { BATCH_EPOCH_F64, BATCH_SEQUENCE_F64 } from "../mailbox/batch.ts";
import { LaneSigner } from "../runtime/trust/lane-signer.ts";
import { passingConductor, SessionOffice } from "../runtime/trust/session-office.ts";
import { randomOf } from "./mesh.ts";
import { OverCapable } from "./over-capable.ts";
import { captured, NOW_MS, replay, TrustLanes } from "./trust-lanes.ts";

/** Ways of attack; a row of the proof each. */
export const FORGERIES = [
  "forged",
  "bit-flipped",
  "replayed",
  "expired",
  "re-targeted",
  "over-capable",
] as const;
export type Forgery = (typeof FORGERIES)[number];

/** What became of one way of attack. */
export interface ForgeryCount {
  readonly forgery: Forgery;
  readonly tried: number;
  readonly accepted: number;
  readonly honest: number;
  readonly honestRefused: number;
  /** The first thing that went wrong; undefined when nothing did. */
  readonly fault: string | undefined;
  /** How often each reason was given. */
  readonly reasons: ReadonlyMap<string, number>;
}

const HOUR_MS = 3_600_000;
/** A mesh is used for so many cases; its clock goes on by {@link STEP_MS} in each. */
const CASES_A_MESH = 50_000;
/** Longer than a failed verification holds a lane up. */
const STEP_MS = 20;
const EXPIRED_AT_ONCE = 200;

type Pieces = readonly Uint8Array[];
type Pick = (most: number) => number;

/** Tries one way of attack `count` times; the same for the same seed. */
export function tryForgery(
  forgery: Forgery,
  count: number,
  seed: number,
  tell: (line: string) => void = () => {},
): ForgeryCount {
  const random = randomOf(seed ^ (FORGERIES.indexOf(forgery) * 0x9e3779b1));
  const pick: Pick = (most) => Math.floor(random() * most);
  const tally = new Tally();
  if (forgery === "over-capable") new OverCapable(pick).run(count, tally, tell);
  else
    for (let done = 0; done < count; done = tally.tried) {
      tell(`${forgery}: ${done} of ${count}`);
      new Attack(pick, tally).run(forgery, Math.min(CASES_A_MESH, count - done));
    }
  return { forgery, ...tally };
}

/** Counts of one run. */
export class Tally {
  tried = 0;
  accepted = 0;
  honest = 0;
  honestRefused = 0;
  fault: string | undefined;
  readonly reasons: Map<string, number> = new Map();

  refused(reasons: readonly string[]): void {
    for (const reason of reasons) this.reasons.set(reason, (this.reasons.get(reason) ?? 0) + 1);
  }

  attack(taken: number, reasons: readonly string[], what: () => string): void {
    this.tried++;
    this.accepted += taken;
    if (taken > 0 || reasons.length === 0) this.fault ??= `case ${this.tried}: ${what()}`;
    this.refused(reasons);
  }

  truth(held: boolean, what: () => string): void {
    this.honest++;
    if (held) return;
    this.honestRefused++;
    this.fault ??= `honest ${this.honest}: ${what()}`;
  }
}

/** One mesh of two threads, what is sent on it, and what is done to that. */
class Attack {
  readonly #pick: Pick;
  readonly #tally: Tally;
  readonly #lanes = new TrustLanes();
  readonly #other = new TrustLanes();
  /** Batches that were delivered, and one that was not. */
  readonly #seen: Pieces[] = [];
  #unseen: Pieces = [];
  #sent = 0;

  constructor(pick: Pick, tally: Tally) {
    this.#pick = pick;
    this.#tally = tally;
  }

  run(forgery: Exclude<Forgery, "over-capable">, count: number): void {
    for (let i = 0; i < count; i++) {
      this.#lanes.nowMs += STEP_MS;
      if (i % 10 === 0) this.#refresh();
      if (forgery === "expired") {
        const most = Math.min(EXPIRED_AT_ONCE, count - i);
        this.#expire(most);
        i += most - 1;
      } else if (forgery === "replayed")
        this.#bring(this.#seen[this.#pick(this.#seen.length)], this.#pick(10) === 0);
      else if (forgery === "bit-flipped") this.#bring(this.#flipped(), false);
      else if (forgery === "re-targeted") this.#retarget();
      else this.#forge();
    }
  }

  /** An honest batch that is delivered, and one that nobody has seen. */
  #refresh(): void {
    const first = this.#send();
    const { frames, refused } = this.#lanes.drain();
    const held = refused.length === 0 && frames.join() === first.payloads.join();
    this.#tally.truth(held, () => `${first.payloads} came as ${frames}, refused: ${refused}`);
    this.#seen.push(first.pieces);
    if (this.#seen.length > 64) this.#seen.shift();
    this.#unseen = this.#send().pieces;
    this.#forget(false);
    this.#renewInTime();
  }

  #renewInTime(): void {
    const { signer, office, nowMs } = this.#lanes;
    if ((nowMs - NOW_MS) % (HOUR_MS / 2) < STEP_MS * 10) signer.renew(office.open(1, 1, nowMs));
  }

  #send(): { payloads: string[]; pieces: Pieces } {
    const payloads = Array.from(
      { length: 1 + this.#pick(3) },
      () => `${this.#sent++} ${"x".repeat(this.#pick(40))}`,
    );
    const { ring } = this.#lanes.out();
    const from = ring.claimed;
    this.#lanes.send(payloads, 1 + this.#pick(9));
    return { payloads, pieces: captured(ring, wordAt(ring, from), payloads.length) };
  }

  /** Puts a batch on the lane as it is, and looks what comes out. */
  #bring(pieces: Pieces, urgent: boolean): void {
    replay(this.#lanes.out(urgent).ring, pieces);
    this.#look(urgent);
  }

  #look(urgent: boolean): void {
    const { frames, refused } = this.#lanes.drain(urgent);
    this.#tally.attack(frames.length, refused, () => `taken: ${frames}, refused: ${refused}`);
    this.#forget(urgent);
  }

  /** What a refusal has left on the lane, such as frames whose lengths are no lengths, is given up. */
  #forget(urgent: boolean): void {
    const { ring } = this.#lanes.in(urgent);
    if (!ring.empty) ring.release(ring.tail);
  }

  /** One bit is another; not of the length of a frame, by which the ring is read, for that is no forgery. */
  #flipped(): Pieces {
    const bent = copyOf(this.#unseen);
    const piece = bent[this.#pick(bent.length)];
    piece[4 + this.#pick(piece.length - 4)] ^= 1 << this.#pick(8);
    return bent;
  }

  /** Signed when it still held, and brought when its session has ended. */
  #expire(count: number): void {
    const late: Pieces[] = [];
    for (let i = 0; i < count; i++) {
      late.push(this.#send().pieces);
      this.#forget(false);
    }
    this.#lanes.nowMs += HOUR_MS + this.#pick(HOUR_MS);
    for (const pieces of late) {
      this.#lanes.nowMs += STEP_MS;
      this.#bring(pieces, false);
    }
    const { signer, office, nowMs } = this.#lanes;
    signer.renew(office.open(1, 1, nowMs));
    this.#refresh();
  }

  /** For another lane of the same reader, or for another mesh. */
  #retarget(): void {
    if (this.#pick(2) === 0) {
      this.#bring(this.#unseen, true);
      return;
    }
    const other = this.#other;
    const { ring } = other.out();
    const from = ring.claimed;
    other.send([`of another mesh ${this.#sent++}`]);
    const pieces = captured(ring, wordAt(ring, from), 1);
    other.in().ring.release(other.in().ring.tail);
    this.#bring(pieces, false);
  }

  #forge(): void {
    const way = this.#pick(8);
    const bent = copyOf(this.#unseen);
    const doubles = new Float64Array(bent[0].buffer);
    const old = this.#seen[this.#pick(this.#seen.length)];
    if (way === 0) doubles[BATCH_SEQUENCE_F64] += 1 + this.#pick(1_000);
    else if (way === 1) doubles[BATCH_EPOCH_F64] += 1 + this.#pick(3);
    else if (way === 2) for (let i = 64; i < 128; i++) bent[0][i] = this.#pick(256);
    else if (way === 3) bent.splice(1, bent.length, ...old.slice(1));
    else if (way === 4) bent.splice(1, 1, old[1]);
    else {
      this.#signBy(way === 5 ? "another key" : way === 6 ? "another root" : "another's row");
      return;
    }
    this.#bring(bent, false);
  }

  /** A whole batch, signed by who must not: the lane's own writer is the attacker. */
  #signBy(who: "another key" | "another root" | "another's row"): void {
    const lanes = this.#lanes;
    const { meshId } = lanes.plan;
    if (who === "another's row") lanes.send(["of a row elsewhere"], 10 + this.#pick(10));
    else {
      const { number } = lanes.office.open(1, 1, lanes.nowMs);
      const foreign = new SessionOffice(lanes.memory, passingConductor(lanes.nowMs));
      const seed = Uint8Array.from({ length: 32 }, () => this.#pick(256));
      const session = who === "another key" ? { number, seed } : foreign.open(1, 1, lanes.nowMs);
      lanes.sender.signer = new LaneSigner(lanes.memory, 1, meshId, session);
      lanes.send(["by another key"]);
      lanes.sender.signer = lanes.signer;
    }
    this.#look(false);
    // What a foreign office has posted stands where the lane's own sessions do.
    if (who !== "another's row") lanes.signer.renew(lanes.office.open(1, 1, lanes.nowMs));
  }
}

type RingOf = ReturnType<TrustLanes["out"]>["ring"];

/** Word of the record that was claimed at `position`, past the padding at the end of the ring. */
function wordAt(ring: RingOf, position: number): number {
  const cells = ring.capacityBytes / 64;
  const word = 96 + (position & (cells - 1)) * 16;
  return (ring.words[word + 1] & 0xff) === 1 ? 96 : word;
}

function copyOf(pieces: Pieces): Uint8Array[] {
  return pieces.map((piece) => piece.slice());
}
