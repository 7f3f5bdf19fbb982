/**
 * The impedance registry (spec 2.3): one row an actor, in columns of one shared buffer. The thread that
 * owns an actor is the only writer of its row; every thread may read it, at any time and without a lock.
 * A reader may see a row halfway through an update, so columns of one row agree only roughly.
 */
import { type Column, type ColumnViews, columnViews, tableBytes } from "./columns.ts";

type Columns = Omit<Registry, "rows">;

/** The columns of the registry as seen by one thread. Index them by actor index. */
export interface Registry {
  /** Number of rows. */
  readonly rows: number;
  /** Last heartbeat, ms of the mesh clock; 0 before the first. */
  readonly lastHeartbeatMs: Float64Array;
  /** When the message now being handled began, ms of the mesh clock; 0 when idle. */
  readonly currentSinceMs: Float64Array;
  /** One-way latency, tracked median, ms. */
  readonly latencyMs: Float32Array;
  /** Mean absolute deviation of the latency from its median, ms. */
  readonly latencySpreadMs: Float32Array;
  /** Processing time of one message, tracked median, ms. */
  readonly processingMs: Float32Array;
  /** Mean absolute deviation of the processing time from its median, ms. */
  readonly processingSpreadMs: Float32Array;
  /** Work accepted and not yet finished, ms; 0 when the owner does not estimate it. */
  readonly queuedWorkMs: Float32Array;
  /** Impedance score, 0 (none) to 1000, of the last heartbeat. */
  readonly score: Float32Array;
  /** Score averaged over about an hour of heartbeats: what is normal for this agent. */
  readonly baselineScore: Float32Array;
  /** Share of recent messages that were handled without failure, 0 to 1. */
  readonly reliability: Float32Array;
  /** Spread of the latency in proportion to itself, from 0; dimensionless. */
  readonly drift: Float32Array;
  /** Messages waiting, the running one not counted. */
  readonly queueDepth: Int32Array;
  /** Bytes of the messages waiting. */
  readonly queueBytes: Int32Array;
  /** Actor whose answer this one awaits, or −1. For people; the wait graph has all of them. */
  readonly waitsOn: Int32Array;
  /** Messages whose turn has ended, well or not; wraps at 2³². */
  readonly handled: Uint32Array;
  /** Messages whose handler failed; wraps at 2³². */
  readonly failed: Uint32Array;
  /** Incarnations so far: 1 for the first. */
  readonly generation: Uint32Array;
  /** Restarts after a failure. */
  readonly restarts: Uint32Array;
  /** Low word of the sequence of the message being handled. */
  readonly currentMessage: Uint32Array;
  /** Hash of the context that is loaded; 0 for none. */
  readonly contextHash: Uint32Array;
  /** Capability bits 0–31. */
  readonly capabilitiesLow: Uint32Array;
  /** Capability bits 32–63. */
  readonly capabilitiesHigh: Uint32Array;
  /** {@link AgentStateCode}. */
  readonly state: Uint8Array;
  /** Impedance class index, 0–5. */
  readonly class: Uint8Array;
  /** Bits of what was last found out: FLAG_…, below. */
  readonly flags: Uint8Array;
  /** How it stands in the operation that last concerned it: see `operation-mark.ts`. For pictures only. */
  readonly mark: Uint8Array;
}

/** The score is above 800: slow (spec 4.2). */
export const FLAG_DEGRADED = 1;
/** Drift is above 0.5: cannot be timed well (spec 4.2). */
export const FLAG_UNSTABLE = 2;
/** The score is above twice its baseline: an impedance spike (spec 6.1). */
export const FLAG_SPIKING = 4;
/** Latency has been measured; until then the row holds its class's prior. */
export const FLAG_LATENCY_MEASURED = 8;
/** Processing has been measured. */
export const FLAG_PROCESSING_MEASURED = 16;
/** A spawned child that died with its worker and does not come back. */
export const FLAG_LOST = 32;
/** Its latency is that of what it stands for elsewhere: hops within the process say nothing of it. */
export const FLAG_LATENCY_REPORTED = 64;

/** Where each column lies: in this order, each from the next cache line. */
export const REGISTRY_LAYOUT: readonly Column<keyof Columns>[] = [
  ["lastHeartbeatMs", "f64"],
  ["currentSinceMs", "f64"],
  ["latencyMs", "f32"],
  ["latencySpreadMs", "f32"],
  ["processingMs", "f32"],
  ["processingSpreadMs", "f32"],
  ["queuedWorkMs", "f32"],
  ["score", "f32"],
  ["baselineScore", "f32"],
  ["reliability", "f32"],
  ["drift", "f32"],
  ["queueDepth", "i32"],
  ["queueBytes", "i32"],
  ["waitsOn", "i32"],
  ["handled", "u32"],
  ["failed", "u32"],
  ["generation", "u32"],
  ["restarts", "u32"],
  ["currentMessage", "u32"],
  ["contextHash", "u32"],
  ["capabilitiesLow", "u32"],
  ["capabilitiesHigh", "u32"],
  ["state", "u8"],
  ["class", "u8"],
  ["flags", "u8"],
  ["mark", "u8"],
];

/** Bytes of a registry of `rows` rows (topology.rows). */
export function registryBytes(rows: number): number {
  return tableBytes(REGISTRY_LAYOUT, rows);
}

/** Lays a view over a registry's buffer; every thread makes its own. RangeError when it is too small. */
export function createRegistry(buffer: ArrayBufferLike, rows: number): Registry {
  const views: ColumnViews<keyof Columns> = columnViews(REGISTRY_LAYOUT, buffer, rows);
  // One literal, so that the object has one hidden class and its fields are found without a look-up.
  return Object.freeze({
    rows,
    lastHeartbeatMs: views.f64("lastHeartbeatMs"),
    currentSinceMs: views.f64("currentSinceMs"),
    latencyMs: views.f32("latencyMs"),
    latencySpreadMs: views.f32("latencySpreadMs"),
    processingMs: views.f32("processingMs"),
    processingSpreadMs: views.f32("processingSpreadMs"),
    queuedWorkMs: views.f32("queuedWorkMs"),
    score: views.f32("score"),
    baselineScore: views.f32("baselineScore"),
    reliability: views.f32("reliability"),
    drift: views.f32("drift"),
    queueDepth: views.i32("queueDepth"),
    queueBytes: views.i32("queueBytes"),
    waitsOn: views.i32("waitsOn"),
    handled: views.u32("handled"),
    failed: views.u32("failed"),
    generation: views.u32("generation"),
    restarts: views.u32("restarts"),
    currentMessage: views.u32("currentMessage"),
    contextHash: views.u32("contextHash"),
    capabilitiesLow: views.u32("capabilitiesLow"),
    capabilitiesHigh: views.u32("capabilitiesHigh"),
    state: views.u8("state"),
    class: views.u8("class"),
    flags: views.u8("flags"),
    mark: views.u8("mark"),
  });
}
