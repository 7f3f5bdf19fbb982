/** The panel of one agent: its `inspect`, again and again while it is open. */
import { byId, element, fill } from "./dom.ts";
import type { Session } from "./session.ts";
import { count, milliseconds, share } from "./words.ts";

const REFRESH_MS = 1_000;

/** What the page reads of an inspection. */
interface Inspection {
  readonly worker: string;
  readonly impedance: {
    readonly agentClass: string;
    readonly currentLatencyMs: number;
    readonly currentProcessingMs: number;
    readonly impedanceScore: number;
    readonly reliabilityScore: number;
    readonly driftCoefficient: number;
    readonly operationalState: string;
    readonly capabilities: readonly string[];
  };
  readonly restarts: number;
  readonly generation: number;
  readonly handled: number;
  readonly failed: number;
  readonly current?: {
    readonly sequence: number;
    readonly sinceMs: number;
    readonly waitsOn: readonly string[];
  };
  readonly queue: { readonly depth: number; readonly bytes: number };
  readonly incidents: readonly { readonly error: string; readonly decision: string }[];
  readonly state: { readonly value?: string; readonly unavailable?: string };
}

/** Opens and closes the panel. */
export class AgentPanel {
  readonly #session: Session;
  readonly #onClose: () => void;
  readonly #panel = byId("agent-panel");
  #address: string | undefined;
  #timer = 0;

  constructor(session: Session, onClose: () => void) {
    this.#session = session;
    this.#onClose = onClose;
    byId("agent-close").addEventListener("click", () => this.close());
    this.#panel.addEventListener("keydown", ({ key }) => {
      if (key === "Escape") this.close();
    });
  }

  /** Shows an agent, in place of the one before; the keys go to the panel. */
  open(address: string): void {
    this.#address = address;
    byId("agent-title").textContent = address;
    this.#panel.hidden = false;
    this.#panel.focus({ preventScroll: false });
    clearTimeout(this.#timer);
    void this.#refresh(address);
  }

  close(): void {
    this.#address = undefined;
    clearTimeout(this.#timer);
    this.#panel.hidden = true;
    this.#onClose();
  }

  async #refresh(address: string): Promise<void> {
    try {
      const found = (await this.#session.look("inspect", { address })) as Inspection;
      if (this.#address !== address) return;
      fill(byId("agent"), ...contentOf(found));
    } catch (error) {
      if (this.#address !== address) return;
      fill(byId("agent"), element("p", { class: "bad" }, (error as Error).message));
    }
    if (document.hidden) {
      document.addEventListener("visibilitychange", () => this.#again(address), { once: true });
    } else this.#again(address);
  }

  #again(address: string): void {
    this.#timer = window.setTimeout(() => {
      if (this.#address === address) void this.#refresh(address);
    }, REFRESH_MS);
  }
}

function contentOf(found: Inspection): HTMLElement[] {
  const { impedance, current, queue, state, incidents } = found;
  const now =
    current === undefined
      ? "idle"
      : `message ${current.sequence}, for ${milliseconds(current.sinceMs)}`;
  const facts: [string, string][] = [
    ["state", impedance.operationalState],
    ["class", impedance.agentClass],
    ["worker", found.worker],
    ["now", now],
    ["waits on", current?.waitsOn.join(" → ") || "nothing"],
    ["impedance", `${count(impedance.impedanceScore)} of 1,000`],
    ["latency", milliseconds(impedance.currentLatencyMs)],
    ["processing", milliseconds(impedance.currentProcessingMs)],
    ["reliability", share(impedance.reliabilityScore)],
    ["drift", impedance.driftCoefficient.toFixed(2)],
    ["queue", `${count(queue.depth)} messages, ${count(queue.bytes)} bytes`],
    ["handled", `${count(found.handled)}, ${count(found.failed)} failed`],
    ["restarts", `${count(found.restarts)}, incarnation ${count(found.generation)}`],
    ["capabilities", impedance.capabilities.join(", ") || "none"],
  ];
  const list = element("dl", {});
  for (const [name, value] of facts) {
    list.append(element("dt", {}, name), element("dd", {}, value));
  }
  const own = state.value ?? `not to be had: ${state.unavailable ?? "unknown"}`;
  const parts: HTMLElement[] = [
    list,
    element("pre", { "aria-label": "Its own state", tabindex: "0" }, own),
  ];
  for (const { error, decision } of incidents.slice(0, 3)) {
    const [first] = error.split("\n");
    parts.push(element("p", { class: "caption" }, `${first} → ${decision}`));
  }
  return parts;
}
