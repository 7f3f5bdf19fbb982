/** The newest operation: how far each tier is, who is READY, in CONFLICT, in TRANSIT, and how it stood to T. */
import { byId, element, fill } from "./dom.ts";
import type { Operation } from "./model.ts";
import { momentsChart } from "./moments-chart.ts";
import type { Travel } from "./travel-chart.ts";
import { count, duration, milliseconds, share } from "./words.ts";

const PARTS = ["acted", "ready", "conflict", "failed", "sent", "skipped"] as const;

/** Shows an operation as it is at `nowMs` of the mesh's clock; undefined when there was none. */
export function showOperation(
  operation: Operation | undefined,
  nowMs: number,
  travel: Travel,
): void {
  const target = byId("operation");
  if (operation === undefined) {
    fill(
      target,
      element("p", { class: "empty" }, "None yet. ", element("code", {}, "cascade sync")),
    );
    return;
  }
  const { moments } = operation;
  const width = target.clientWidth || 600;
  fill(
    target,
    head(operation, nowMs),
    tiers(operation),
    counts(operation),
    moments === undefined ? travel.chart(operation, width) : momentsChart(moments, width),
    moments === undefined ? undefined : quantiles(operation),
  );
}

function head(operation: Operation, nowMs: number): HTMLElement {
  const { verb, strategy, arrivalMs, endedMs, end } = operation;
  const name = strategy === "scatter-gather" ? strategy : `${strategy} cascade`;
  return element(
    "div",
    { class: "op-head" },
    element("span", {}, element("b", {}, `${verb} · ${name}`)),
    element(
      "span",
      { class: "mono quiet" },
      when(operation.createdMs, arrivalMs, endedMs, nowMs, end),
    ),
  );
}

function when(
  createdMs: number,
  arrivalMs: number | undefined,
  endedMs: number | undefined,
  nowMs: number,
  end: string | undefined,
): string {
  if (endedMs !== undefined) {
    const how = end === "reported" ? "" : `, ${end}`;
    return `${milliseconds(endedMs - createdMs)}, ${duration(Math.max(0, nowMs - endedMs))} ago${how}`;
  }
  if (arrivalMs === undefined) return "as soon as each can";
  const leftMs = arrivalMs - nowMs;
  return leftMs > 0 ? `T in ${milliseconds(leftMs)}` : `T + ${milliseconds(-leftMs)}`;
}

function tiers({ sectors, clusters, agents }: Operation): HTMLElement {
  const addressed = agents.selected - agents.skipped;
  return element(
    "div",
    { class: "tiers" },
    ...tier("sectors", sectors.confirmed, sectors.expected),
    ...tier("clusters", clusters.reached, clusters.expected),
    element("span", {}, "agents"),
    stacked(agents),
    element(
      "span",
      {},
      `${count(agents.ready)} / ${count(addressed)}  ${share(agents.ready / Math.max(1, addressed))}`,
    ),
  );
}

function tier(name: string, reached: number, expected: number): HTMLElement[] {
  const bar = element("i", { class: "reached" });
  bar.style.width = `${(100 * reached) / Math.max(1, expected)}%`;
  return [
    element("span", {}, name),
    element("span", { class: "meter" }, bar),
    element("span", {}, `${count(reached)} / ${count(expected)}`),
  ];
}

function stacked(agents: Operation["agents"]): HTMLElement {
  const bars = PARTS.map((part) => {
    const bar = element("i", { class: part });
    // Who has acted is READY as well.
    const size = part === "ready" ? agents.ready - agents.acted : agents[part];
    bar.style.width = `${(100 * size) / Math.max(1, agents.selected)}%`;
    return bar;
  });
  return element("span", { class: "meter" }, ...bars);
}

function counts({ agents }: Operation): HTMLElement {
  const { ready, conflict, skipped, selected, acted, failed } = agents;
  const transit = selected - skipped - ready - conflict;
  const entry = (part: string, word: string, value: number): HTMLElement =>
    element("span", {}, element("i", { class: `swatch ${part}` }), `${word} ${count(value)}`);
  return element(
    "div",
    { class: "counts" },
    entry("ready", "READY", ready),
    entry("acted", "acted", acted),
    entry("conflict", "CONFLICT", conflict),
    entry("sent", "TRANSIT", transit),
    failed > 0 ? entry("failed", "failed", failed) : undefined,
    entry("skipped", "skipped", skipped),
  );
}

function quantiles({ moments, hold }: Operation): HTMLElement {
  const line = (name: string, of: { p50: number | null; p90: number | null; p99: number | null }) =>
    `|${name} − T| ${milliseconds(of.p50)} · ${milliseconds(of.p90)} · ${milliseconds(of.p99)}`;
  const { readyError, actError } = moments ?? NONE;
  const acts = hold ? `   ${line("acting", actError)}` : "";
  return element(
    "p",
    { class: "caption", title: "p50, p90, p99 over agents" },
    `${line("READY", readyError)}${acts}`,
  );
}

const NONE = {
  readyError: { p50: null, p90: null, p99: null },
  actError: { p50: null, p90: null, p99: null },
};
