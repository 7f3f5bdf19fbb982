/**
 * Evidence: what proves to somebody outside that an agent sent a message, years later, with nothing but the key of the
 * mesh's root.
 *
 *     message ── proof ──▶ root of its batch ── signature ──▶ key of the session
 *     root's certificate ─▶ conductor ─▶ session              the thread that the batch came from
 *     root's certificate ─▶ sector ─▶ agent ─▶ the same key   the agent, where the mesh has identities
 */
import { createHash } from "node:crypto";
import {
  BATCH_BYTES,
  BATCH_COUNT,
  BATCH_EPOCH_F64,
  BATCH_ROOT,
  BATCH_ROOT_BYTES,
  BATCH_SIGNATURE,
  BATCH_SIGNATURE_BYTES,
  BATCH_SOURCE,
} from "../mailbox/batch.ts";
import {
  FRAME_BYTES,
  FRAME_CREATED_F64,
  FRAME_LENGTH,
  FRAME_PAYLOAD,
  FRAME_RELEASE_F64,
  FRAME_SEQUENCE_F64,
  FRAME_SOURCE,
  FRAME_TARGET,
  FRAME_TYPE,
  FrameFlag,
  FrameKind,
  frameFlags,
  framePriority,
} from "../mailbox/frame.ts";
import { type Certificate, readCertificate } from "./certificate.ts";
import { type ChainFault, checkChain, type TrustedChain } from "./certificate-chain.ts";
import { leafHash, rootOfProof } from "./hash-tree.ts";
import { fingerprintOf } from "./identity.ts";
import { NOTHING_REVOKED, type RevocationFault, readRevocations } from "./revocation.ts";
import type { Signatures } from "./signatures.ts";
import { SignedBatch } from "./signed-batch.ts";

export const EVIDENCE_FORMAT = "mesh-30k/evidence/1";
/** Hexadecimal digits of one piece; longer ones are no evidence. */
const MAX_DIGITS = 4 * 1024 * 1024;
const MAX_PIECES = 16;

/** Evidence as it is written to a file: JSON, bytes in hexadecimal. */
export interface Evidence {
  readonly format: typeof EVIDENCE_FORMAT;
  /** The message as it was on the lane, header and payload. */
  readonly frame: string;
  /** The header of its batch, with root and signature. */
  readonly header: string;
  /** Place of the message in its batch, from 0. */
  readonly index: number;
  /** Children of the nodes from the leaf up. */
  readonly proof: readonly string[];
  /** The lane that the batch was for. */
  readonly lane: { readonly target: number; readonly urgent: boolean };
  /** Certificates of root, conductor and session. */
  readonly session: readonly string[];
  /** Certificates of root, sector, agent, and its delegation to the session; empty without identities. */
  readonly identity: readonly string[];
  /** The root's list of what was revoked when this was written; empty when nothing was. */
  readonly revoked: string;
}

/** Why evidence does not hold. */
export type EvidenceFault =
  | "format"
  | "header"
  | "frame"
  | "root"
  | "proof"
  | "signature"
  | "thread"
  | "sender"
  | `session: ${ChainFault}`
  | `identity: ${ChainFault}`
  | `revoked: ${RevocationFault}`;

/** What evidence proves. */
export interface Proven {
  /** Fingerprint of the root that all of it hangs on. */
  readonly root: string;
  readonly meshId: string;
  readonly kind: "tell" | "ask";
  /** Row of the sender; −1 for somebody outside the mesh. */
  readonly sender: number;
  readonly target: number;
  readonly priority: number;
  readonly sequence: number;
  readonly createdMs: number;
  readonly thread: number;
  readonly epoch: number;
  /** Bytes of the payload, hexadecimal (msgpack); absent when there is none, or it is a number. */
  readonly payload?: string;
  readonly number?: number;
  readonly payloadSha256: string;
  /** True when the sender's own identity delegated to the session; otherwise it is the thread's word. */
  readonly agentProven: boolean;
}

/** What an outsider brings. */
export interface EvidenceCheck {
  readonly signatures: Signatures;
  /** Fingerprint of the root that is believed; absent: the one that the evidence brings. */
  readonly root?: string | undefined;
}

/** Verifies evidence; what it proves, or why it does not hold. Never throws, whatever it is given. */
export function verifyEvidence(given: unknown, check: EvidenceCheck): Proven | EvidenceFault {
  const evidence = readEvidence(given);
  if (evidence === undefined) return "format";
  const header = bytesOf(evidence.header);
  const frame = bytesOf(evidence.frame);
  if (header.length !== BATCH_BYTES) return "header";
  const head = wordsOf(header);
  const message = wordsOf(frame);
  const kind = message.words[FRAME_TYPE] & 0xff;
  if (frame.length < FRAME_BYTES || message.words[FRAME_LENGTH] !== frame.length) return "frame";
  if (kind !== FrameKind.TELL && kind !== FrameKind.ASK) return "frame";
  const anchor = readCertificate(bytesOf(evidence.session[0] ?? ""));
  if (typeof anchor === "string") return `session: ${anchor}`;
  if (check.root !== undefined && fingerprintOf(anchor.publicKey) !== check.root) return "root";
  const createdMs = message.doubles[FRAME_CREATED_F64];
  const chains = checkChains(evidence, anchor, createdMs, check.signatures);
  if (typeof chains === "string") return chains;
  const { session, identity } = chains;
  const thread = head.words[BATCH_SOURCE];
  const epoch = head.doubles[BATCH_EPOCH_F64];
  if (session.last.thread !== thread || session.last.epoch !== epoch) return "thread";
  const fault = signatureFault(evidence, header, head.words[BATCH_COUNT], frame, session);
  if (fault !== undefined) return fault;
  const sender = message.words[FRAME_SOURCE];
  if (identity !== undefined && !speaksFor(identity.last, session.last, sender)) return "sender";
  return {
    root: fingerprintOf(anchor.publicKey),
    meshId: Buffer.from(anchor.meshId).toString("hex"),
    kind: kind === FrameKind.TELL ? "tell" : "ask",
    sender,
    target: message.words[FRAME_TARGET],
    priority: framePriority(message.words[FRAME_TYPE]),
    sequence: message.doubles[FRAME_SEQUENCE_F64],
    createdMs,
    thread,
    epoch,
    ...contentOf(frame, message),
    agentProven: identity !== undefined,
  };
}

interface Chains {
  readonly session: TrustedChain;
  readonly identity: TrustedChain | undefined;
}

function checkChains(
  evidence: Evidence,
  anchor: Certificate,
  createdMs: number,
  signatures: Signatures,
): Chains | EvidenceFault {
  const root = signatures.verifier(anchor.publicKey);
  if (root === undefined) return "session: weak-key";
  const list =
    evidence.revoked === ""
      ? NOTHING_REVOKED
      : readRevocations(bytesOf(evidence.revoked), anchor.meshId, root);
  if (typeof list === "string") return `revoked: ${list}`;
  const last = readCertificate(bytesOf(evidence.session.at(-1) ?? ""));
  if (typeof last === "string") return `session: ${last}`;
  if (last.kind !== "session") return "thread";
  // It was signed while its session lasted, and made no later; a message may have waited for a new session.
  const nowMs = Math.max(createdMs, last.notBeforeMs);
  const policy = { signatures, meshId: anchor.meshId, rootKey: anchor.publicKey, nowMs };
  const check = (chain: readonly string[]): TrustedChain | ChainFault =>
    checkChain(chain.map(bytesOf), { ...policy, revoked: list });
  const session = check(evidence.session);
  if (typeof session === "string") return `session: ${session}`;
  if (evidence.identity.length === 0) return { session, identity: undefined };
  const identity = check(evidence.identity);
  return typeof identity === "string" ? `identity: ${identity}` : { session, identity };
}

function signatureFault(
  { index, proof, lane }: Evidence,
  header: Uint8Array,
  count: number,
  frame: Uint8Array,
  { last, verifier }: TrustedChain,
): EvidenceFault | undefined {
  const leaf = new Uint8Array(1 + frame.length);
  leaf.set(frame, 1);
  const from = BATCH_ROOT * 4;
  const root = rootOfProof(leafHash(leaf), index, count, proof.map(bytesOf));
  const signed = header.subarray(from, from + BATCH_ROOT_BYTES);
  if (root === undefined || Buffer.compare(root, signed) !== 0) return "proof";
  const at = BATCH_SIGNATURE * 4;
  const signature = header.subarray(at, at + BATCH_SIGNATURE_BYTES);
  const message = new SignedBatch(last.meshId).of(header, lane.target, lane.urgent);
  return verifier.verify(message, signature) ? undefined : "signature";
}

/** Whether an agent's delegation is to this session, and the agent is the sender. */
function speaksFor(delegation: Certificate, session: Certificate, sender: number): boolean {
  const { kind, from, to, thread, epoch, publicKey } = delegation;
  if (kind !== "session" || from !== sender || to !== sender + 1) return false;
  if (thread !== session.thread || epoch !== session.epoch) return false;
  return Buffer.compare(publicKey, session.publicKey) === 0;
}

function contentOf(
  frame: Uint8Array,
  { words, doubles }: Words,
): Pick<Proven, "payload" | "number" | "payloadSha256"> {
  const flags = frameFlags(words[FRAME_TYPE]);
  const sha = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
  if ((flags & FrameFlag.NUMBER) !== 0)
    return { number: doubles[FRAME_RELEASE_F64], payloadSha256: sha(new Uint8Array(0)) };
  if ((flags & FrameFlag.NOTHING) !== 0) return { payloadSha256: sha(new Uint8Array(0)) };
  const payload = frame.subarray(FRAME_BYTES, FRAME_BYTES + words[FRAME_PAYLOAD]);
  return { payload: Buffer.from(payload).toString("hex"), payloadSha256: sha(payload) };
}

interface Words {
  readonly words: Int32Array;
  readonly doubles: Float64Array;
}

function wordsOf(bytes: Uint8Array): Words {
  const padded = new Uint8Array(Math.max(FRAME_BYTES, (bytes.length + 7) & ~7));
  padded.set(bytes);
  return { words: new Int32Array(padded.buffer), doubles: new Float64Array(padded.buffer) };
}

function bytesOf(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex, "hex"));
}

/** The document, when it is one; undefined otherwise. */
function readEvidence(given: unknown): Evidence | undefined {
  if (typeof given !== "object" || given === null) return undefined;
  const { format, frame, header, index, proof, lane, session, identity, revoked } =
    given as Partial<Record<keyof Evidence, unknown>>;
  if (format !== EVIDENCE_FORMAT) return undefined;
  if (![frame, header, revoked].every(isHex)) return undefined;
  if (![proof, session, identity].every(isPieces)) return undefined;
  if (!Number.isSafeInteger(index) || typeof lane !== "object" || lane === null) return undefined;
  const { target, urgent } = lane as { target?: unknown; urgent?: unknown };
  const isThread =
    Number.isInteger(target) && (target as number) >= 0 && (target as number) < 65_536;
  return isThread && typeof urgent === "boolean" ? (given as Evidence) : undefined;
}

function isHex(value: unknown): boolean {
  return (
    typeof value === "string" &&
    value.length <= MAX_DIGITS &&
    value.length % 2 === 0 &&
    /^[0-9a-f]*$/.test(value)
  );
}

function isPieces(value: unknown): boolean {
  return Array.isArray(value) && value.length <= MAX_PIECES && value.every(isHex);
}
