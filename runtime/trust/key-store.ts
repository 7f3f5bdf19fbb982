import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { MeshError } from "../../actors/errors.ts";
import type { IndexRange } from "../../coordination/placement.ts";
import { type Certificate, MESH_ID_BYTES, readCertificate } from "../../trust/certificate.ts";
import { checkChain, LIFETIME_MS } from "../../trust/certificate-chain.ts";
import {
  agentSeed,
  conductorSeed,
  issueAgent,
  issueConductor,
  issueRoot,
  issueSector,
  sectorSeed,
  signerOf,
} from "../../trust/identity.ts";
import { nativeSignatures } from "../../trust/native-signatures.ts";
import {
  isRevoked,
  NOTHING_REVOKED,
  type RevocationList,
  readRevocations,
  revoke,
  writeRevocations,
} from "../../trust/revocation.ts";
import type { Signer } from "../../trust/signatures.ts";
import { systemClock } from "../machine/clock.ts";
import { lockFolder } from "../machine/folder-lock.ts";
import { turnOfEventLoop } from "../machine/later.ts";
import { replaceFile } from "../machine/replaced-file.ts";
import {
  agentsOf,
  type Identities,
  type IdentityShape,
  readIdentities,
  writeIdentities,
} from "./identity-file.ts";
import {
  type KeyEnvironment,
  type KeyPaths,
  keyPaths,
  newSealSecret,
  readKeys,
  sealSecret,
} from "./key-files.ts";
import { randomSecret, type SealSecret, seal, unseal } from "./sealed-file.ts";

/** Keys made between two turns of the event loop: about two milliseconds, in which a mesh stands still. */
const KEYS_A_TURN = 24;
/** An identity is renewed from this long before its end, ms: a third of its life. */
const RENEW_MS = LIFETIME_MS.agent / 3;
const ROOT = "root.sealed";
const ISSUERS = "issuers.sealed";

/** Hears how many identities are made, of how many. */
export type KeyProgress = (made: number, total: number) => void;

/** What one agent's identity is. */
export interface IdentityState {
  readonly row: number;
  readonly certificate: Certificate;
  readonly state: "valid" | "due" | "expired" | "revoked";
}

/** The identities of a mesh: public certificates in the open, two secrets sealed. */
export class KeyStore {
  readonly #paths: KeyPaths;
  readonly #secret: SealSecret;
  readonly identities: Identities;
  revoked: RevocationList;

  private constructor(paths: KeyPaths, secret: SealSecret, identities: Identities) {
    this.#paths = paths;
    this.#secret = secret;
    this.identities = identities;
    this.revoked = this.#readRevoked();
  }

  /** Makes the identities of a mesh; MESH_KEYS when there are any. */
  static async init(
    dataDir: string,
    shape: IdentityShape,
    env: KeyEnvironment,
    progress?: KeyProgress,
  ): Promise<KeyStore> {
    const paths = keyPaths(dataDir);
    refuseExisting(paths);
    const lock = lockFolder(paths.lock);
    try {
      refuseExisting(paths);
      const secret = newSealSecret(paths.folder, env);
      const seed = randomSecret();
      replaceFile(paths.root, seal(seed, secret, ROOT));
      replaceFile(
        paths.issuers,
        seal(issuersBytes([{ from: 1, seed: randomSecret() }]), secret, ISSUERS),
      );
      const meshId = new Uint8Array(randomBytes(MESH_ID_BYTES));
      const root = signerOf(nativeSignatures, seed);
      const issue = { meshId, serial: 1, nowMs: systemClock.nowMs() };
      const store = new KeyStore(paths, secret, {
        meshId,
        shape,
        nextSerial: 2,
        root: issueRoot(root, issue),
        conductor: new Uint8Array(0),
        sectors: [],
        agents: [],
      });
      await store.#issue(root, allOf(shape), progress);
      return store;
    } finally {
      lock.release();
    }
  }

  /** Opens the store of a data folder: MESH_KEYS when there is none, or it is not whole. */
  static open(dataDir: string, env: KeyEnvironment): KeyStore {
    const paths = keyPaths(dataDir);
    const identities = readIdentities(readKeys(paths.identities), paths.identities);
    return new KeyStore(paths, sealSecret(paths.folder, env), identities);
  }

  /** The root's public key. */
  get rootKey(): Uint8Array {
    return certificateOf(this.identities.root).publicKey;
  }

  /** The signed list of what is revoked as it is kept; empty when nothing ever was. */
  get revokedBytes(): Uint8Array {
    const { revoked } = this.#paths;
    return existsSync(revoked) ? readKeys(revoked) : new Uint8Array(0);
  }

  /** Certificates from the root to the agent at `row`. */
  chainOf(row: number): readonly Uint8Array[] {
    const { root, sectors, agents } = this.identities;
    return [root, sectors[this.#sectorOf(row)], agents[row]];
  }

  /** Holds the key of the agent at `row`. For the process that keeps the store; never for a worker. */
  agentSigner(row: number): Signer {
    const sector = this.#sectorOf(row);
    const seed = this.#sectorSeed(readIssuers(this.#unseal(ISSUERS, this.#paths.issuers)), sector);
    const { serial } = certificateOf(this.identities.agents[row]);
    return signerOf(nativeSignatures, agentSeed(seed, this.identities.meshId, row, serial));
  }

  /** Who grants tokens for these rows: their sector, or the root where they are of several. */
  granter(rows: IndexRange): {
    readonly signer: Signer;
    readonly certificates: readonly Uint8Array[];
  } {
    const sector = this.#sectorOf(rows.from);
    if (this.#sectorOf(rows.to - 1) !== sector) return { signer: this.#root(), certificates: [] };
    const seed = this.#sectorSeed(readIssuers(this.#unseal(ISSUERS, this.#paths.issuers)), sector);
    const signer = signerOf(nativeSignatures, seed);
    return { signer, certificates: [this.identities.sectors[sector]] };
  }

  /** Holds the key that delegates to threads, and its chain from the root. */
  conductor(): { readonly signer: Signer; readonly chain: readonly Uint8Array[] } {
    const { meshId, root, conductor } = this.identities;
    const { serial } = certificateOf(conductor);
    const issuers = readIssuers(this.#unseal(ISSUERS, this.#paths.issuers));
    const seed = conductorSeed(issuerOf(issuers, serial), meshId, serial);
    return { signer: signerOf(nativeSignatures, seed), chain: [root, conductor] };
  }

  /** Identities of rows, as they are now. */
  stateOf(row: number, nowMs: number): IdentityState {
    const certificate = certificateOf(this.identities.agents[row]);
    const sector = certificateOf(this.identities.sectors[this.#sectorOf(row)]);
    const endMs = Math.min(certificate.notAfterMs, sector.notAfterMs);
    const dead = isRevoked(this.revoked, certificate) || isRevoked(this.revoked, sector);
    const state = dead
      ? "revoked"
      : nowMs >= endMs
        ? "expired"
        : nowMs >= endMs - RENEW_MS
          ? "due"
          : "valid";
    return { row, certificate, state };
  }

  /**
   * When something is due next, ms since 1970: the first to end of conductor, sectors and agents, less a third of a
   * life.
   */
  get nextRotationMs(): number {
    const { conductor, sectors, agents } = this.identities;
    let endMs = Number.POSITIVE_INFINITY;
    for (const bytes of [conductor, ...sectors, ...agents]) {
      const certificate = certificateOf(bytes);
      // What is revoked is renewed by order only.
      if (isRevoked(this.revoked, certificate)) continue;
      endMs = Math.min(endMs, certificate.notAfterMs);
    }
    return endMs - RENEW_MS;
  }

  /** Rows that are due: all of them with the conductor, else those of the first sector in which something is. */
  due(nowMs: number): IndexRange | undefined {
    const { conductor, agents, shape } = this.identities;
    if (nowMs >= certificateOf(conductor).notAfterMs - RENEW_MS)
      return { from: 0, to: agents.length };
    const perSector = agentsPerSector(shape);
    for (let row = 0; row < agents.length; row++) {
      const { state } = this.stateOf(row, nowMs);
      if (state !== "due" && state !== "expired") continue;
      const sector = this.#sectorOf(row);
      return { from: sector * perSector, to: (sector + 1) * perSector };
    }
    return undefined;
  }

  /** True when the chain of `row` holds as the store has it: the check that an outsider would make. */
  holds(row: number, nowMs: number): boolean {
    const policy = { meshId: this.identities.meshId, rootKey: this.rootKey, nowMs };
    const ways = { signatures: nativeSignatures, revoked: this.revoked };
    return typeof checkChain(this.chainOf(row), { ...policy, ...ways }) !== "string";
  }

  /**
   * New keys for the agents of these rows, and for each sector that lies in them as a whole; for all rows also for the
   * issuers and the conductor. The old certificates hold until they end or are revoked, so nothing is dropped.
   */
  rotate(rows: IndexRange, progress?: KeyProgress): Promise<void> {
    return this.#rotate(rows, progress, systemClock.nowMs(), false);
  }

  /** The same by itself, because it is due: who is revoked stays so. */
  renew(rows: IndexRange, progress: KeyProgress, nowMs: number): Promise<void> {
    return this.#rotate(rows, progress, nowMs, true);
  }

  async #rotate(
    rows: IndexRange,
    progress: KeyProgress | undefined,
    nowMs: number,
    sparesRevoked: boolean,
  ): Promise<void> {
    const lock = lockFolder(this.#paths.lock);
    try {
      this.#reload();
      const perSector = agentsPerSector(this.identities.shape);
      const whole = rows.to - rows.from >= perSector;
      const root = whole ? this.#root() : undefined;
      if (rows.to - rows.from === this.identities.agents.length) this.#renewIssuers();
      await this.#issue(root, rows, progress, nowMs, sparesRevoked);
    } finally {
      lock.release();
    }
  }

  /** Revokes all that was issued for these rows up to now; the root signs it. */
  revoke(rows: IndexRange): RevocationList {
    const lock = lockFolder(this.#paths.lock);
    try {
      this.#reload();
      const entry = { from: rows.from, to: rows.to, before: this.identities.nextSerial };
      this.revoked = revoke(this.#readRevoked(), entry, Math.floor(systemClock.nowMs()));
      const { meshId } = this.identities;
      replaceFile(this.#paths.revoked, writeRevocations(this.revoked, meshId, this.#root()));
      return this.revoked;
    } finally {
      lock.release();
    }
  }

  /** Issues anew what lies in `rows`; the file of identities is replaced as a whole when all is made. */
  async #issue(
    root: Signer | undefined,
    rows: IndexRange,
    progress?: KeyProgress,
    nowMs: number = systemClock.nowMs(),
    sparesRevoked = false,
  ): Promise<void> {
    const { identities } = this;
    const { meshId, shape } = identities;
    const issuers = readIssuers(this.#unseal(ISSUERS, this.#paths.issuers));
    const next = {
      ...identities,
      sectors: [...identities.sectors],
      agents: [...identities.agents],
    };
    const perSector = agentsPerSector(shape);
    if (root !== undefined && rows.to - rows.from === agentsOf(shape)) {
      const serial = next.nextSerial++;
      const key = signerOf(
        nativeSignatures,
        conductorSeed(issuerOf(issuers, serial), meshId, serial),
      );
      next.conductor = issueConductor(key.publicKey, root, { meshId, serial, nowMs });
    }
    const total = rows.to - rows.from;
    const first = Math.floor(rows.from / perSector);
    for (let sector = first; sector * perSector < rows.to; sector++) {
      const from = Math.max(rows.from, sector * perSector);
      const to = Math.min(rows.to, (sector + 1) * perSector);
      let serial: number;
      const isDead = isRevoked(
        this.revoked,
        certificateOf(identities.sectors[sector] ?? next.root),
      );
      if (to - from === perSector && root !== undefined && !(sparesRevoked && isDead)) {
        serial = next.nextSerial++;
        const seed = sectorSeed(issuerOf(issuers, serial), meshId, sector, serial);
        const { publicKey } = signerOf(nativeSignatures, seed);
        next.sectors[sector] = issueSector(publicKey, root, from, to, { meshId, serial, nowMs });
      }
      ({ serial } = certificateOf(next.sectors[sector]));
      const seed = sectorSeed(issuerOf(issuers, serial), meshId, sector, serial);
      const signer = nativeSignatures.signer(seed);
      for (let row = from; row < to; row++) {
        if (sparesRevoked && this.stateOf(row, nowMs).state === "revoked") continue;
        const issue = { meshId, serial: next.nextSerial++, nowMs };
        const own = agentSeed(seed, meshId, row, issue.serial);
        next.agents[row] = issueAgent(
          signerOf(nativeSignatures, own).publicKey,
          signer,
          row,
          issue,
        );
        if ((row - rows.from) % KEYS_A_TURN !== KEYS_A_TURN - 1) continue;
        progress?.(row + 1 - rows.from, total);
        await turnOfEventLoop();
      }
      seed.fill(0);
    }
    progress?.(total, total);
    replaceFile(this.#paths.identities, writeIdentities(next));
    Object.assign(identities, next);
  }

  /** Later serials come from a new secret; the old one stays as long as something of it is in use. */
  #renewIssuers(): void {
    const issuers = readIssuers(this.#unseal(ISSUERS, this.#paths.issuers));
    const from = this.identities.nextSerial;
    const next = [...issuers, { from, seed: randomSecret() }].slice(-MAX_ISSUERS);
    replaceFile(this.#paths.issuers, seal(issuersBytes(next), this.#secret, ISSUERS));
  }

  #root(): Signer {
    return signerOf(nativeSignatures, this.#unseal(ROOT, this.#paths.root));
  }

  #sectorSeed(issuers: readonly Issuer[], sector: number): Uint8Array {
    const { serial } = certificateOf(this.identities.sectors[sector]);
    return sectorSeed(issuerOf(issuers, serial), this.identities.meshId, sector, serial);
  }

  #sectorOf(row: number): number {
    return Math.floor(row / agentsPerSector(this.identities.shape));
  }

  #unseal(purpose: string, path: string): Uint8Array {
    return unseal(readKeys(path), this.#secret, purpose);
  }

  /** Another process may have issued since this one read. */
  #reload(): void {
    const { identities: path } = this.#paths;
    Object.assign(this.identities, readIdentities(readKeys(path), path));
  }

  #readRevoked(): RevocationList {
    const { revoked: path } = this.#paths;
    if (!existsSync(path)) return NOTHING_REVOKED;
    const root = nativeSignatures.verifier(this.rootKey);
    const list =
      root === undefined
        ? "signature"
        : readRevocations(readKeys(path), this.identities.meshId, root);
    if (typeof list !== "string") return list;
    throw new MeshError("MESH_KEYS", `${path}: expected a list that the root signed: ${list}`);
  }
}

/** A secret of the issuers, and the first serial that comes from it. */
interface Issuer {
  readonly from: number;
  readonly seed: Uint8Array;
}

/** Secrets kept: those of certificates that may still be in use, thirty days of a rotation a day. */
const MAX_ISSUERS = 32;
const ISSUER_BYTES = 40;

function issuersBytes(issuers: readonly Issuer[]): Uint8Array {
  const bytes = new Uint8Array(issuers.length * ISSUER_BYTES);
  const view = new DataView(bytes.buffer);
  for (const [place, { from, seed }] of issuers.entries()) {
    view.setBigUint64(place * ISSUER_BYTES, BigInt(from));
    bytes.set(seed, place * ISSUER_BYTES + 8);
  }
  return bytes;
}

function readIssuers(bytes: Uint8Array): readonly Issuer[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: Math.floor(bytes.length / ISSUER_BYTES) }, (_, place) => ({
    from: Number(view.getBigUint64(place * ISSUER_BYTES)),
    seed: bytes.subarray(place * ISSUER_BYTES + 8, (place + 1) * ISSUER_BYTES),
  }));
}

function issuerOf(issuers: readonly Issuer[], serial: number): Uint8Array {
  const found = issuers.findLast(({ from }) => from <= serial);
  if (found !== undefined) return found.seed;
  throw new MeshError("MESH_KEYS", `${ISSUERS}: expected a secret for serial ${serial}, got none`);
}

/** A certificate of a store; MESH_KEYS when it is none. */
export function certificateOf(bytes: Uint8Array): Certificate {
  const certificate = readCertificate(bytes);
  if (typeof certificate !== "string") return certificate;
  throw new MeshError(
    "MESH_KEYS",
    `identities: expected a certificate, got bytes of another ${certificate}`,
  );
}

function refuseExisting({ identities, folder }: KeyPaths): void {
  if (existsSync(identities))
    throw new MeshError(
      "MESH_KEYS",
      `${folder}: has keys already: rotate them, or move the folder away`,
    );
}

function allOf(shape: IdentityShape): IndexRange {
  return { from: 0, to: agentsOf(shape) };
}

function agentsPerSector({ clustersPerSector, agentsPerCluster }: IdentityShape): number {
  return clustersPerSector * agentsPerCluster;
}
