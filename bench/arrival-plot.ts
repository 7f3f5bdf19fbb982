import type { Score } from "./arrival-replay.ts";

/** Draws scores side by side as an SVG that is readable on light and on dark paper. */

interface Panel {
  readonly title: string;
  readonly value: (score: Score) => number;
  readonly most: number;
  readonly unit: string;
  readonly goal: number;
}

const WIDTH = 880;
const ROW = 26;
const NAMES = 96;
const BAR = 250;
const TOP = 52;

/** The plot of a mesh: for each contestant the share within ± 50 ms, and the idle time paid for READY. */
export function plot(scores: ReadonlyMap<string, Score>, caption: string): string {
  const idles = [...scores.values()].map(({ idle }) => idle);
  const panels: readonly Panel[] = [
    {
      title: "within ± 50 ms of T, aimed at T",
      value: ({ within50 }) => within50,
      most: 100,
      unit: " %",
      goal: 84.5,
    },
    {
      title: "idle before T at q = .95 (READY by T)",
      value: ({ idle }) => idle,
      most: Math.max(...idles),
      unit: " ms",
      goal: 80,
    },
  ];
  const height = TOP + scores.size * ROW + 34;
  const parts = panels.map((panel, at) => panelOf(panel, scores, NAMES + at * (BAR + 130)));
  const names = [...scores.keys()].map(
    (name, row) =>
      `<text x="${NAMES - 10}" y="${TOP + row * ROW + 16}" text-anchor="end">${name}</text>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img">
<title>Arrival of a mesh of agents: ${caption}</title>
<style>
text { font: 13px system-ui, sans-serif; fill: #24292f }
.small { font-size: 11.5px; fill: #57606a }
.bar { fill: #9aa7b5 }
.ours { fill: #1f6feb }
.goal { stroke: #cf222e; stroke-dasharray: 3 3 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .small { fill: #9da7b1 }
  .bar { fill: #57636f }
  .ours { fill: #58a6ff }
  .goal { stroke: #ff7b72 }
}
</style>
${names.join("\n")}
${parts.join("\n")}
<text class="small" x="12" y="${height - 10}">${caption}</text>
</svg>
`;
}

function panelOf(panel: Panel, scores: ReadonlyMap<string, Score>, x: number): string {
  const scale = BAR / panel.most;
  const bars = [...scores].map(([name, score], row) => {
    const value = panel.value(score);
    const y = TOP + row * ROW;
    const length = Math.max(1, value * scale).toFixed(1);
    const ready = panel.unit === " ms" ? ` (${score.ready95.toFixed(1)} %)` : "";
    const label = `${value.toFixed(1)}${panel.unit}${ready}`;
    return (
      `<rect class="bar${name === "arrival" ? " ours" : ""}" x="${x}" y="${y}" ` +
      `width="${length}" height="${ROW - 6}" rx="2"/>` +
      `<text class="small" x="${x + Number(length) + 6}" y="${y + 15}">${label}</text>`
    );
  });
  const goalX = (x + panel.goal * scale).toFixed(1);
  const bottom = TOP + scores.size * ROW;
  return `<text x="${x}" y="24">${panel.title}</text>
<line class="goal" x1="${goalX}" x2="${goalX}" y1="${TOP - 8}" y2="${bottom}"/>
<text class="small" x="${goalX}" y="${TOP - 12}" text-anchor="middle">goal ${panel.goal}</text>
${bars.join("\n")}`;
}
