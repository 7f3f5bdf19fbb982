import { availableParallelism } from "node:os";
import { resolve as resolvePath } from "node:path";
import { InvalidOptionError } from "../../actors/errors.ts";
import { BREAKER_SETTINGS, type BreakerSettings } from "../../coordination/breaker-tree.ts";
import { PREDICTOR_KINDS, type PredictorKind } from "../../coordination/prediction.ts";
import { createTopology, type Topology } from "../../coordination/topology.ts";
import { DEFAULT_BOUNDS, type MailboxBounds, type OverflowPolicy } from "../../mailbox/overflow.ts";
import {
  completeSupervision,
  type RestartType,
  type Supervision,
} from "../../supervisors/restart.ts";
import type { MeshOptions } from "../api/mesh-api.ts";
import type { ReloadOptions } from "../api/reload-api.ts";
import { systemSeed } from "../machine/clock.ts";
import { TRUST_LEVELS, type TrustLevel } from "../trust/trust-plan.ts";
import { type AgentModules, readModules } from "./agent-modules.ts";
import { MAX_PAYLOAD_BYTES } from "./memory.ts";
import { topologyFrom } from "./mesh-plan.ts";
import { readStore, type StorePlan } from "./store-plan.ts";

/** Options with every default filled in. */
export interface Settings extends AgentModules {
  readonly topology: Topology;
  readonly workers: number;
  readonly bounds: MailboxBounds;
  readonly maxPayloadBytes: number;
  readonly maxDeliveries: number;
  readonly heartbeatMs: number;
  readonly watchdogMs: number;
  readonly custodyBytes: number;
  readonly supervision: Supervision;
  readonly restart: RestartType;
  readonly predictor: PredictorKind;
  /** Absolute; undefined when nothing is to outlive the process. */
  readonly dataDir: string | undefined;
  readonly store: StorePlan | undefined;
  readonly breakers: Partial<BreakerSettings>;
  readonly fresh: boolean;
  readonly watch: ReloadOptions | undefined;
  readonly checkpointMs: number;
  readonly trust: TrustLevel;
  readonly log: LogLevel;
  readonly seed: number;
}

const RESTART_TYPES: readonly RestartType[] = ["permanent", "transient", "temporary"];
type LogLevel = NonNullable<MeshOptions["log"]>;
const LOG_LEVELS: readonly LogLevel[] = ["debug", "info", "warn", "error", "silent"];
const POLICIES: readonly OverflowPolicy[] = ["block", "drop-oldest", "drop-newest", "reject"];

/** Checks options and fills in defaults; InvalidOptionError names the field, its value and what was expected. */
export function readOptions(options: MeshOptions): Settings {
  if (typeof options !== "object" || options === null) {
    throw new InvalidOptionError("options", options, "an object with at least `agent`");
  }
  const topology = named("topology", options.topology, () => createTopology(topologyFrom(options)));
  const workers = number(
    "workers",
    options.workers ?? Math.min(availableParallelism(), topology.sectors),
    1,
    254,
  );
  if (workers > topology.sectors) {
    throw new InvalidOptionError(
      "workers",
      workers,
      `at most one a sector, of which there are ${topology.sectors}`,
    );
  }
  if (options.nodes !== undefined) checkNodes(options);
  const maxPayloadBytes = number(
    "maxPayloadBytes",
    options.maxPayloadBytes ?? 64 * 1024,
    1024,
    MAX_PAYLOAD_BYTES,
  );
  return {
    topology,
    workers,
    bounds: readBounds(options.mailbox),
    maxPayloadBytes,
    maxDeliveries: number("maxDeliveries", options.maxDeliveries ?? 3, 1, 100),
    heartbeatMs: number("heartbeatMs", options.heartbeatMs ?? 5000, 50, 3_600_000),
    watchdogMs: number("watchdogMs", options.watchdogMs ?? 2000, 50, 3_600_000),
    custodyBytes: number(
      "custodyBytes",
      options.custodyBytes ?? 64 * 1024 * 1024,
      1024 * 1024,
      1024 ** 3,
    ),
    supervision: named("supervision", options.supervision, () =>
      completeSupervision(options.supervision),
    ),
    restart: oneOf("restart", options.restart ?? "transient", RESTART_TYPES),
    predictor: oneOf("predictor", options.predictor ?? "arrival", PREDICTOR_KINDS),
    dataDir: readFolder("dataDir", options.dataDir),
    store: readStore(options.store, process.env),
    breakers: readBreakers(options.breakers),
    fresh: oneOf("fresh", options.fresh ?? false, [true, false]),
    checkpointMs: number("checkpointMs", options.checkpointMs ?? 1000, 10, 3_600_000),
    watch: readWatch(options.watch),
    trust: oneOf(
      "trust",
      options.trust ?? (options.nodes === undefined ? "all" : "off"),
      TRUST_LEVELS,
    ),
    log: oneOf("log", options.log ?? "info", LOG_LEVELS),
    seed: number("seed", options.seed ?? systemSeed(), 0, Number.MAX_SAFE_INTEGER),
    ...readModules(options, topology),
  };
}

/** What a mesh of several nodes cannot have; its own options are read where it joins. */
function checkNodes({ nodes, trust = "off", from }: MeshOptions): void {
  if (typeof nodes !== "object" || nodes === null)
    throw new InvalidOptionError("nodes", nodes, 'an object such as { join: "nats://host:4222" }');
  if (trust !== "off")
    throw new InvalidOptionError("trust", trust, "off, where a mesh has several nodes");
  if (from !== undefined)
    throw new InvalidOptionError("from", "a cut", "none, where a mesh has several nodes");
}

function readBreakers(breakers: MeshOptions["breakers"] = {}): Partial<BreakerSettings> {
  for (const [name, value] of Object.entries(breakers) as [keyof BreakerSettings, number][]) {
    if (BREAKER_SETTINGS[name] === undefined)
      throw new InvalidOptionError(
        "breakers",
        name,
        `one of ${Object.keys(BREAKER_SETTINGS).join(", ")}`,
      );
    if (name !== "share")
      number(`breakers.${name}`, value, 1, name.endsWith("Ms") ? 86_400_000 : 10_000);
    else if (!(value > 0 && value <= 1))
      throw new InvalidOptionError("breakers.share", value, "a share above 0, to 1");
  }
  return breakers;
}

function readFolder(field: string, path: unknown): string | undefined {
  if (path === undefined) return undefined;
  if (typeof path !== "string" || path === "")
    throw new InvalidOptionError(field, path, "the path of a folder");
  return resolvePath(path);
}

function readWatch(watch: MeshOptions["watch"]): ReloadOptions | undefined {
  if (watch === undefined || watch === false) return undefined;
  if (watch === true) return {};
  if (typeof watch === "object" && watch !== null) return watch;
  throw new InvalidOptionError("watch", watch, "true, false or { windowMs }");
}

function oneOf<T extends string | boolean>(field: string, value: T, allowed: readonly T[]): T {
  if (allowed.includes(value)) return value;
  throw new InvalidOptionError(field, value, `one of ${allowed.join(", ")}`);
}

/** Runs a check of the pure folders below, whose RangeErrors say `field: expected …, got …`. */
function named<T>(prefix: string, options: object | undefined, check: () => T): T {
  try {
    return check();
  } catch (error) {
    const sentence =
      error instanceof RangeError &&
      /^(?:supervision\.)?(.+?): expected (.+), got (.+)$/s.exec(error.message);
    if (!sentence) throw error;
    const [, field, expected, got] = sentence as unknown as readonly string[];
    throw new InvalidOptionError(`${prefix}.${field}`, valueAt(options, field) ?? got, expected);
  }
}

function valueAt(options: object | undefined, path: string): unknown {
  let value: unknown = options;
  for (const key of path.split(".")) value = (value as Record<string, unknown> | undefined)?.[key];
  return value;
}

function readBounds(mailbox: MeshOptions["mailbox"]): MailboxBounds {
  const overflow = mailbox?.overflow ?? DEFAULT_BOUNDS.overflow;
  if (!Array.isArray(overflow) || overflow.length !== 4) {
    throw new InvalidOptionError(
      "mailbox.overflow",
      overflow,
      "four policies, for priorities 0 to 3",
    );
  }
  for (const policy of overflow as readonly OverflowPolicy[])
    oneOf("mailbox.overflow", policy, POLICIES);
  return {
    maxMessages: number(
      "mailbox.maxMessages",
      mailbox?.maxMessages ?? DEFAULT_BOUNDS.maxMessages,
      1,
      1_000_000,
    ),
    maxBytes: number(
      "mailbox.maxBytes",
      mailbox?.maxBytes ?? DEFAULT_BOUNDS.maxBytes,
      1024,
      2 ** 30,
    ),
    overflow: overflow as MailboxBounds["overflow"],
  };
}

function number(field: string, value: unknown, least: number, most: number): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= least && value <= most)
    return value;
  throw new InvalidOptionError(field, value, `a whole number from ${least} to ${most}`);
}
