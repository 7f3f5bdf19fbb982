/**
 * What language models may cost, kept by all threads in one shared memory: a budget for the mesh, one for each sector
 * and one for each cluster. A call takes what it may cost at most out of all three before it is sent, and gives back
 * what it did not use after it; a node never holds more than its limit, whoever asks at the same moment.
 *
 *   nodes   mesh │ sector 1 … S │ cluster 1 … C      each: held, spent of money; held, spent of tokens
 *   calls   of thread 1 … T, each so many             each: cluster + 1 or 0, money, tokens that it holds
 *
 * Money is in billionths of a dollar: a token may cost less than a millionth. What a thread held that died counts as
 * spent: nobody knows whether it was billed.
 */
import { clusterAddress, sectorAddress } from "../coordination/address.ts";
import type { Topology } from "../coordination/topology.ts";

/** What one node may spend; not limited where absent. */
export interface Limit {
  readonly nanoUsd?: number | undefined;
  readonly tokens?: number | undefined;
}

/** The limits of all nodes, by tier. */
export interface Limits {
  readonly mesh?: Limit | undefined;
  readonly sector?: Limit | undefined;
  readonly cluster?: Limit | undefined;
}

/** Money and tokens. */
export interface Amount {
  readonly nanoUsd: number;
  readonly tokens: number;
}

/** Calls that a thread may have out at once. */
export const CALLS = 1024;

const NODE_WORDS = 4;
const CALL_WORDS = 3;
/** Words of a node and of a call; money first, tokens behind it. */
const HELD = 0;
const SPENT = 2;
const CALL_CLUSTER = 0;
const CALL_HELD = 1;

/** Why a call has to wait, or cannot be made. */
export interface Refusal {
  /** `mesh`, `sector-3`, `sector-3/cluster-2`; `calls` when the thread has as many out as it may. */
  readonly node: string;
  /** Waiting does not help: what is spent already leaves too little. */
  readonly final: boolean;
  readonly limit: Amount;
  readonly left: Amount;
}

/** A reservation; the number of the thread's call. */
export type Reserved = { readonly call: number } | { readonly refusal: Refusal };

/** Bytes of the budgets of a mesh. */
export function budgetBytes(topology: Topology, threads: number): number {
  const nodes = 1 + topology.sectors + topology.sectors * topology.clustersPerSector;
  return (nodes * NODE_WORDS + threads * CALLS * CALL_WORDS) * 8;
}

/** The budgets as one thread sees them. */
export class BudgetTree {
  readonly #words: BigInt64Array;
  readonly #topology: Topology;
  readonly #limits: readonly [Limit, Limit, Limit];
  readonly #firstCall: number;

  /** Over the memory that all share; what an earlier incarnation of `thread` held becomes spent. */
  constructor(
    memory: SharedArrayBuffer,
    offset: number,
    topology: Topology,
    limits: Limits,
    thread: number,
  ) {
    this.#words = new BigInt64Array(memory, offset);
    this.#topology = topology;
    this.#limits = [limits.mesh ?? {}, limits.sector ?? {}, limits.cluster ?? {}];
    const nodes = 1 + topology.sectors * (1 + topology.clustersPerSector);
    this.#firstCall = nodes * NODE_WORDS + thread * CALLS * CALL_WORDS;
    for (let call = 0; call < CALLS; call++) {
      const held = this.#heldBy(call);
      if (held !== undefined) this.settle(call, held);
    }
  }

  /** Takes what a call of `agent` may cost at most out of its cluster, its sector and the mesh; or out of none. */
  reserve(agent: number, most: Amount): Reserved {
    const call = this.#freeCall();
    if (call < 0) {
      const none = { nanoUsd: 0, tokens: 0 };
      return { refusal: { node: "calls", final: false, limit: none, left: none } };
    }
    const cluster = Math.floor(agent / this.#topology.agentsPerCluster);
    const amounts = [toUnits(most.nanoUsd), toUnits(most.tokens)];
    const nodes = this.#nodesOf(cluster);
    for (let tier = 0; tier < nodes.length; tier++) {
      for (let kind = 0; kind < 2; kind++) {
        if (this.#take(nodes[tier] + kind, amounts[kind], limitOf(this.#limits[tier], kind)))
          continue;
        const refusal = this.#refusal(tier, cluster, most);
        for (let taken = tier * 2 + kind - 1; taken >= 0; taken--)
          Atomics.sub(this.#words, nodes[taken >> 1] + (taken & 1), amounts[taken & 1]);
        return { refusal };
      }
    }
    const at = this.#firstCall + call * CALL_WORDS;
    this.#words[at + CALL_HELD] = amounts[0];
    this.#words[at + CALL_HELD + 1] = amounts[1];
    // Last: only a call with a cluster is one.
    Atomics.store(this.#words, at + CALL_CLUSTER, BigInt(cluster + 1));
    return { call };
  }

  /** The call is over and has cost `actual`: the rest of what it held is free again. */
  settle(call: number, actual: Amount): void {
    const at = this.#firstCall + call * CALL_WORDS;
    const cluster = Number(this.#words[at + CALL_CLUSTER]) - 1;
    const actuals = [toUnits(actual.nanoUsd), toUnits(actual.tokens)];
    for (const node of this.#nodesOf(cluster)) {
      for (let kind = 0; kind < 2; kind++) {
        Atomics.add(this.#words, node + SPENT + kind, actuals[kind]);
        Atomics.add(this.#words, node + kind, actuals[kind] - this.#words[at + CALL_HELD + kind]);
      }
    }
    Atomics.store(this.#words, at + CALL_CLUSTER, 0n);
  }

  /** What a node has spent; `place` 0 is the mesh, then sectors, then clusters. */
  spentAt(place: number): Amount {
    const at = place * NODE_WORDS + SPENT;
    return {
      nanoUsd: Number(Atomics.load(this.#words, at)),
      tokens: Number(Atomics.load(this.#words, at + 1)),
    };
  }

  /** What a node holds: spent, or taken by calls that are out. Never more than its limit. */
  heldAt(place: number): Amount {
    const at = place * NODE_WORDS + HELD;
    return {
      nanoUsd: Number(Atomics.load(this.#words, at)),
      tokens: Number(Atomics.load(this.#words, at + 1)),
    };
  }

  #take(word: number, amount: bigint, limit: bigint): boolean {
    for (;;) {
      const held = Atomics.load(this.#words, word);
      if (held + amount > limit) return false;
      if (Atomics.compareExchange(this.#words, word, held, held + amount) === held) return true;
    }
  }

  /** Places of the first words of the mesh's, the sector's and the cluster's node. */
  #nodesOf(cluster: number): readonly [number, number, number] {
    const { sectors, clustersPerSector } = this.#topology;
    const sector = Math.floor(cluster / clustersPerSector);
    return [0, (1 + sector) * NODE_WORDS, (1 + sectors + cluster) * NODE_WORDS];
  }

  #refusal(tier: number, cluster: number, most: Amount): Refusal {
    const { sectors, clustersPerSector } = this.#topology;
    const sector = Math.floor(cluster / clustersPerSector);
    const place = [0, 1 + sector, 1 + sectors + cluster][tier];
    const names = ["mesh", sectorAddress(sector), clusterAddress(this.#topology, cluster)];
    const { nanoUsd = Number.POSITIVE_INFINITY, tokens = Number.POSITIVE_INFINITY } =
      this.#limits[tier];
    const spent = this.spentAt(place);
    const left = { nanoUsd: nanoUsd - spent.nanoUsd, tokens: tokens - spent.tokens };
    const final = most.nanoUsd > left.nanoUsd || most.tokens > left.tokens;
    return { node: names[tier], final, limit: { nanoUsd, tokens }, left };
  }

  #freeCall(): number {
    for (let call = 0; call < CALLS; call++)
      if (this.#words[this.#firstCall + call * CALL_WORDS + CALL_CLUSTER] === 0n) return call;
    return -1;
  }

  #heldBy(call: number): Amount | undefined {
    const at = this.#firstCall + call * CALL_WORDS;
    if (this.#words[at + CALL_CLUSTER] === 0n) return undefined;
    return {
      nanoUsd: Number(this.#words[at + CALL_HELD]),
      tokens: Number(this.#words[at + CALL_HELD + 1]),
    };
  }
}

/** More than anything: 2^62. */
const NO_LIMIT = 1n << 62n;

function limitOf(limit: Limit, kind: number): bigint {
  const value = kind === 0 ? limit.nanoUsd : limit.tokens;
  return value === undefined ? NO_LIMIT : BigInt(Math.floor(value));
}

/** Rounded up: what is not whole counts as one more. */
function toUnits(amount: number): bigint {
  return BigInt(Math.ceil(amount));
}
