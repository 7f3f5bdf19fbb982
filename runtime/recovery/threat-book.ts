import type { Log } from "../../actors/ports.ts";
import type { Incident } from "../api/incident-api.ts";
import type { Threat, ThreatKind } from "../api/threat-api.ts";

/** Threats that are kept; of more the oldest that are not open go first, then rogue agents. */
const KEPT = 256;
/** Lines of evidence, and of responses, of one threat. */
const LINES = 16;

/** What the book tells others of. */
export interface ThreatBookPorts {
  readonly log: Log;
  readonly nowMs: () => number;
  readonly onIncident: (incident: Incident) => void;
  readonly onThreat: (threat: Threat) => void;
}

/** What is found. */
export interface Found {
  readonly kind: ThreatKind;
  readonly subject: string;
  readonly rule?: Threat["rule"];
  readonly evidence: string;
  /** What is done about it, for the incident; absent where there is one already. */
  readonly decision?: Incident["decision"];
}

const NONE: Readonly<Record<ThreatKind, number>> = Object.freeze({
  rogue_agent: 0,
  cluster_compromise: 0,
  sector_compromise: 0,
  orchestrator_compromise: 0,
  denial_of_service: 0,
  timing_attack: 0,
});

/** The threats of a mesh as they were found, one entry for one story; each change is logged and told. */
export class ThreatBook {
  readonly #ports: ThreatBookPorts;
  readonly #threats = new Map<string, Threat>();
  readonly #found: Record<ThreatKind, number> = { ...NONE };
  #serial = 0;

  constructor(ports: ThreatBookPorts) {
    this.#ports = ports;
  }

  get found(): Readonly<Record<ThreatKind, number>> {
    return { ...this.#found };
  }

  /** Newest first. */
  list(): readonly Threat[] {
    return [...this.#threats.values()].reverse();
  }

  get(id: string): Threat | undefined {
    return this.#threats.get(id);
  }

  /** The open one of this kind and subject. */
  open(kind: ThreatKind, subject?: string): Threat | undefined {
    for (const threat of this.#threats.values())
      if (threat.state === "open" && threat.kind === kind)
        if (subject === undefined || threat.subject === subject) return threat;
    return undefined;
  }

  openOnes(): readonly Threat[] {
    return [...this.#threats.values()].filter(({ state }) => state === "open");
  }

  /** Enters a threat, or adds to the evidence of the one that is open already; true when it is new. */
  enter({ kind, subject, rule, evidence, decision }: Found): { threat: Threat; isNew: boolean } {
    const known = this.open(kind, subject);
    if (known !== undefined)
      return {
        threat: this.#change(known, { evidence: added(known.evidence, evidence) }),
        isNew: false,
      };
    const detectedMs = this.#ports.nowMs();
    const id = `threat-${++this.#serial}`;
    const threat: Threat = {
      id,
      kind,
      subject,
      ...(rule !== undefined && { rule }),
      detectedMs,
      evidence: [evidence],
      responses: [],
      state: "open",
    };
    this.#found[kind]++;
    this.#threats.set(id, threat);
    this.#forget();
    const facts = { event: "THREAT", id, kind, subject, rule, evidence };
    this.#ports.log.error(facts, `${kind} of ${subject}: ${evidence}`);
    this.#ports.onThreat(threat);
    if (decision === undefined) return { threat, isNew: true };
    const error = `${kind}: ${evidence}`;
    this.#ports.onIncident({
      atMs: detectedMs,
      subject,
      error,
      decision,
      delayMs: 0,
      escalated: true,
    });
    return { threat, isNew: true };
  }

  /** Notes what was done; with `all` it is all that is done. */
  respond(id: string, response: string, all: boolean): void {
    const threat = this.#threats.get(id);
    if (threat === undefined) return;
    const responses = added(threat.responses, response);
    const answered = all && threat.answeredMs === undefined && { answeredMs: this.#ports.nowMs() };
    this.#ports.log.warn({ event: "THREAT_ANSWERED", id, response }, `${threat.kind}: ${response}`);
    this.#ports.onThreat(this.#change(threat, { responses, ...answered }));
  }

  /** Ends a threat: lifted by a person, or over by itself. */
  close(threat: Threat, how: Partial<Threat> & Pick<Threat, "state">): Threat {
    const closed = this.#change(threat, how);
    const { id, kind, subject, state, liftedBy, reason } = closed;
    const facts = { event: "THREAT_CLOSED", id, kind, subject, state, by: liftedBy, reason };
    this.#ports.log.warn(facts, `${kind} of ${subject}: ${state}`);
    this.#ports.onThreat(closed);
    return closed;
  }

  #change(threat: Threat, change: Partial<Threat>): Threat {
    const changed = { ...threat, ...change };
    this.#threats.set(threat.id, changed);
    return changed;
  }

  #forget(): void {
    if (this.#threats.size <= KEPT) return;
    const all = [...this.#threats.values()];
    // What the mesh stands still or is locked for can be lifted only as long as it is here.
    const goes =
      all.find(({ state }) => state !== "open") ??
      all.find(({ kind }) => kind === "rogue_agent") ??
      all[0];
    this.#threats.delete(goes.id);
  }
}

/** The first lines say how it began, the last how it is. */
function added(lines: readonly string[], line: string): readonly string[] {
  if (lines.at(-1) === line) return lines;
  if (lines.length < LINES) return [...lines, line];
  return [...lines.slice(0, LINES / 2), ...lines.slice(LINES / 2 + 1), line];
}
