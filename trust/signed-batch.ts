import { BATCH_ROOT } from "../mailbox/batch.ts";
import { MESH_ID_BYTES } from "./certificate.ts";

const DOMAIN: Uint8Array = Buffer.from("mesh30k/batch/1\0", "latin1");
const HEADER_AT: number = DOMAIN.length + MESH_ID_BYTES;
/** The header of a batch up to its root, and the root. */
export const SIGNED_HEADER_BYTES: number = BATCH_ROOT * 4 + 32;
const TARGET_AT: number = HEADER_AT + SIGNED_HEADER_BYTES;

/**
 * What the signature of a batch is over: a domain string, the mesh, the header with the root, and the lane that it is
 * for, so that a batch holds on no other lane and in no other mesh.
 */
export class SignedBatch {
  readonly bytes: Uint8Array = new Uint8Array(TARGET_AT + 4);
  readonly #view: DataView;

  constructor(meshId: Uint8Array) {
    this.bytes.set(DOMAIN);
    this.bytes.set(meshId, DOMAIN.length);
    this.#view = new DataView(this.bytes.buffer);
  }

  /** Takes the header in, from its first byte; the view is good until the next call. */
  of(header: Uint8Array, target: number, urgent: boolean): Uint8Array {
    this.bytes.set(header.subarray(0, SIGNED_HEADER_BYTES), HEADER_AT);
    this.#view.setUint16(TARGET_AT, target);
    this.#view.setUint16(TARGET_AT + 2, urgent ? 1 : 0);
    return this.bytes;
  }
}
