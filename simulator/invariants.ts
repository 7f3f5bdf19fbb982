import { ACTIVE, DEGRADED, NOT_STARTED, OFFLINE, STARTING } from "../coordination/agent-state.ts";
import { controlDoublesOf } from "../mailbox/lanes.ts";
import { COUNT_COUNT, Count } from "../mailbox/layout.ts";
import { readCounts } from "../mailbox/ledger.ts";
import type { ConflictCounts } from "../runtime/api/conflict-api.ts";
import type { Dispatcher } from "../runtime/dispatch/dispatcher.ts";
import type { Disk } from "./disk.ts";
import type { Witness } from "./witness.ts";

/** An agent that is away for longer has been forgotten: its restart waits at most 10 s, and a worker may die again. */
const HEALING_MS = 25_000;
/** Counts that go down as well. */
const MAY_FALL: ReadonlySet<number> = new Set([Count.IN_FLIGHT]);

/** Looks at the shared memory of a mesh, as it is committed, and accuses it of what must not be. */
export class Invariants {
  readonly #main: Dispatcher;
  readonly #witness: Witness;
  /** Committed counts by thread, as of the last look. */
  readonly #counts: readonly Float64Array[];
  readonly #controls: readonly Float64Array[];
  readonly #now = new Float64Array(COUNT_COUNT);
  /** By agent: since when it is away, ms; 0 while it is not. */
  readonly #awaySinceMs: Float64Array;

  constructor(main: Dispatcher, witness: Witness) {
    const { plan, view } = main;
    this.#main = main;
    this.#witness = witness;
    this.#counts = Array.from({ length: plan.threads }, () => new Float64Array(COUNT_COUNT));
    this.#controls = Array.from({ length: plan.threads }, (_, thread) =>
      controlDoublesOf(plan.memory.control, thread),
    );
    this.#awaySinceMs = new Float64Array(view.topology.agents);
  }

  /** Messages: the law of conservation of each thread, and that no count is taken back. */
  lookAtCounts(): void {
    for (let thread = 0; thread < this.#controls.length; thread++) {
      const now = this.#now;
      readCounts(this.#controls[thread], now);
      const accounted =
        now[Count.HANDLED] + now[Count.EXPIRED] + now[Count.DEAD_LETTERED] + now[Count.IN_FLIGHT];
      if (now[Count.ACCEPTED] !== accounted)
        this.#witness.accuse(
          "conservation",
          `thread ${thread} has accepted ${now[Count.ACCEPTED]} and accounts for ${accounted}`,
        );
      if (now[Count.CORRUPT] > 0)
        this.#witness.accuse("lost", `thread ${thread} has refused ${now[Count.CORRUPT]} frames`);
      const before = this.#counts[thread];
      for (let i = 0; i < COUNT_COUNT; i++) {
        if (now[i] < before[i] && !MAY_FALL.has(i))
          this.#witness.accuse(
            "monotone",
            `count ${i} of thread ${thread}: ${before[i]}, then ${now[i]}`,
          );
        before[i] = now[i];
      }
    }
  }

  /** Agents: each is there, or ended, or on its way back. */
  lookAtTree(nowMs: number): void {
    const { registry, topology } = this.#main.view;
    for (let agent = 0; agent < topology.agents; agent++) {
      const state = registry.state[agent];
      if (state === ACTIVE || state === DEGRADED) {
        this.#awaySinceMs[agent] = 0;
        continue;
      }
      if (state !== OFFLINE && state !== STARTING && state !== NOT_STARTED) continue;
      const sinceMs = this.#awaySinceMs[agent];
      if (sinceMs === 0) this.#awaySinceMs[agent] = nowMs;
      else if (nowMs - sinceMs > HEALING_MS)
        this.#witness.accuse(
          "healing",
          `agent ${agent} is away for ${HEALING_MS} ms (state ${state})`,
        );
    }
  }

  /** Nothing may be in flight any more. */
  lookAtEnd(): void {
    let inFlight = 0;
    let sent = 0;
    let accepted = 0;
    for (const counts of this.#counts) {
      inFlight += counts[Count.IN_FLIGHT];
      sent += counts[Count.SENT];
      accepted += counts[Count.ACCEPTED];
    }
    if (inFlight !== 0)
      this.#witness.accuse("lost", `${inFlight} messages are in flight and nobody handles them`);
    if (sent !== accepted)
      this.#witness.accuse("lost", `${sent} messages were sent and ${accepted} accepted`);
  }

  /** Messages in custody or on their way. */
  get inFlight(): number {
    let inFlight = 0;
    for (const counts of this.#counts)
      inFlight += counts[Count.IN_FLIGHT] + counts[Count.SENT] - counts[Count.ACCEPTED];
    return inFlight;
  }
}

/** Conflicts listed at most: as many as are kept in memory. */
const MOST_CONFLICTS = 50_000;

/** At rest what the mesh was told of is on the disk, each once, and the chain of the log is whole. */
export function lookAtConflicts(counts: ConflictCounts, { file }: Disk, witness: Witness): void {
  const { ok, fault } = file.verify();
  if (!ok) witness.accuse("recorded", `the chain of the log is broken: ${fault}`);
  if (counts.waiting > 0) witness.accuse("recorded", `${counts.waiting} entries are never written`);
  const entries = file.count("conflict");
  if (entries > MOST_CONFLICTS) return;
  const conflicts = file.list({ limit: MOST_CONFLICTS });
  if (conflicts.length !== entries)
    witness.accuse("recorded", `${conflicts.length} conflicts have ${entries} entries`);
  let there = 0;
  for (const { record } of conflicts) there += 1 + (record.alsoUnnamed ?? 0);
  if (there + counts.lost !== counts.told)
    witness.accuse("recorded", `${there} conflicts are on the disk of ${counts.told} told of`);
}
