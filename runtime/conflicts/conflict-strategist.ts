import type { Log } from "../../actors/ports.ts";
import type { Receipt } from "../../actors/receipt.ts";
import type { Signal } from "../../actors/signal.ts";
import { indexOfAddress } from "../../coordination/address.ts";
import type { CapabilityTable } from "../../coordination/capability.ts";
import type { ResolutionMethod } from "../../coordination/conflict.ts";
import type {
  ConflictRecord,
  Resolution,
  ResolutionStep,
} from "../../coordination/conflict-entry.ts";
import { readValue } from "../../coordination/written-value.ts";
import type { HumanInbox } from "../api/conflict-api.ts";
import type { ConflictLog } from "../api/conflict-log.ts";
import type { DelegateOptions, DelegationResult, Routes } from "../api/operation-api.ts";
import type { Look, Request } from "../dispatch/requests.ts";
import type { ThreadView } from "../plan/memory.ts";
import { strategyBranch } from "./strategy-branch.ts";
import { strategyClock } from "./strategy-clock.ts";
import { type Resend, strategyHold } from "./strategy-hold.ts";
import { strategyProvenance } from "./strategy-provenance.ts";
import { strategyReroute } from "./strategy-reroute.ts";

/** How long a shard has to look something up for a strategy, ms. */
const LOOK_MS = 2000;
/** How long a review may take before people are reminded, by priority, ms. */
const REVIEW_WITHIN_MS: readonly number[] = [
  7 * 86_400_000,
  86_400_000,
  3_600_000,
  600_000,
  60_000,
];

/** What strategies need of their mesh. */
export interface StrategyPorts {
  readonly view: ThreadView;
  readonly log: ConflictLog;
  readonly inbox: HumanInbox;
  readonly route: Routes;
  readonly capabilities: CapabilityTable;
  /** Asks a shard something; undefined when it does not answer in time. */
  readonly request: (target: number, request: Request, timeoutMs: number) => Promise<unknown>;
  readonly signal: (target: number, signal: Signal) => void;
  readonly lines: Log;
  readonly tell: (address: string, message: unknown) => Receipt;
  /** Has the payload of an operation sent again to an agent that had a damaged one, if it is what was promised. */
  readonly resend: (operation: number, agent: number, promised: string) => Promise<Resend>;
  readonly delegate: (task: unknown, options: DelegateOptions) => Promise<DelegationResult>;
}

/** What came of a strategy: a resolution, but for who, when and how. */
export interface Finding {
  readonly state: Resolution["state"];
  readonly outcome: string;
  readonly value?: unknown;
  readonly steps: readonly ResolutionStep[];
}

/** One conflict in the hands of a strategy. */
export interface Case {
  readonly record: ConflictRecord;
  readonly ports: StrategyPorts;
  /** Index of the agent that reported it; negative when it is not in this mesh. */
  readonly agent: number;
  /** Index of who sent the message; negative when it came from outside. */
  readonly source: number;
  readonly steps: ResolutionStep[];
  /** What is quarantined: usually the message; undefined when nothing is. */
  held(): Promise<{ readonly value: unknown } | undefined>;
  /** Runs a hook of an agent's behavior that only looks; undefined when it has none, is gone, or throws. */
  look(agent: number, look: Look): Promise<{ readonly found: unknown } | undefined>;
}

const STRATEGIES: Readonly<Record<ResolutionMethod, (at: Case) => Promise<Finding>>> = {
  BRANCH_AND_RECONCILE: strategyBranch,
  PROVENANCE_TRACE: strategyProvenance,
  CLOCK_RECONCILIATION: strategyClock,
  REROUTE: strategyReroute,
  HOLD_AND_REREQUEST: strategyHold,
  HUMAN_REVIEW: async ({ steps }) => ({ state: "review", outcome: "a person decides", steps }),
};

/** Carries strategies out; what they cannot settle is put before a person. */
export class Strategist {
  readonly #ports: StrategyPorts;

  constructor(ports: StrategyPorts) {
    this.#ports = ports;
  }

  async run(record: ConflictRecord, method: ResolutionMethod): Promise<Finding> {
    const at = this.#caseOf(record);
    let finding: Finding;
    try {
      finding = await STRATEGIES[method](at);
    } catch (error) {
      const outcome = `the strategy failed: ${(error as Error).message}`;
      finding = { state: "review", outcome, steps: at.steps };
    }
    return finding.state === "review" ? this.#putBeforePeople(record, finding) : finding;
  }

  #caseOf(record: ConflictRecord): Case {
    const { view, log } = this.#ports;
    const indexOf = (address: string | undefined): number =>
      address === undefined ? -1 : indexOfAddress(view.topology, address);
    return {
      record,
      ports: this.#ports,
      agent: indexOf(record.agent),
      source: indexOf(record.source),
      steps: [],
      held: async () => {
        const held = await log.heldOf(record.conflictId);
        return held && (readValue(held.data) as { readonly value: unknown });
      },
      look: (agent, look) => this.#look(agent, look),
    };
  }

  async #look(agent: number, look: Look): Promise<{ readonly found: unknown } | undefined> {
    if (agent < 0) return undefined;
    try {
      const answer = await this.#ports.request(agent, { verb: "look", look }, LOOK_MS);
      return answer !== undefined && "found" in (answer as object)
        ? (answer as { readonly found: unknown })
        : undefined;
    } catch {
      // A hook that throws is as good as none; the agent goes on.
      return undefined;
    }
  }

  async #putBeforePeople(record: ConflictRecord, finding: Finding): Promise<Finding> {
    const { conflictId, type, agent, priority } = record;
    const step = "Human review";
    try {
      const { itemId } = await this.#ports.inbox.open({
        kind: "conflict-review",
        itemId: `review-${conflictId}`,
        text: `${type} at ${agent}: ${finding.outcome}`,
        about: { conflictId },
        withinMs: REVIEW_WITHIN_MS[priority],
      });
      const steps = [...finding.steps, { step, found: `put into the inbox as ${itemId}` }];
      return { ...finding, steps };
    } catch (error) {
      const found = `not put into the inbox: ${(error as Error).message}`;
      return { ...finding, steps: [...finding.steps, { step, found }] };
    }
  }
}
