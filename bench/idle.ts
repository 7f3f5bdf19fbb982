import { type Bench, parameter } from "./harness.ts";
import type { IdleAnswer, IdleQuestion } from "./idle-process.ts";
import { askProcess } from "./processes.ts";

/*
 *   30,000 agents, a heartbeat each 5 s, and nothing else to do          (a process of its own)
 */
const QUESTION: IdleQuestion = {
  sectors: parameter("idle sectors of 300 agents", { smoke: 2, full: 100 }),
  heartbeatMs: parameter("idle heartbeat ms", { smoke: 250, full: 5_000 }),
  // V8 collects what booting left behind for some ten seconds: that is the price of a start, not of being idle.
  settleMs: parameter("idle settle ms", { smoke: 100, full: 20_000 }),
  windowMs: parameter("idle window ms", { smoke: 500, full: 10_000 }),
};
const MIB = 1024 * 1024;

export const idle: Bench = {
  name: "idle",
  question: "What does a mesh cost that has nothing to do: share of a core, resident memory?",
  metrics: {
    cpu: { unit: "%", better: "less", goal: 1 },
    rss: { unit: "MiB", better: "less", goal: 200 },
  },
  ours: async (measured) => {
    const { cpu, rssBytes } = await askProcess<IdleAnswer>("idle-process", QUESTION);
    measured("cpu", cpu);
    measured("rss", rssBytes / MIB);
  },
  peers: {},
};
