import type { TokenWish } from "../../actors/context.ts";
import { InvalidOptionError, MeshError } from "../../actors/errors.ts";
import { indexOfAddress } from "../../coordination/address.ts";
import type { IndexRange } from "../../coordination/placement.ts";
import { kindOf, type Topology } from "../../coordination/topology.ts";
import { MAX_TOKEN_LINKS, TOKEN_LIFETIME_MS } from "../../trust/capability-token.ts";
import {
  attenuateToken,
  issueToken,
  lastLinkOf,
  type TokenGrant,
} from "../../trust/token-chain.ts";
import { certificateOf, type KeyStore } from "./key-store.ts";

const DEFAULT_TTL_MS = 5 * 60_000;

/** What an agent asks main for: a part of a token that it holds, for another one. */
export interface PassOnRequest {
  readonly kind: "pass-on";
  /** Row of who holds it, by its thread's word. */
  readonly holder: number;
  readonly token: Uint8Array;
  readonly wish: TokenWish;
}

/** Main's side of tokens: grants them with the keys of the store, and signs for agents what they pass on. */
export class TokenOffice {
  readonly #topology: Topology;
  readonly #store: () => KeyStore;
  #lastSerial = 0;

  constructor(topology: Topology, store: () => KeyStore) {
    this.#topology = topology;
    this.#store = store;
  }

  /** A token by the sector of those that may be asked, or by the root where these are of several. */
  grant(wish: TokenWish, nowMs: number): Uint8Array {
    const rows = this.#audienceOf(wish.audience ?? "all");
    const store = this.#store();
    const { signer, certificates } = store.granter(rows);
    const ttlMs = ttlOf(wish) ?? DEFAULT_TTL_MS;
    const notBeforeMs = Math.floor(nowMs);
    const times = { notBeforeMs, notAfterMs: notBeforeMs + ttlMs };
    return issueToken(
      { ...this.#grantOf(store, wish, nowMs), ...rows, ...times },
      signer,
      certificates,
    );
  }

  /** For the holder, whose key is in the store; `livesThere` says whether it is on the thread that asks. */
  passOn(request: PassOnRequest, livesThere: (row: number) => boolean, nowMs: number): Uint8Array {
    const { holder, token, wish } = request;
    const held = lastLinkOf(token);
    if (held === undefined)
      throw new MeshError("MESH_TOKEN", "token: expected a token, got other bytes");
    if (!livesThere(holder) || held.holderRow !== holder)
      throw new MeshError("MESH_TOKEN", "token: expected one that this agent holds, got another's");
    const store = this.#store();
    const { publicKey } = certificateOf(store.identities.agents[holder]);
    if (Buffer.compare(publicKey, held.holderKey) !== 0)
      throw new MeshError("MESH_TOKEN", "token: the holder's key was renewed: ask for a new token");
    const rows = wish.audience === undefined ? held : this.#audienceOf(wish.audience);
    const notBeforeMs = Math.max(Math.floor(nowMs), held.notBeforeMs);
    const ttlMs = ttlOf(wish);
    const notAfterMs =
      ttlMs === undefined ? held.notAfterMs : Math.min(held.notAfterMs, notBeforeMs + ttlMs);
    if (notAfterMs <= notBeforeMs) throw new MeshError("MESH_TOKEN", "token: its time is over");
    const { from, to } = rows;
    const grant = { ...this.#grantOf(store, wish, nowMs), from, to, notBeforeMs, notAfterMs };
    const next = attenuateToken(token, grant, store.agentSigner(holder));
    if (typeof next !== "string") return next;
    const why = next === "depth" ? `it was passed on ${MAX_TOKEN_LINKS - 1} times already` : next;
    throw new MeshError("MESH_TOKEN", `token: ${why}`);
  }

  #grantOf(
    store: KeyStore,
    { to, capabilities }: TokenWish,
    nowMs: number,
  ): Omit<TokenGrant, "from" | "to" | "notBeforeMs" | "notAfterMs"> {
    const row = typeof to === "string" ? indexOfAddress(this.#topology, to) : to;
    if (!Number.isInteger(row) || row < 0 || row >= this.#topology.agents)
      throw new InvalidOptionError("to", to, "an agent of the mesh that has an identity");
    if (!isNames(capabilities))
      throw new InvalidOptionError("capabilities", capabilities, "1 to 64 names");
    const { publicKey } = certificateOf(store.identities.agents[row]);
    this.#lastSerial = Math.max(this.#lastSerial + 1, Math.floor(nowMs));
    const { meshId } = store.identities;
    return { meshId, serial: this.#lastSerial, holderKey: publicKey, holderRow: row, capabilities };
  }

  #audienceOf(audience: string): IndexRange {
    const { agents, agentsPerCluster, agentsPerSector, leadBase, coordinatorBase } = this.#topology;
    if (audience === "all") return { from: 0, to: agents };
    const index = indexOfAddress(this.#topology, String(audience));
    const run = (place: number, length: number): IndexRange => ({
      from: place * length,
      to: (place + 1) * length,
    });
    const kind = index < 0 ? "none" : kindOf(this.#topology, index);
    if (kind === "agent") return run(index, 1);
    if (kind === "lead") return run(index - leadBase, agentsPerCluster);
    if (kind === "coordinator") return run(index - coordinatorBase, agentsPerSector);
    throw new InvalidOptionError("audience", audience, "`all`, or a sector, a cluster or an agent");
  }
}

function ttlOf({ ttlMs }: TokenWish): number | undefined {
  if (ttlMs === undefined) return undefined;
  if (ttlMs >= 1 && ttlMs <= TOKEN_LIFETIME_MS) return Math.floor(ttlMs);
  throw new InvalidOptionError("ttlMs", ttlMs, `ms from 1 to ${TOKEN_LIFETIME_MS}`);
}

function isNames(names: unknown): boolean {
  return Array.isArray(names) && names.length > 0 && names.length <= 64 && names.every(isName);
}

function isName(name: unknown): boolean {
  return typeof name === "string" && name !== "" && Buffer.byteLength(name) <= 255;
}
