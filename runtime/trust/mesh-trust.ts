import type { TokenWish } from "../../actors/context.ts";
import { MeshError } from "../../actors/errors.ts";
import type { Log } from "../../actors/ports.ts";
import type { Topology } from "../../coordination/topology.ts";
import { FRAME_BYTES, FRAME_SOURCE, FRAME_TYPE } from "../../mailbox/frame.ts";
import { type Certificate, readCertificate } from "../../trust/certificate.ts";
import { EVIDENCE_FORMAT, type Evidence } from "../../trust/evidence.ts";
import { fingerprintOf, issueSession } from "../../trust/identity.ts";
import type { TrustStatus } from "../api/trust-api.ts";
import { EvidenceTap, type Testimony } from "./evidence-tap.ts";
import { hasKeys, type KeyEnvironment, keyPaths } from "./key-files.ts";
import { KeyStore } from "./key-store.ts";
import {
  type Conductor,
  passingConductor,
  RENEW_SESSION_MS,
  SessionOffice,
} from "./session-office.ts";
import { type PassOnRequest, TokenOffice } from "./token-office.ts";
import {
  COUNT_REFUSED,
  COUNT_SIGNED,
  COUNT_VERIFIED,
  REFUSALS,
  type Refusal,
  type Session,
  TRUST_COUNT_WORDS,
  TrustMemory,
  type TrustPlan,
} from "./trust-plan.ts";

/** How often main looks whether a message has come that is waited for, ms. */
const LOOK_MS = 5;

/** How often main looks whether identities are due, ms; and how long it waits after a rotation that failed. */
const LOOK_FOR_DUE_MS = 60_000;
const AFTER_FAILURE_MS = 3_600_000;

/** What a mesh is asked for. */
export interface MeshTrustOptions {
  readonly level: TrustPlan["level"];
  readonly topology: Topology;
  /** Threads, main included. */
  readonly threads: number;
  readonly dataDir: string | undefined;
  readonly env: KeyEnvironment;
  readonly nowMs: number;
}

/** Has a thread sign with another session's key. */
export type SessionHand = (thread: number, session: Session) => void;

/** A session that is in use. */
interface Open {
  readonly epoch: number;
  readonly sinceMs: number;
}

/**
 * Main's side of trust: opens and renews the sessions of threads, and tells all of them whom they no longer believe.
 * Its keys come from the key store of the data folder, where there is one.
 */
export class MeshTrust {
  readonly plan: TrustPlan;
  readonly #memory: TrustMemory;
  readonly #office: SessionOffice;
  readonly #options: MeshTrustOptions;
  readonly #kept: boolean;
  readonly #tap: EvidenceTap;
  readonly #open = new Map<number, Open>();
  readonly #tokens: TokenOffice;
  /** As it was read last, while nothing has changed in it. */
  #keyStore: KeyStore | undefined;
  #tapped = false;
  #nextRotationMs = Number.POSITIVE_INFINITY;
  #lookMs = 0;
  #rotation: { readonly made: number; readonly total: number } | undefined;

  constructor(options: MeshTrustOptions) {
    const { level, topology, threads, dataDir } = options;
    this.#options = options;
    this.#tokens = new TokenOffice(topology, () => this.#granting());
    const { rows } = topology;
    const memory = new SharedArrayBuffer(TrustMemory.bytes(threads, rows));
    this.#memory = new TrustMemory(memory, threads, rows);
    this.#kept = dataDir !== undefined && hasKeys(dataDir);
    const store = this.#kept ? this.#store() : undefined;
    const conductor = store === undefined ? passingConductor(options.nowMs) : conductorOf(store);
    const tap = new SharedArrayBuffer(EvidenceTap.bytes);
    this.#tap = new EvidenceTap(tap);
    this.plan = { level, meshId: conductor.meshId, root: conductor.chain[0], memory, tap };
    this.#office = new SessionOffice(this.#memory, conductor);
    if (store !== undefined) this.#mark(store, options.nowMs);
  }

  /** The session of a thread's new incarnation. */
  open(thread: number, epoch: number, nowMs: number): Session {
    this.#open.set(thread, { epoch, sinceMs: nowMs });
    return this.#office.open(thread, epoch, nowMs);
  }

  /** Hands a new session to each thread whose own is at least so old; by default to those whose own is half over. */
  renew(nowMs: number, hand: SessionHand, leastMs: number = RENEW_SESSION_MS): void {
    for (const [thread, { epoch, sinceMs }] of [...this.#open])
      if (nowMs - sinceMs >= leastMs) hand(thread, this.open(thread, epoch, nowMs));
  }

  /** Called every second: renews sessions and identities that are due. */
  tick(nowMs: number, hand: SessionHand, log: Log): void {
    this.renew(nowMs, hand);
    this.rotateDue(nowMs, hand).then(
      (done) => done && log.info(done, "identities were due, and are renewed"),
      (error: Error) =>
        log.error({ error: error.message }, "identities are due, and cannot be: keys rotate"),
    );
  }

  /**
   * Renews what is due, in pieces between two turns of the event loop: nothing is dropped, for what was issued before
   * holds for another ten days. Resolves to what was renewed, null when nothing was; rejects, and tries again in an
   * hour, when it cannot be: the root may have been moved away.
   */
  async rotateDue(nowMs: number, hand: SessionHand): Promise<{ readonly renewed: number } | null> {
    if (!this.#kept || this.#rotation !== undefined || nowMs < this.#lookMs) return null;
    this.#lookMs = nowMs + LOOK_FOR_DUE_MS;
    if (nowMs < this.#nextRotationMs) return null;
    this.#rotation = { made: 0, total: 0 };
    try {
      const store = this.#store();
      const rows = store.due(nowMs);
      if (rows !== undefined)
        await store.renew(
          rows,
          (made, total) => {
            this.#rotation = { made, total };
          },
          nowMs,
        );
      this.refresh(nowMs, hand);
      if (rows === undefined) return null;
      // The next sector, if there is one.
      this.#lookMs = nowMs;
      return { renewed: rows.to - rows.from };
    } catch (error) {
      this.#lookMs = nowMs + AFTER_FAILURE_MS;
      throw error;
    } finally {
      this.#rotation = undefined;
    }
  }

  /** Reads the key store again, and renews all sessions; MESH_KEYS when it is another mesh's by now. */
  refresh(nowMs: number, hand: SessionHand): void {
    if (!this.#kept) return;
    this.#keyStore = undefined;
    const store = this.#store();
    const conductor = conductorOf(store);
    if (Buffer.compare(conductor.chain[0], this.plan.root) !== 0)
      throw new MeshError("MESH_KEYS", "keys: expected those that the mesh began with, got others");
    this.#office.succeed(conductor);
    this.#mark(store, nowMs);
    this.renew(nowMs, hand, 0);
  }

  /** A token for an agent; see `Trust.grant`. */
  grant(wish: TokenWish, nowMs: number): Uint8Array {
    return this.#tokens.grant(wish, nowMs);
  }

  /** What an agent of a thread passes on. */
  passOn(request: PassOnRequest, livesThere: (row: number) => boolean, nowMs: number): Uint8Array {
    return this.#tokens.passOn(request, livesThere, nowMs);
  }

  #granting(): KeyStore {
    if (this.plan.level !== "all")
      throw new MeshError("MESH_TOKEN", `tokens need trust: all, got ${this.plan.level}`);
    if (!this.#kept)
      throw new MeshError(
        "MESH_KEYS",
        "tokens need the keys of a data folder: make them with keys init",
      );
    this.#keyStore ??= this.#store();
    return this.#keyStore;
  }

  /** The next message that crosses a thread from or to `row`; undefined when none did within that time, ms. */
  async evidence(
    row: number,
    withinMs: number,
    nowMs: () => number,
  ): Promise<Evidence | undefined> {
    if (this.#tapped)
      throw new MeshError("MESH_EVIDENCE", "evidence: another message is waited for already");
    this.#tapped = true;
    try {
      const endMs = nowMs() + withinMs;
      this.#tap.want(row);
      for (;;) {
        const testimony = this.#tap.take();
        if (testimony !== undefined) return this.#write(testimony);
        if (nowMs() >= endMs) return undefined;
        await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      }
    } finally {
      this.#tap.cancel();
      this.#tapped = false;
    }
  }

  #write({ thread, index, target, urgent, header, frame, levels }: Testimony): Evidence {
    const words = new Int32Array(header.buffer);
    const number = words[FRAME_TYPE] >>> 16;
    const posted = this.#memory.find(thread, number);
    if (posted === undefined)
      throw new MeshError("MESH_EVIDENCE", `evidence: session ${number} is no longer kept`);
    const sender = new Int32Array(frame.slice(0, FRAME_BYTES).buffer)[FRAME_SOURCE];
    return {
      format: EVIDENCE_FORMAT,
      frame: hexOf(frame),
      header: hexOf(header),
      index,
      proof: levels.map(hexOf),
      lane: { target, urgent },
      session: [this.plan.root, ...posted].map(hexOf),
      ...this.#identityOf(sender, readCertificate(posted[1]) as Certificate),
    };
  }

  /** The sender's own chain down to its delegation to the session: its key, in the store, signs it now. */
  #identityOf(sender: number, session: Certificate): Pick<Evidence, "identity" | "revoked"> {
    const { agents } = this.#options.topology;
    if (!this.#kept || sender < 0 || sender >= agents) return { identity: [], revoked: "" };
    const store = this.#store();
    const { serial, thread, epoch, notBeforeMs, notAfterMs, publicKey } = session;
    const rows = { from: sender, to: sender + 1 };
    const { meshId } = this.plan;
    const issue = { meshId, serial, nowMs: notBeforeMs, notAfterMs, thread, epoch, ...rows };
    const delegation = issueSession(publicKey, store.agentSigner(sender), issue);
    return {
      identity: [...store.chainOf(sender), delegation].map(hexOf),
      revoked: hexOf(store.revokedBytes),
    };
  }

  status(): TrustStatus {
    const { level, meshId, root } = this.plan;
    const refused = REFUSALS.map((reason, i) => [reason, this.#sum(COUNT_REFUSED + i)] as const);
    return {
      level,
      meshId: Buffer.from(meshId).toString("hex"),
      root: fingerprintOf((readCertificate(root) as Certificate).publicKey),
      kept: this.#kept,
      ...(this.#kept && { nextRotationMs: this.#nextRotationMs }),
      ...(this.#rotation && { rotation: this.#rotation }),
      signed: this.#sum(COUNT_SIGNED),
      verified: this.#sum(COUNT_VERIFIED),
      refused: Object.fromEntries(refused) as Record<Refusal, number>,
    };
  }

  #sum(place: number): number {
    const { counts } = this.#memory;
    let sum = 0;
    // A count goes on from 2^31 below 0.
    for (let at = place; at < counts.length; at += TRUST_COUNT_WORDS) sum += counts[at] >>> 0;
    return sum;
  }

  #mark(store: KeyStore, nowMs: number): void {
    this.#nextRotationMs = store.nextRotationMs;
    for (let row = 0; row < this.#options.topology.agents; row++)
      this.#memory.setRevoked(row, store.stateOf(row, nowMs).state === "revoked");
    this.#memory.revise();
  }

  #store(): KeyStore {
    const { dataDir, env, topology } = this.#options;
    const store = KeyStore.open(dataDir as string, env);
    const { sectors, clustersPerSector, agentsPerCluster } = store.identities.shape;
    const [has, wants] = [
      [sectors, clustersPerSector, agentsPerCluster],
      [topology.sectors, topology.clustersPerSector, topology.agentsPerCluster],
    ].map((sizes) => sizes.join(" × "));
    if (has === wants) return store;
    const { folder } = keyPaths(dataDir as string);
    throw new MeshError(
      "MESH_KEYS",
      `${folder}: expected the keys of a mesh of ${wants}, got ${has}`,
    );
  }
}

function conductorOf(store: KeyStore): Conductor {
  return { meshId: store.identities.meshId, ...store.conductor() };
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
