import { randomBytes } from "node:crypto";
import { MeshError } from "../../actors/errors.ts";
import type { Log } from "../../actors/ports.ts";
import type { Receipt } from "../../actors/receipt.ts";
import type { OperationEntry } from "../../coordination/conflict-entry.ts";
import type { Conflicts, HumanInbox, Quarantine } from "../api/conflict-api.ts";
import {
  type ConflictLog,
  LOG_VERBS,
  promised,
  type RecordedOperation,
} from "../api/conflict-log.ts";
import type { StoreStatus } from "../api/store-api.ts";
import type { ConflictNewsItem } from "../dispatch/conflict-news.ts";
import type { Incidents } from "../inspection/incidents.ts";
import type { Later } from "../machine/later.ts";
import type { StorePlan } from "../plan/store-plan.ts";
import { ConflictDesk } from "./conflict-desk.ts";
import { ConflictRecorder } from "./conflict-recorder.ts";
import { Strategist, type StrategyPorts } from "./conflict-strategist.ts";
import { QuestionInbox } from "./human-inbox.ts";
import { openLog } from "./log-client.ts";
import { MemoryLog } from "./memory-log.ts";
import { QuarantineStore } from "./quarantine-store.ts";

/** What is written when the mesh stops gets this long, ms. */
const CLOSE_MS = 5000;

/** What conflicts need of their mesh. */
export interface ConflictPorts extends Omit<StrategyPorts, "log" | "inbox"> {
  readonly dataDir: string | undefined;
  /** A database that several nodes share, instead of the folder. */
  readonly store?: StorePlan | undefined;
  readonly nowMs: () => number;
  readonly later: Later;
  /** Opens another log than that of the folder, or of memory where there is none. */
  readonly openLog: (() => Promise<ConflictLog>) | undefined;
  readonly incidents: Incidents;
  readonly lines: Log;
  readonly isRunning: () => boolean;
  readonly tell: (address: string, message: unknown) => Receipt;
}

/**
 * Conflicts, quarantine and the inbox of a mesh: three facets over one log. Made with the mesh, before the log is
 * open: what is asked of it waits for that.
 */
export class ConflictFacets {
  readonly conflicts: Conflicts;
  readonly quarantine: Quarantine;
  readonly inbox: HumanInbox;
  readonly #ports: ConflictPorts;
  readonly #desk: ConflictDesk;
  readonly #questions: QuestionInbox;
  readonly #store: QuarantineStore;
  readonly #recorder: ConflictRecorder;
  #log: ConflictLog | undefined;
  #opening: Promise<void> | undefined;
  #lastId = 0;
  #node: string | undefined;
  /** The store's connection is lost; or writes fail. */
  #unreachable: StoreStatus["trouble"];
  #broken: StoreStatus["trouble"];

  constructor(ports: ConflictPorts) {
    this.#ports = ports;
    const { nowMs } = ports;
    const log = this.#deferredLog();
    const newId = (): string => this.#newId();
    this.#recorder = new ConflictRecorder(log, nowMs, ports.later, {
      onTrouble: (error) => this.#trouble(`cannot be written: ${error.message}`),
      onRecovery: (lost) => {
        this.#broken = undefined;
        ports.lines.warn({ lost }, "the log of conflicts can be written again");
      },
    });
    const recorder = this.#recorder;
    this.#questions = new QuestionInbox({ log, recorder, nowMs, newId });
    this.#store = new QuarantineStore({ log, recorder, nowMs, tell: ports.tell });
    const strategist = new Strategist({ ...ports, log, inbox: this.#questions });
    this.#desk = new ConflictDesk({
      ...ports,
      topology: ports.view.topology,
      newId,
      log,
      recorder,
      quarantine: this.#store,
      strategist,
    });
    this.#questions.on("decided", (item) => {
      if (item.kind !== "conflict-review") return;
      this.#desk.onReviewed(item).catch((error: Error) => {
        ports.lines.warn({ item: item.itemId, error: error.message }, "a review was not recorded");
      });
    });
    this.conflicts = this.#desk;
    this.quarantine = this.#store;
    this.inbox = this.#questions;
  }

  /** Opens the log; rejects when another mesh has it, when it was cut, and when there is no SQLite. */
  open(): Promise<void> {
    this.#opening = this.#open();
    return this.#opening;
  }

  async #open(): Promise<void> {
    const { nowMs } = this.#ports;
    const open = this.#ports.openLog ?? (() => this.#openOwn());
    const log = await open();
    this.#log = log;
    const { count } = await log.head();
    const logId = randomBytes(16).toString("hex");
    const head =
      count > 0
        ? { count }
        : await log.append([{ entry: { kind: "genesis", logId, atMs: nowMs() } }]);
    this.#recorder.begin(head.count);
    await this.#store.begin();
    await this.#questions.begin();
    await this.#desk.adopt();
  }

  async #openOwn(): Promise<ConflictLog> {
    const { dataDir, store, nowMs, lines } = this.#ports;
    if (store === undefined && dataDir === undefined) return promised(new MemoryLog());
    return openLog(
      { dataDir, store },
      {
        onNode: (node) => {
          this.#node = node;
        },
        onLink: (error) => {
          this.#unreachable = error === undefined ? undefined : { sinceMs: nowMs(), error };
          if (error === undefined)
            lines.warn({ at: store?.shown }, "the store of the log of conflicts can be reached");
          else lines.warn({ error }, "the store of the log of conflicts cannot be reached");
        },
      },
    );
  }

  /** Writes down how an operation went; nobody waits for it. */
  recordOperation(operation: OperationEntry): void {
    this.#recorder.add({ entry: { kind: "operation", operation } });
  }

  /** What was written down so, newest first. */
  async operations(limit: number): Promise<readonly RecordedOperation[]> {
    return this.#deferredLog().operations(limit);
  }

  /** Where the log is, and how it is there. */
  storeStatus(): StoreStatus {
    const { dataDir, store } = this.#ports;
    const trouble = this.#unreachable ?? this.#broken;
    const { waiting, lost } = this.#recorder.counts;
    const at = store?.shown ?? dataDir;
    return {
      kind: store !== undefined ? "postgres" : dataDir !== undefined ? "sqlite" : "memory",
      ...(at !== undefined && { at }),
      ...(this.#node !== undefined && { node: this.#node }),
      reachable: trouble === undefined,
      ...(trouble && { trouble }),
      waiting,
      lost,
    };
  }

  /** The mesh runs, at first or again: conflicts that wait are seen to. */
  goOn(): void {
    this.#desk.goOn();
  }

  receive(agent: number, news: unknown): void {
    this.#desk.receive(agent, news as ConflictNewsItem);
  }

  /** Called by main's timer. */
  tick(): void {
    this.#desk.tick();
    this.#questions.tick();
  }

  async close(): Promise<void> {
    // What is opened while the mesh gives up must be closed all the same.
    await this.#opening?.catch(() => {});
    await this.#recorder.close(CLOSE_MS);
    await this.#log?.close().catch(() => {});
  }

  #trouble(sentence: string): void {
    const { incidents, nowMs } = this.#ports;
    this.#broken = { sinceMs: nowMs(), error: sentence };
    incidents.add({
      atMs: nowMs(),
      subject: "conflict-log",
      error: sentence,
      decision: "escalate",
      delayMs: 0,
    });
  }

  /** The log for those who are made before it is open. */
  #deferredLog(): ConflictLog {
    const log: Record<string, unknown> = {};
    for (const verb of LOG_VERBS) {
      log[verb] = async (...args: never[]) => {
        if (this.#log === undefined)
          throw new MeshError("MESH_STARTING", "the log of conflicts is not open yet");
        return (this.#log[verb] as (...values: never[]) => unknown)(...args);
      };
    }
    return log as unknown as ConflictLog;
  }

  /** Ids rise with time, so that whoever sorts them has the order of coming. */
  #newId(): string {
    this.#lastId = Math.max(this.#lastId + 1, Math.floor(this.#ports.nowMs() * 1000));
    return `${this.#lastId.toString(36)}${randomBytes(3).toString("hex")}`;
  }
}
