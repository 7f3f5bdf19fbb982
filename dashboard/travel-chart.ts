/** An operation while it is out: shares of its agents that were sent to, are READY and have acted, against time. */
import { drawing, element } from "./dom.ts";
import type { Operation } from "./model.ts";

const HEIGHT = 96;
const LEFT = 62;
const RIGHT = 8;
const TOP = 6;
const FLOOR = 76;
/** Time after T that there is room for from the first, ms. */
const AFTER_MS = 500;
/** Samples that are kept; of an operation that takes longer the oldest go. */
const MAX_SAMPLES = 600;

const LINES = ["released", "ready", "acted"] as const;

interface Sample {
  readonly atMs: number;
  readonly released: number;
  readonly ready: number;
  readonly acted: number;
}

/** Collects how the newest operation stood, sample by sample. */
export class Travel {
  #id = "";
  #samples: Sample[] = [];

  /** Takes a look at `nowMs` of the mesh's clock; another operation begins anew. */
  note({ id, agents }: Operation, nowMs: number): void {
    if (id !== this.#id) this.#samples = [];
    this.#id = id;
    const addressed = Math.max(1, agents.selected - agents.skipped);
    const { ready, acted } = agents;
    const released = agents.sent + ready + agents.conflict + agents.failed;
    if (this.#samples.length === MAX_SAMPLES) this.#samples.shift();
    this.#samples.push({
      atMs: nowMs,
      released: released / addressed,
      ready: ready / addressed,
      acted: acted / addressed,
    });
  }

  /** Draws what has been seen of `operation`, `width` pixels wide. */
  chart({ id, createdMs, arrivalMs }: Operation, width: number): HTMLElement | undefined {
    const samples = this.#samples;
    const last = samples.at(-1);
    if (id !== this.#id || last === undefined) return undefined;
    const zeroMs = arrivalMs ?? createdMs;
    const endMs = Math.max(last.atMs, zeroMs + AFTER_MS);
    const x = (ms: number): number =>
      LEFT + ((ms - createdMs) / Math.max(1, endMs - createdMs)) * (width - LEFT - RIGHT);
    const y = (share: number): number => FLOOR - share * (FLOOR - TOP);
    const svg = drawing("svg", {
      viewBox: `0 0 ${width} ${HEIGHT}`,
      class: "chart",
      role: "img",
      "aria-label": "Shares of the agents that were sent to, are READY and have acted, so far",
    });
    svg.append(
      drawing("line", { x1: LEFT, x2: width - RIGHT, y1: FLOOR, y2: FLOOR, class: "axis" }),
    );
    for (const [row, name] of LINES.entries()) {
      const points = samples.map((sample) => `${x(sample.atMs)},${y(sample[name])}`);
      svg.append(drawing("polyline", { points: points.join(" "), class: `line ${name}` }));
      const word = name === "ready" ? "READY" : name;
      svg.append(drawing("text", { x: 0, y: TOP + 12 + 24 * row, class: `word ${name}` }, word));
    }
    svg.append(
      drawing("line", { x1: x(last.atMs), x2: x(last.atMs), y1: TOP, y2: FLOOR, class: "now" }),
    );
    if (arrivalMs !== undefined) {
      svg.append(
        drawing("line", { x1: x(zeroMs), x2: x(zeroMs), y1: 0, y2: FLOOR + 4, class: "t" }),
      );
      svg.append(drawing("text", { x: x(zeroMs), y: HEIGHT - 4, "text-anchor": "middle" }, "T"));
    }
    const figure = element("div", {});
    figure.append(svg);
    return figure;
  }
}
