import type {
  Enrolment,
  Operator,
  OperatorAct,
  OperatorRule,
  OperatorSign,
} from "../../trust/operator-watch.ts";

export type { ActKind } from "../../trust/operator-watch.ts";
export type { Enrolment, Operator, OperatorAct, OperatorRule, OperatorSign };

/** The threats of spec 9.2. */
export type ThreatKind =
  | "rogue_agent"
  | "cluster_compromise"
  | "sector_compromise"
  | "orchestrator_compromise"
  | "denial_of_service"
  | "timing_attack";

/** A threat that was found, and what was done about it. */
export interface Threat {
  /** `threat-1`, … */
  readonly id: string;
  readonly kind: ThreatKind;
  /** What it comes from: an address, an operator and their place, `mesh`. */
  readonly subject: string;
  /** Of an operator: the rule that was broken. */
  readonly rule?: OperatorRule;
  /** When it was found, ms of the mesh clock. */
  readonly detectedMs: number;
  /** When all that is done about it was in force; absent while it is not. */
  readonly answeredMs?: number;
  /** In words, the oldest first; bounded. */
  readonly evidence: readonly string[];
  /** What was done, in order; bounded. */
  readonly responses: readonly string[];
  /** `open` until a person lifts it; `over` when it has ended by itself, as a flood does. */
  readonly state: "open" | "lifted" | "over";
  readonly liftedMs?: number;
  readonly liftedBy?: string;
  readonly reason?: string;
}

/** What is in force because of threats. */
export interface ThreatStatus {
  /** Threats that are open. */
  readonly open: number;
  /** Found since the mesh started, by kind. */
  readonly found: Readonly<Record<ThreatKind, number>>;
  /** What agents report of their timing does not count, and what their classes share stays as it was. */
  readonly weightsLocked: boolean;
  /** A thaw waits until a person has lifted what the mesh was frozen for. */
  readonly held: boolean;
  /** Operators who may do nothing but look. */
  readonly suspended: readonly string[];
}

/** Who lifts a threat, and why. */
export interface LiftOptions {
  /** The person. */
  readonly by: string;
  readonly reason?: string;
}

/** The threats of spec 9.2: found, answered and told by the mesh itself; lifted by people. */
export interface Threats {
  status(): ThreatStatus;
  /** Newest first, at most 256. */
  list(): readonly Threat[];
  /** Undefined when there is none of this id, or it is forgotten. */
  show(id: string): Threat | undefined;
  /**
   * A person says that it is over: locked weights learn again, a suspended operator may act, circuits that were opened
   * for it are closed, and a mesh that was frozen for it may be thawed. MESH_NO_THREAT when none of this id is open.
   */
  lift(id: string, options: LiftOptions): Threat;
  /**
   * Holds an act of an operator against the rules before it is done: whatever performs commands calls it. MeshError
   * MESH_SUSPENDED when they are suspended, because of this act or an earlier one.
   */
  act(act: OperatorAct): void;
  /** Takes what whoever checks credentials has seen. */
  sign(sign: OperatorSign): void;
  /** Says from where and when an operator acts; RangeError when the hours are none. */
  enrol(operator: string, enrolment: Enrolment): void;
}
