import { addressOf, indexOfAddress } from "../../coordination/address.ts";
import type { ClockReading } from "../../coordination/clock-offset.ts";
import type { StampedEvent } from "../../coordination/conflict.ts";
import { type KnownOffset, orderEvents } from "../../coordination/event-order.ts";
import { walkCauses } from "../inspection/causal-walk.ts";
import { isOutside } from "../plan/message-id.ts";
import type { Case, Finding } from "./conflict-strategist.ts";

/** How long a shard has to say what it knows of a clock, ms. */
const CLOCK_MS = 2000;
/** Agents whose clocks are asked for. */
const MAX_AGENTS = 64;

/**
 * CLOCK_RECONCILIATION: puts the events that the conflict names, and the messages that led to it, into the order of
 * their Lamport stamps, finds where clocks contradict it, names the clock that is off and by how much (measured by the
 * agent's probes where there are any), and sets the times right.
 */
export async function strategyClock(at: Case): Promise<Finding> {
  const { record, steps, ports } = at;
  const [check, verify, identify, rebuild] = record.strategy.steps;
  const chain = chainOf(at);
  // Stamps of other systems and the mesh's own count from different beginnings: never in one order.
  const events = record.events?.length ? record.events : chain;
  steps.push({
    step: check ?? "Check Lamport timestamps",
    found: `${record.events?.length ?? 0} events named, ${chain.length} messages traced`,
  });
  const offsets = await offsetsOf(at, events);
  const order = orderEvents(events, offsets);
  const { drift, inversions, remaining, ordered } = order;
  steps.push({
    step: verify ?? "Verify causal ordering",
    found:
      inversions.length === 0
        ? "no clock contradicts the stamps"
        : inversions
            .map(({ cause, effect, byMs }) => `${effect.agent} ${byMs} ms before ${cause.agent}`)
            .join("; "),
  });
  const blame = drift && `${drift.agent} is off by ${drift.driftMs} ms (${drift.known})`;
  steps.push({ step: identify ?? "Identify clock drift source", found: blame ?? "none found" });
  steps.push({
    step: rebuild ?? "Rebuild causal chain",
    found: `${chainText(ordered)}; brought about by ${chainText([...chain].reverse())}`,
  });
  if (drift === undefined || remaining.length > 0) {
    const outcome =
      inversions.length === 0
        ? "no event's clock contradicts its stamp: the paradox is not one of time"
        : (blame ?? "which clock is off cannot be told from these events");
    return { state: "review", outcome, steps, value: ordered };
  }
  ports.lines.warn({ conflict: record.conflictId, ...drift }, "a clock is off");
  return { state: "resolved", outcome: `the clock of ${blame}`, steps, value: ordered };
}

function chainText(events: readonly StampedEvent[]): string {
  return events.map(({ agent, lamport }) => `${lamport} ${agent}`).join(" → ") || "nothing known";
}

/** The messages that led to the conflict, as events by the mesh's own clock. */
function chainOf({ record, ports }: Case): readonly StampedEvent[] {
  const { view } = ports;
  return walkCauses(view, record.messageId).path.map(({ source, createdMs, lamport }) => ({
    agent: isOutside(view.topology, source) ? "outside" : addressOf(view.topology, source),
    atMs: createdMs,
    lamport,
  }));
}

async function offsetsOf(
  { ports }: Case,
  events: readonly StampedEvent[],
): Promise<ReadonlyMap<string, KnownOffset>> {
  const offsets = new Map<string, KnownOffset>();
  const agents = [...new Set(events.map(({ agent }) => agent))].slice(0, MAX_AGENTS);
  await Promise.all(
    agents.map(async (agent) => {
      const index = indexOfAddress(ports.view.topology, agent);
      if (index < 0) return;
      const answer = await ports.request(index, { verb: "clock" }, CLOCK_MS).catch(() => undefined);
      const { reading } = (answer ?? {}) as { readonly reading?: ClockReading | null };
      if (reading) offsets.set(agent, reading);
    }),
  );
  return offsets;
}
