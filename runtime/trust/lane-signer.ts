import { BATCH_BYTES, BATCH_ROOT, BATCH_SIGNATURE } from "../../mailbox/batch.ts";
import { FRAME_LENGTH, FRAME_TYPE, FrameKind } from "../../mailbox/frame.ts";
import type { BatchSigner } from "../../mailbox/lanes.ts";
import { CELL_BYTES, CELL_WORDS, RING_CELLS } from "../../mailbox/layout.ts";
import type { Ring } from "../../mailbox/ring.ts";
import { HashTree, leafHash } from "../../trust/hash-tree.ts";
import { nativeSignatures } from "../../trust/native-signatures.ts";
import type { Signer } from "../../trust/signatures.ts";
import { SignedBatch } from "../../trust/signed-batch.ts";
import { COUNT_SIGNED, type Session, TRUST_COUNT_WORDS, type TrustMemory } from "./trust-plan.ts";

/** Signs the batches of one thread with the key of its session, which may be renewed between two of them. */
export class LaneSigner implements BatchSigner {
  readonly #memory: TrustMemory;
  readonly #count: number;
  readonly #tree = new HashTree();
  readonly #signed: SignedBatch;
  #leaf = new Uint8Array(1024);
  #signer: Signer;
  #number: number;

  constructor(memory: TrustMemory, thread: number, meshId: Uint8Array, session: Session) {
    this.#memory = memory;
    this.#count = thread * TRUST_COUNT_WORDS + COUNT_SIGNED;
    this.#signed = new SignedBatch(meshId);
    this.#signer = nativeSignatures.signer(session.seed);
    this.#number = session.number;
  }

  /** Goes on with another key. */
  renew(session: Session): void {
    this.#signer = nativeSignatures.signer(session.seed);
    this.#number = session.number;
  }

  sign(ring: Ring, word: number, count: number, target: number, urgent: boolean): void {
    const { words, bytes } = ring;
    words[word + FRAME_TYPE] = FrameKind.BATCH | (this.#number << 16);
    this.#tree.clear();
    for (let i = 0, at = nextFrame(ring, word); i < count; i++, at = nextFrame(ring, at)) {
      const length = words[at + FRAME_LENGTH];
      if (this.#leaf.length <= length) this.#leaf = new Uint8Array(length * 2);
      this.#leaf.set(bytes.subarray(at * 4, at * 4 + length), 1);
      this.#tree.add(leafHash(this.#leaf.subarray(0, length + 1)));
    }
    bytes.set(this.#tree.root(), (word + BATCH_ROOT) * 4);
    const header = bytes.subarray(word * 4, word * 4 + BATCH_BYTES);
    const signature = this.#signer.sign(this.#signed.of(header, target, urgent));
    bytes.set(signature, (word + BATCH_SIGNATURE) * 4);
    this.#memory.counts[this.#count]++;
  }
}

/** The word of the frame behind the one at `word`, over the end of the ring and past padding. */
export function nextFrame(ring: Ring, word: number): number {
  const cells = (ring.words[word + FRAME_LENGTH] + (CELL_BYTES - 1)) >>> 6;
  const end = RING_CELLS + (ring.capacityBytes / CELL_BYTES) * CELL_WORDS;
  const next = word + cells * CELL_WORDS;
  if (next >= end) return RING_CELLS;
  return (ring.words[next + FRAME_TYPE] & 0xff) === FrameKind.PADDING ? RING_CELLS : next;
}
