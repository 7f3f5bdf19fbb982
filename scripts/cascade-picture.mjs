// Draws docs/cascade.svg from one real cascade: a mesh of 30,000 trace agents, learned in by some cascades before it.
// Needs the build, and a machine that does nothing else, or the figures in the picture are not fair.
//   node scripts/cascade-picture.mjs [FILE] [SECTORS]
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { createMesh } from "../dist/index.js";
import { legend, Panel, rule, sheet, text } from "./chart.mjs";

const [file = fileURLToPath(new URL("../docs/cascade.svg", import.meta.url)), sectors = "100"] =
  process.argv.slice(2);
const BEFORE = 12;
const OPERATION = { payload: null, verb: "sync" };
const FROM_MS = -1_200;
const TO_MS = 200;
const BIN_MS = 10;
/** Agents drawn one by one, of each class. */
const DRAWN = 9;
const CLASSES = [
  ["CLASS_A_EDGE", "edge devices"],
  ["CLASS_B_SERVERLESS", "functions"],
  ["CLASS_C_PERSISTENT", "services"],
  ["CLASS_D_GPU", "models"],
  ["CLASS_E_LOCAL", "computers at home"],
];
const number = (value) => value.toLocaleString("en-US");
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** One line for each agent that took part: its class, and sending, READY and acting, ms from T. */
function agentLines(mesh, result) {
  const classOf = new Map(
    mesh.agents({ limit: mesh.topology.agents }).map((row) => [row.agentId, row.agentClass]),
  );
  const outcomes = new Map();
  for (const outcome of result.outcomes()) outcomes.set(outcome.address, outcome);
  const lines = [];
  for (const plan of result.plan()) {
    const outcome = outcomes.get(plan.address);
    if (plan.status !== "SCHEDULED" || outcome?.readyErrorMs === undefined) continue;
    lines.push({
      class: classOf.get(plan.address),
      sentMs: plan.sendAtMs - result.arrivalMs,
      readyMs: outcome.readyErrorMs,
      actedMs: outcome.actErrorMs,
    });
  }
  return lines;
}

/** The members of a class from the shortest lead to the longest, evenly taken. */
function sample(lines, name) {
  const own = lines.filter((line) => line.class === name).sort((a, b) => b.sentMs - a.sentMs);
  const picked = Math.min(DRAWN, own.length);
  return Array.from({ length: picked }, (_, at) => {
    const rank = picked === 1 ? 0 : Math.round((at * (own.length - 1)) / (picked - 1));
    return own[rank];
  });
}

function rows(lines) {
  const panel = new Panel(
    { left: 150, top: 92, width: 700, height: 250 },
    [FROM_MS, TO_MS],
    [0, 1],
  );
  const parts = [];
  let y = 92;
  for (const [name, words] of CLASSES) {
    parts.push(text(140, y + 28, words, { anchor: "end" }));
    for (const { sentMs, readyMs, actedMs = readyMs } of sample(lines, name)) {
      const [sent, ready, acted] = [sentMs, readyMs, actedMs].map((ms) => panel.atX(ms));
      parts.push(
        rule(sent, y, ready, y, "a line"),
        rule(ready, y, Math.max(ready, acted), y, "grid"),
        `<circle class="dot b" cx="${ready.toFixed(1)}" cy="${y}" r="2"/>`,
        `<circle class="dot c" cx="${acted.toFixed(1)}" cy="${y}" r="2"/>`,
      );
      y += 5;
    }
    y += 8;
  }
  return [...parts, panel.mark(0)];
}

function counts(lines, key) {
  const bins = new Array((TO_MS - FROM_MS) / BIN_MS).fill(0);
  for (const line of lines) {
    const at = Math.floor(((line[key] ?? Number.NaN) - FROM_MS) / BIN_MS);
    if (!Number.isNaN(at)) bins[Math.min(bins.length - 1, Math.max(0, at))]++;
  }
  return bins.map((count, at) => [FROM_MS + at * BIN_MS, FROM_MS + (at + 1) * BIN_MS, count]);
}

function histograms(lines) {
  const subjects = [
    ["sent to", "sentMs", "a"],
    ["READY", "readyMs", "b"],
    ["acting", "actedMs", "c"],
  ];
  return subjects.flatMap(([name, key, colour], at) => {
    const bins = counts(lines, key);
    const most = Math.max(...bins.map(([, , count]) => count));
    const box = { left: 150, top: 392 + at * 66, width: 700, height: 42 };
    const panel = new Panel(box, [FROM_MS, TO_MS], [0, most]);
    const last = at === subjects.length - 1;
    return [
      text(140, box.top + 28, name, { anchor: "end" }),
      ...panel.frame({
        title: "",
        xTicks: last ? [-1_200, -1_000, -800, -600, -400, -200, 0, 200] : [],
        yTicks: [],
        xName: last ? "ms before and after T; the outermost columns have all beyond" : "",
      }),
      text(box.left, box.top + 10, `at most ${number(most)} in ${BIN_MS} ms`, { kind: "small" }),
      ...panel.columns(bins, colour),
      panel.mark(0),
    ];
  });
}

function picture(mesh, result) {
  const lines = agentLines(mesh, result);
  const tier = ({ reached, expected, elapsedMs }, name) =>
    `${number(reached)} of ${number(expected)} ${name} in ${elapsedMs.toFixed(0)} ms`;
  const acting = `${(100 * result.acting.within50).toFixed(1)} % act within 50 ms of T`;
  return sheet({
    width: 880,
    height: 640,
    title: `A cascade over ${number(mesh.topology.agents)} agents`,
    parts: [
      text(
        12,
        24,
        `A cascade over ${number(mesh.topology.agents)} agents: ${result.quorum.decision}, ` +
          `${number(result.ready)} of ${number(result.addressed)} READY, ${acting}`,
      ),
      text(
        12,
        46,
        `down the tree: ${tier(result.sectors, "sectors confirm")}, ` +
          `${tier(result.clusters, "clusters are reached")}; each agent is sent to by its own lead`,
        { kind: "small" },
      ),
      text(12, 78, `${DRAWN} agents of each class, from its shortest lead to its longest:`, {
        kind: "small",
      }),
      rows(lines),
      text(12, 380, "All agents:", { kind: "small" }),
      histograms(lines),
      legend(12, 630, [
        ["a", "sent, and at work"],
        ["b", "READY"],
        ["c", "acting"],
      ]),
    ],
  });
}

const mesh = await createMesh({
  agent: new URL("../dist/remote/trace-agent.js", import.meta.url),
  topology: { sectors: Number(sectors) },
  log: "silent",
});
try {
  // Estimates settle within two heartbeats.
  await pause(10_000);
  for (let at = 0; at < BEFORE; at++) {
    await mesh.cascade(OPERATION, { strategy: "wave" });
    await pause(500);
  }
  const result = await mesh.cascade({ ...OPERATION, at: "in 1500ms" }, { strategy: "wave" });
  writeFileSync(file, picture(mesh, result));
} finally {
  await mesh.stop();
}
