// Draws the plots of docs/prediction.md: the predictor of the mesh over the measured delays in examples/traces. Needs
// the build. No clock and no chance in it: the same traces and the same predictor make the same files.
//   node scripts/prediction-plots.mjs [FOLDER]
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { fittedStreams } from "../dist/bench/arrival-fitted.js";
import { composeMesh, readTrace, TRACES } from "../dist/bench/arrival-traces.js";
import { createPredictor } from "../dist/coordination/index.js";
import { legend, Panel, sheet, text } from "./chart.mjs";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const [folder = join(ROOT, "docs")] = process.argv.slice(2);
const TRACE_FOLDER = join(ROOT, "examples/traces");
const AGENTS = 280;
const ROUNDS = 120;
const SEED = 1;
/** Rounds that the agents are learned in before the spread is counted. */
const WARM = 40;

/** Streams by trace; those that no file here has are drawn from quantiles that were measured. */
function allTraces() {
  return new Map(
    TRACES.map((name) => {
      const measured = readTrace(TRACE_FOLDER, name);
      return [name, measured.length > 0 ? measured : fittedStreams(name)];
    }),
  );
}

/** Calls `each(round, agent, delayMs, lead)` for every message, before the predictor learns of it. */
function replay(streams, kind, each) {
  const predictor = createPredictor({
    agents: streams.length,
    classes: streams.map((stream) => stream.class),
    clusterOf: (agent) => Math.floor(agent / 30),
    kind,
  });
  const seen = { tMs: 0, delayMs: 0, weight: 1, queuedWork: 0 };
  const rounds = Math.max(...streams.map(({ delayMs }) => delayMs.length));
  for (let round = 0; round < rounds; round++) {
    for (const [agent, stream] of streams.entries()) {
      if (round >= stream.delayMs.length) continue;
      seen.tMs = Number.isNaN(stream.sentMs[round]) ? round : stream.sentMs[round];
      seen.weight = stream.weight[round];
      seen.queuedWork = stream.queue[round];
      const delayMs = stream.delayMs[round];
      each(round, agent, delayMs, (q) => predictor.predict(agent, q, seen));
      seen.delayMs = delayMs;
      predictor.observe(agent, seen);
    }
  }
}

/** One stream from `from` on, message by message: what was measured, and the leads predicted before. */
function oneAgent(traces, trace, agent, from, letter) {
  const stream = traces.get(trace).find((candidate) => candidate.agent === agent);
  const cut = (column) => column.slice(from, from + ROUNDS);
  const part = {
    class: letter,
    sentMs: cut(stream.sentMs),
    delayMs: cut(stream.delayMs),
    weight: cut(stream.weight),
    queue: cut(stream.queue),
  };
  const lines = { measured: [], aimed: [], sure: [] };
  replay([part], "arrival", (round, _, delayMs, lead) => {
    lines.measured.push([round, delayMs]);
    lines.aimed.push([round, lead(0.5)]);
    lines.sure.push([round, lead(0.95)]);
  });
  return lines;
}

function learningPlot(traces) {
  const subjects = [
    {
      title: "A network path that changes (RIPE Atlas, probe 15271)",
      lines: oneAgent(traces, "atlas", "p15271", 2_230, "C"),
      most: 240,
      ticks: [0, 80, 160, 240],
    },
    {
      title: "A language model's first token (Llama-2 70B, hosted)",
      lines: oneAgent(traces, "llm", "together_70b-ttft", 0, "D"),
      most: 1_200,
      ticks: [0, 400, 800, 1_200],
    },
  ];
  const parts = subjects.map(({ title, lines, most, ticks }, at) => {
    const box = { left: 52, top: 44 + at * 218, width: 800, height: 150 };
    const panel = new Panel(box, [0, ROUNDS], [0, most]);
    return [
      ...panel.frame({
        title,
        xTicks: [0, 20, 40, 60, 80, 100, 120],
        yTicks: ticks,
        xName: "message",
        yName: "ms until READY",
      }),
      panel.stairs(lines.sure, "b"),
      panel.stairs(lines.aimed, "a"),
      ...panel.dots(lines.measured, "e"),
    ];
  });
  const names = [
    ["e", "measured afterwards"],
    ["a", "lead that aims at T (q = .5)"],
    ["b", "lead to be READY by T (q = .95)"],
  ];
  return sheet({
    width: 880,
    height: 476,
    title:
      "What the predictor says before each message of two agents, and what was measured after it",
    parts: [...parts, legend(52, 466, names)],
  });
}

const BIN_MS = 10;
const FROM_MS = -600;
const TO_MS = 200;

/** Shares of `errors` in bins of BIN_MS, per cent; what lies beyond is in the outermost. */
function bins(errors) {
  const counts = new Array((TO_MS - FROM_MS) / BIN_MS).fill(0);
  for (const error of errors) {
    const at = Math.floor((error - FROM_MS) / BIN_MS);
    counts[Math.min(counts.length - 1, Math.max(0, at))]++;
  }
  return counts.map((count, at) => {
    const from = FROM_MS + at * BIN_MS;
    return [from, from + BIN_MS, (100 * count) / errors.length];
  });
}

/** When agents are READY, less T, sent to in three ways. */
function arrivals(streams) {
  const byRound = Array.from({ length: ROUNDS }, () => []);
  const aimed = [];
  const sure = [];
  replay(streams, "arrival", (round, _, delayMs, lead) => {
    byRound[round].push(delayMs);
    if (round < WARM) return;
    aimed.push(delayMs - lead(0.5));
    sure.push(delayMs - lead(0.95));
  });
  // One lead for all: the best there is, known only afterwards.
  const together = byRound.slice(WARM).flatMap((delays) => {
    const lead = Float64Array.from(delays).sort()[Math.ceil(0.95 * delays.length) - 1];
    return delays.map((delay) => delay - lead);
  });
  return { together, aimed, sure, held: sure.map((error) => Math.max(0, error)) };
}

function arrivalsPlot(streams) {
  const { together, aimed, sure, held } = arrivals(streams);
  const rows = [
    ["e", "READY, all sent to at one time, early enough for 95 % of them", together],
    ["a", "READY, each sent to by its own lead, aimed at T (q = .5)", aimed],
    ["b", "READY, each sent to by its own lead, to be READY by T (q = .95)", sure],
    ["c", "acting, the same, and who is READY early waits for T", held],
  ];
  const parts = rows.map(([colour, title, errors], at) => {
    const box = { left: 52, top: 40 + at * 134, width: 800, height: 78 };
    const counted = bins(errors);
    const most = Math.max(...counted.map(([, , share]) => share));
    const panel = new Panel(box, [FROM_MS, TO_MS], [0, most]);
    const near = errors.filter((error) => Math.abs(error) <= 50).length / errors.length;
    const idleMs = errors.reduce((sum, error) => sum + Math.max(0, -error), 0) / errors.length;
    return [
      ...panel.frame({
        title,
        xTicks: [-600, -500, -400, -300, -200, -100, 0, 100, 200],
        yTicks: [],
        xName:
          at === rows.length - 1
            ? "ms before and after T, bins of 10 ms, the outermost with all beyond"
            : "",
        yName: `${(100 * near).toFixed(1)} % within ± 50 ms of T; early by ${idleMs.toFixed(0)} ms in the mean`,
      }),
      ...panel.columns(counted, colour),
      panel.mark(0),
    ];
  });
  return sheet({
    width: 880,
    height: 572,
    title: "When agents are READY and act around T, sent to in four ways",
    parts,
  });
}

const QUANTILES = [0.6, 0.7, 0.8, 0.85, 0.9, 0.93, 0.95, 0.97, 0.98, 0.99, 0.995];
/** What is dearer is off the paper. */
const MOST_IDLE_MS = 300;
const CONTESTANTS = [
  ["arrival", "a", "arrival (default)"],
  ["window", "b", "window of 32"],
  ["ewma", "c", "moving average"],
  ["jacobson", "d", "Jacobson's timer"],
];

/** For each q: the share READY by T, per cent, and the mean idle time before T, ms. */
function price(streams, kind) {
  const ready = QUANTILES.map(() => 0);
  const idleMs = QUANTILES.map(() => 0);
  let count = 0;
  replay(streams, kind, (_round, _agent, delayMs, lead) => {
    count++;
    for (const [at, q] of QUANTILES.entries()) {
      const leadMs = lead(q);
      if (delayMs <= leadMs) ready[at]++;
      idleMs[at] += Math.max(0, leadMs - delayMs);
    }
  });
  return QUANTILES.map((_, at) => [(100 * ready[at]) / count, idleMs[at] / count]);
}

function pricePlot(streams) {
  const box = { left: 52, top: 40, width: 800, height: 260 };
  const panel = new Panel(box, [60, 100], [0, MOST_IDLE_MS]);
  const curves = CONTESTANTS.map(([kind, colour]) => [
    colour,
    price(streams, kind).filter(([, idleMs]) => idleMs <= MOST_IDLE_MS),
  ]);
  const [, ours] = curves[0];
  const named = [0.8, 0.9, 0.95, 0.99].map((q) => {
    const [x, y] = ours[QUANTILES.indexOf(q)];
    return text(panel.atX(x) - 8, panel.atY(y) - 8, `q = ${q}`, { anchor: "end", kind: "small" });
  });
  return sheet({
    width: 880,
    height: 366,
    title:
      "What certainty costs: share of agents READY by T against the time they are idle before it",
    parts: [
      panel.frame({
        title: "Mean time idle before T, ms",
        xTicks: [60, 70, 80, 90, 95, 100],
        yTicks: [0, 50, 100, 150, 200, 250, 300],
        xName: "READY by T, %",
      }),
      ...curves.map(([colour, points]) => [
        panel.line(points, colour),
        ...panel.dots(points, colour),
      ]),
      named,
      legend(
        52,
        354,
        CONTESTANTS.map(([, colour, words]) => [colour, words]),
      ),
    ],
  });
}

const traces = allTraces();
const streams = composeMesh(traces, AGENTS, ROUNDS, SEED);
writeFileSync(join(folder, "prediction-learning.svg"), learningPlot(traces));
writeFileSync(join(folder, "prediction-arrivals.svg"), arrivalsPlot(streams));
writeFileSync(join(folder, "prediction-price.svg"), pricePlot(streams));
