import type { Log } from "../../actors/ports.ts";
import type { Incident } from "../api/incident-api.ts";

/** Incidents kept for `inspect`. */
const KEPT = 5000;
/** Lines a second that are logged one by one; the rest are counted in one line. */
const LINES_A_SECOND = 200;

/** What failed and what its supervisor decided: logged, listed, and told to listeners. */
export class Incidents {
  readonly #log: Log;
  readonly #tell: (incident: Incident) => void;
  #incidents: Incident[] = [];
  #secondMs = 0;
  #lines = 0;

  constructor(log: Log, tell: (incident: Incident) => void) {
    this.#log = log;
    this.#tell = tell;
  }

  add(incident: Incident): void {
    this.#incidents.push(incident);
    if (this.#incidents.length > KEPT * 1.25) this.#incidents = this.#incidents.slice(-KEPT);
    this.#write(incident);
    this.#tell(incident);
  }

  /** Newest first. */
  list(): readonly Incident[] {
    return this.#incidents.slice(-KEPT).reverse();
  }

  /** Those of one address and, for a sector or cluster, of what is below it; newest first. */
  of(address: string, limit = 20): readonly Incident[] {
    const found: Incident[] = [];
    for (let i = this.#incidents.length - 1; i >= 0 && found.length < limit; i--) {
      const { subject } = this.#incidents[i];
      if (subject === address || subject.startsWith(`${address}/`)) found.push(this.#incidents[i]);
    }
    return found;
  }

  /** A thousand agents that crash at once are one story, not a thousand blocking writes. */
  #write(incident: Incident): void {
    const second = Math.floor(incident.atMs / 1000);
    if (second !== this.#secondMs) {
      if (this.#lines > LINES_A_SECOND) {
        this.#log.warn(
          { more: this.#lines - LINES_A_SECOND },
          "more incidents in the same second; see `inspect`",
        );
      }
      this.#secondMs = second;
      this.#lines = 0;
    }
    if (++this.#lines > LINES_A_SECOND) return;
    const { subject, error, decision, delayMs } = incident;
    this.#log.warn({ subject, decision, delayMs, error }, `${subject}: ${decision}`);
  }
}
