import { type Bench, parameter } from "./harness.ts";
import { askProcess } from "./processes.ts";
import type { WatchedAnswer, WatchedQuestion } from "./watched-process.ts";

/*
 *   30,000 agents, a heartbeat each 5 s ──▶ feed ──▶ one page       (server and page in processes of their own)
 */
const QUESTION: WatchedQuestion = {
  sectors: parameter("watched sectors of 300 agents", { smoke: 2, full: 100 }),
  heartbeatMs: parameter("watched heartbeat ms", { smoke: 250, full: 5_000 }),
  settleMs: parameter("watched settle ms", { smoke: 100, full: 20_000 }),
  windowMs: parameter("watched window ms", { smoke: 1_000, full: 10_000 }),
};

export const watched: Bench = {
  name: "watched",
  question:
    "What does it cost that somebody looks at the dashboard, and how live is what they see?",
  metrics: {
    cpu: { unit: "%", better: "less", goal: 5 },
    cpuAfter: { unit: "%", better: "less", goal: 1 },
    frames: { unit: "1/s", better: "more", goal: 10 },
    bytesPerSecond: { unit: "B", better: "less" },
    first: { unit: "ms", better: "less", goal: 1_000 },
  },
  ours: async (measured) => {
    const seen = await askProcess<WatchedAnswer>("watched-process", QUESTION);
    measured("cpu", seen.cpu);
    measured("cpuAfter", seen.cpuAfter);
    measured("frames", seen.framesPerSecond);
    measured("bytesPerSecond", seen.bytesPerSecond);
    measured("first", seen.firstMs);
  },
  peers: {},
};
