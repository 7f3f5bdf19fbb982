import { MeshError } from "../../actors/errors.ts";
import type { Log } from "../../actors/ports.ts";
import { addressOf, indexOfAddress, sectorAddress } from "../../coordination/address.ts";
import {
  conflictPriority,
  dueMs,
  MESH_PRIORITY,
  SECTOR_PRIORITY,
  suggestStrategy,
} from "../../coordination/conflict.ts";
import type { ConflictRecord, Resolution } from "../../coordination/conflict-entry.ts";
import { sectorOf, type Topology } from "../../coordination/topology.ts";
import { readValue, writeValue } from "../../coordination/written-value.ts";
import type {
  ConflictCounts,
  ConflictEvents,
  Conflicts,
  InboxItem,
  ResolveOptions,
} from "../api/conflict-api.ts";
import type {
  Conflict,
  ConflictFilter,
  ConflictHistory,
  ConflictLog,
  Verification,
} from "../api/conflict-log.ts";
import { Listeners } from "../api/listeners.ts";
import type { Routes } from "../api/operation-api.ts";
import type { ConflictNewsItem } from "../dispatch/conflict-news.ts";
import type { Incidents } from "../inspection/incidents.ts";
import { isOutside, messageIdOf } from "../plan/message-id.ts";
import { ConflictQueue, MAX_QUEUED } from "./conflict-queue.ts";
import type { ConflictRecorder } from "./conflict-recorder.ts";
import type { Strategist } from "./conflict-strategist.ts";
import type { QuarantineStore } from "./quarantine-store.ts";

/** Strategies that run at the same time by themselves. */
const AT_ONCE = 4;

/** What the desk needs of its mesh. */
export interface DeskPorts {
  readonly topology: Topology;
  readonly nowMs: () => number;
  readonly newId: () => string;
  readonly log: ConflictLog;
  readonly recorder: ConflictRecorder;
  readonly quarantine: QuarantineStore;
  readonly strategist: Strategist;
  readonly incidents: Incidents;
  readonly lines: Log;
  readonly isRunning: () => boolean;
  readonly route: Routes;
}

/**
 * Where conflicts arrive (spec 5.1, `on_conflict_received`): recorded, their data quarantined, ranked, escalated, and
 * queued for the strategy that suits them. A strategy starts when the conflict is on disk, not before.
 */
export class ConflictDesk implements Conflicts {
  readonly #ports: DeskPorts;
  readonly #listeners = new Listeners<ConflictEvents>();
  readonly #queue = new ConflictQueue();
  /** Conflicts whose strategy runs. */
  readonly #working = new Map<string, Promise<Resolution>>();
  #told = 0;
  #escalated = 0;

  constructor(ports: DeskPorts) {
    this.#ports = ports;
  }

  on<E extends keyof ConflictEvents>(
    event: E,
    listener: (detail: ConflictEvents[E]) => void,
  ): () => void {
    return this.#listeners.on(event, listener);
  }

  /** A shard tells of a turn that ended in conflict. */
  receive(agent: number, item: ConflictNewsItem): void {
    this.#told += 1 + (item.unnamed ?? 0);
    const { quarantine, recorder } = this.#ports;
    const held = quarantine.take(item.detail, item.message, "message" in item);
    const missing =
      item.missing ?? (held !== undefined && "missing" in held ? held.missing : undefined);
    const record = this.#recordOf(agent, item, missing);
    const data = held !== undefined && "data" in held ? { data: held.data } : {};
    recorder.add({ entry: { kind: "conflict", record }, ...data }, (error) => {
      if (error === undefined) this.#onRecorded(record);
    });
    if (record.priority >= SECTOR_PRIORITY) this.#escalate(record);
  }

  #recordOf(agent: number, item: ConflictNewsItem, missing: string | undefined): ConflictRecord {
    const { topology, newId } = this.#ports;
    const { detail, atMs, source, sequence, operationId } = item;
    const messageId = operationId ?? messageIdOf(topology, source, sequence);
    const priority = conflictPriority(detail);
    const due = dueMs(priority, atMs);
    return {
      conflictId: `conflict-${newId()}`,
      atMs,
      agent: addressOf(topology, agent),
      messageId,
      via: item.via,
      priority,
      causationId: detail.causationId ?? item.causationId ?? messageId,
      lamport: detail.lamport ?? item.lamport,
      strategy: suggestStrategy(detail),
      ...valuesOf(item),
      ...(Number.isFinite(due) && { dueMs: due }),
      ...(!isOutside(topology, source) && { source: addressOf(topology, source) }),
      ...(operationId !== undefined && { operationId }),
      ...(missing !== undefined && { missing }),
      ...(item.unnamed !== undefined && { alsoUnnamed: item.unnamed }),
    };
  }

  #escalate(record: ConflictRecord): void {
    const { topology } = this.#ports;
    this.#escalated++;
    const sector = sectorOf(topology, indexOfAddress(topology, record.agent));
    if (sector >= 0) this.#putBefore(sectorAddress(sector), record);
    if (record.priority >= MESH_PRIORITY || sector < 0) this.#putBefore("orchestrator", record);
  }

  #putBefore(to: string, record: ConflictRecord): void {
    const { incidents } = this.#ports;
    const { conflictId, type, priority, agent, atMs } = record;
    const error = `${type} of priority ${priority} at ${agent} (${conflictId})`;
    incidents.add({ atMs, subject: to, error, decision: "escalate", delayMs: 0 });
    this.#listeners.emit("escalated", { record, to });
  }

  #onRecorded(record: ConflictRecord): void {
    this.#listeners.emit("recorded", record);
    if (!record.strategy.automatic) return;
    this.#queue.push(record);
    this.goOn();
  }

  /**
   * Queues what the log holds open, left behind by a process that ended: the most urgent first, as many as can wait.
   * What its strategy had begun and not recorded is begun anew.
   */
  async adopt(): Promise<void> {
    for (const priority of [4, 3, 2, 1, 0] as const) {
      const limit = MAX_QUEUED - this.#queue.size;
      if (limit <= 0) return;
      const open = await this.#ports.log.list({ state: "open", own: true, priority, limit });
      // As they came; the log gives the newest first.
      for (const { record } of open.toReversed())
        if (record.strategy.automatic && !this.#working.has(record.conflictId))
          this.#queue.push(record);
    }
  }

  /** Takes up what is queued, while the mesh runs: called when it begins to, and after each thaw. */
  goOn(): void {
    while (this.#working.size < AT_ONCE && this.#ports.isRunning()) {
      const record = this.#queue.shift();
      if (record === undefined) return;
      if (this.#working.has(record.conflictId)) continue;
      this.#resolve(record, {}).catch((error: Error) => {
        const { conflictId: conflict } = record;
        this.#ports.lines.warn({ conflict, error: error.message }, "not resolved");
      });
    }
  }

  #resolve(record: ConflictRecord, options: ResolveOptions): Promise<Resolution> {
    const running = this.#working.get(record.conflictId);
    if (running !== undefined) return running;
    const resolved = this.#resolveNow(record, options).finally(() => {
      this.#working.delete(record.conflictId);
      this.goOn();
    });
    this.#working.set(record.conflictId, resolved);
    return resolved;
  }

  async #resolveNow(record: ConflictRecord, options: ResolveOptions): Promise<Resolution> {
    const { conflictId } = record;
    const { recorder, strategist, nowMs, isRunning } = this.#ports;
    const { by = "mesh" } = options;
    const says = options.outcome !== undefined || "value" in options;
    const suggested = says ? "HUMAN_REVIEW" : record.strategy.method;
    const method = options.method ?? suggested;
    const found = says
      ? {
          state: "resolved" as const,
          outcome: options.outcome ?? "the operator chose the value",
          steps: [],
          ...("value" in options && { value: options.value }),
        }
      : await strategist.run(record, method);
    if (by === "mesh" && found.state !== "resolved" && !isRunning()) {
      // Agents could not be asked: that is no finding. It is begun anew when they can be.
      this.#queue.push(record);
      throw new MeshError("MESH_NOT_RUNNING", "its strategy was cut off, and will be begun anew");
    }
    const resolution: Resolution = { conflictId, atMs: nowMs(), method, by, ...found };
    await recorder.record({ entry: { kind: "resolution", resolution } });
    this.#listeners.emit("resolution", resolution);
    return resolution;
  }

  list(filter: ConflictFilter = {}): Promise<readonly Conflict[]> {
    return this.#ports.log.list(filter);
  }

  get(conflictId: string): Promise<ConflictHistory | undefined> {
    return this.#ports.log.get(conflictId);
  }

  async resolve(conflictId: string, options: ResolveOptions = {}): Promise<Resolution> {
    const conflict = await this.get(conflictId);
    if (conflict === undefined)
      throw new MeshError("MESH_NO_CONFLICT", `no conflict has the id ${conflictId}`);
    if (conflict.elsewhere !== undefined && options.outcome === undefined && !("value" in options))
      throw new MeshError(
        "MESH_OTHER_NODE",
        `${conflictId} was recorded by node ${conflict.elsewhere}, whose agents a strategy asks: ` +
          "resolve it there, or say what holds (an outcome or a value)",
      );
    // One that runs by itself is let finish: the operator's word comes after it.
    await this.#working.get(conflictId)?.catch(() => {});
    // As it would be read again: what is told and what is recorded are the same.
    const given = "value" in options ? { value: readValue(writeValue(options.value)) } : {};
    return this.#resolve(conflict.record, { by: "operator", ...options, ...given });
  }

  /**
   * A person has decided on a review: approved, what came is accepted and its source is trusted again; denied, what
   * the agent held stands.
   */
  async onReviewed(item: InboxItem): Promise<void> {
    const { conflictId } = (item.about ?? {}) as { readonly conflictId?: string };
    const conflict = conflictId === undefined ? undefined : await this.get(conflictId);
    if (conflict === undefined || conflict.state === "resolved") return;
    const { record } = conflict;
    const approved = item.state === "approved";
    if (approved && record.type === "HASH_MISMATCH" && record.source !== undefined)
      this.#ports.route.allow(record.source);
    const comment = item.comments[item.comments.length - 1]?.text ?? "no comment";
    const chosen = approved ? "received" : "expected";
    await this.resolve(record.conflictId, {
      method: "HUMAN_REVIEW",
      by: item.decidedBy ?? "operator",
      outcome: `${item.state}, the ${chosen} value stands: ${comment}`,
      ...(chosen in record && { value: record[chosen] }),
    });
  }

  verify(): Promise<Verification> {
    return this.#ports.log.verify();
  }

  counts(): ConflictCounts {
    const queued = this.#queue.size;
    return { told: this.#told, ...this.#ports.recorder.counts, queued, escalated: this.#escalated };
  }

  async settled(): Promise<void> {
    await this.#ports.recorder.settle(Number.POSITIVE_INFINITY);
  }

  /** Says which conflicts are overdue; called by main's timer. */
  tick(): void {
    for (const record of this.#queue.overdue(this.#ports.nowMs()))
      this.#listeners.emit("overdue", record);
  }
}

/** What the detail says, as the record has it. */
function valuesOf({
  detail,
  requires,
}: ConflictNewsItem): Pick<
  ConflictRecord,
  | "type"
  | "expected"
  | "received"
  | "contextHash"
  | "divergenceDepth"
  | "affectsAgentCount"
  | "expectedFrom"
  | "receivedFrom"
  | "events"
> {
  const { type, expected, received, contextHash, divergenceDepth, affectsAgentCount } = detail;
  const { expectedFrom, receivedFrom, events } = detail;
  // The sector says only that something is lacking; what the operation required is known here.
  const needed = type === "CAPABILITY_MISMATCH" && requires?.length ? requires : undefined;
  return {
    type,
    ...(expected !== undefined && { expected: needed ?? expected }),
    ...(received !== undefined && { received }),
    ...(contextHash !== undefined && { contextHash }),
    ...(divergenceDepth !== undefined && { divergenceDepth }),
    ...(affectsAgentCount !== undefined && { affectsAgentCount }),
    ...(expectedFrom !== undefined && { expectedFrom }),
    ...(receivedFrom !== undefined && { receivedFrom }),
    ...(events !== undefined && { events }),
  };
}
