// A tenth of the agents of a simulated mesh lie about their timing together: how soon that is found, and what it costs
// those who do not.
import { loadTraceMix } from "../remote/traces.ts";
import { shapeOf } from "../simulator/shape.ts";
import { type MeshInUse, simulate } from "../simulator/simulation.ts";
import { HOURLY_LOAD } from "../simulator/workload.ts";
import { profile } from "./simulated.ts";

const AGENTS = 600;
/** One of ten keeps books and says nothing of its timing: of the others so many make a tenth of all. */
const LIARS = 0.1112;
const PAUSE_MS = 20_000;
const OPERATIONS = 15;
const traces = await loadTraceMix();

/** What became of one attack. */
export interface TimingTrial {
  /** Virtual time from the first lie to the lock, ms; undefined when there was none. */
  readonly lockedMs: number | undefined;
  /** Share of the honest that were READY by T, of all that were selected, before the lies and during them. */
  readonly before: number;
  readonly during: number;
  readonly liars: number;
}

/** Simulates ten quiet minutes; from the sixth on a tenth says that it takes `factor` times as long as it does. */
export async function attackTiming(seed: number, factor: number): Promise<TimingTrial> {
  let lockedMs: number | undefined;
  let liars = 0;
  const shares: number[] = [];
  const use = async (mesh: MeshInUse): Promise<void> => {
    const { headquarters, pause, elapsedMs, inflict, misleads } = mesh;
    const phase = async (): Promise<number> => {
      const sum = { ready: 0, all: 0 };
      for (let nth = 0; nth < OPERATIONS; nth++) {
        await operate(mesh, misleads, sum);
        await pause(PAUSE_MS);
      }
      return sum.ready / sum.all;
    };
    let beganMs = Number.POSITIVE_INFINITY;
    headquarters.listeners.on("threat", ({ kind }) => {
      // What is found before there are lies is found too early: −Infinity.
      if (kind === "timing_attack") lockedMs ??= elapsedMs() - beganMs;
    });
    // They have agreed, and still say what is so: the same agents are left out of both counts.
    inflict({ kind: "timing-attack", share: LIARS, factor: 1 });
    shares.push(await phase());
    beganMs = elapsedMs();
    inflict({ kind: "timing-attack", share: LIARS, factor });
    const { agents } = headquarters.dispatcher.view.topology;
    for (let agent = 0; agent < agents; agent++) if (misleads(agent)) liars++;
    shares.push(await phase());
  };
  // Longer than it takes, so that its end is that of the use.
  const outcome = await simulate({
    ...shapeOf(AGENTS),
    seed,
    forMs: 3_600_000,
    faults: profile("none"),
    traces,
    use,
  });
  if (outcome.violation !== undefined) throw new Error(outcome.violation.detail);
  return { lockedMs, before: shares[0], during: shares[1], liars: liars / AGENTS };
}

async function operate(
  { headquarters }: MeshInUse,
  misleads: (agent: number) => boolean,
  sum: { ready: number; all: number },
): Promise<void> {
  const operation = { payload: { go: 1 }, at: "earliest-quorum" };
  const result = await headquarters.entrance.scatterGather(operation, { quorum: 0.95 });
  let agent = 0;
  for (const { readyErrorMs } of result.outcomes()) {
    if (misleads(agent++)) continue;
    sum.all++;
    if (readyErrorMs !== undefined && readyErrorMs <= 0) sum.ready++;
  }
}

/** Half an hour in which much goes wrong and nobody lies: why it ended early, if it did. */
export async function honestHalfHour(seed: number, faults: string): Promise<string | undefined> {
  const { violation } = await simulate({
    ...shapeOf(AGENTS),
    load: HOURLY_LOAD,
    seed,
    forMs: 1_800_000,
    faults: { ...profile(faults), byzantineShare: 0 },
    traces,
  });
  return violation?.detail;
}
