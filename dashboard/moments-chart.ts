/** When the agents of an operation were sent to, were READY and acted, as three rows over the time around T. */
import { drawing, element } from "./dom.ts";
import type { Moments } from "./model.ts";

const HEIGHT = 96;
const LEFT = 62;
const ROW_HEIGHT = 25;
const TOP = 2;
/** Empty time that is left around what happened, bins. */
const MARGIN_BINS = 3;
const RIGHT = 8;
/** Of a figure at an end of the axis. */
const TICK_ROOM = 14;

const ROWS = [
  ["released", "released"],
  ["READY", "ready"],
  ["acted", "acted"],
] as const;

/** Draws the moments, `width` pixels wide; each row has its own height, for its shape is what tells. */
export function momentsChart(moments: Moments, width: number): HTMLElement {
  const { fromMs, binMs } = moments;
  const [first, last] = spanOf(moments);
  const startMs = fromMs + first * binMs;
  const endMs = fromMs + last * binMs;
  const x = (ms: number): number =>
    LEFT + ((ms - startMs) / (endMs - startMs)) * (width - LEFT - RIGHT);
  const svg = drawing("svg", {
    viewBox: `0 0 ${width} ${HEIGHT}`,
    class: "chart",
    role: "img",
    preserveAspectRatio: "none",
    "aria-label": descriptionOf(moments),
  });
  for (const [row, [name, key]] of ROWS.entries()) {
    const floor = TOP + (row + 1) * ROW_HEIGHT;
    svg.append(
      drawing("line", { x1: LEFT, x2: width - RIGHT, y1: floor, y2: floor, class: "axis" }),
    );
    svg.append(drawing("text", { x: 0, y: floor - 3 }, name));
    const bins = moments[key];
    const most = Math.max(1, ...bins);
    for (let bin = first; bin < last; bin++) {
      if (bins[bin] === 0) continue;
      // What few agents do is seen too.
      const height = Math.max(1.2, Math.sqrt(bins[bin] / most) * (ROW_HEIGHT - 5));
      const left = x(fromMs + bin * binMs);
      svg.append(
        drawing("rect", {
          x: left,
          y: floor - height,
          width: Math.max(1, x(fromMs + (bin + 1) * binMs) - left - 0.6),
          height,
          class: key,
        }),
      );
    }
  }
  svg.append(drawing("line", { x1: x(0), x2: x(0), y1: 0, y2: HEIGHT - 16, class: "t" }));
  for (const ms of ticksOf(startMs, endMs)) {
    if (x(ms) < LEFT + TICK_ROOM || x(ms) > width - TICK_ROOM) continue;
    const text = ms === 0 ? "T" : `${ms > 0 ? "+" : "−"}${Math.abs(ms)}`;
    svg.append(drawing("text", { x: x(ms), y: HEIGHT - 4, "text-anchor": "middle" }, text));
  }
  const figure = element("div", {});
  figure.append(svg);
  return figure;
}

/** First and last bin in which anything happened, with some room. */
function spanOf({ released, ready, acted, fromMs, binMs }: Moments): [number, number] {
  const zero = -fromMs / binMs;
  let first = zero - 1;
  let last = zero + 1;
  for (const bins of [released, ready, acted]) {
    for (const [bin, count] of bins.entries()) {
      if (count === 0) continue;
      first = Math.min(first, bin);
      last = Math.max(last, bin + 1);
    }
  }
  return [Math.max(0, first - MARGIN_BINS), Math.min(released.length, last + MARGIN_BINS)];
}

function ticksOf(startMs: number, endMs: number): number[] {
  const step =
    [50, 100, 200, 250, 500, 1_000].find((each) => (endMs - startMs) / each <= 8) ?? 1_000;
  const ticks: number[] = [];
  for (let ms = Math.ceil(startMs / step) * step; ms <= endMs; ms += step) ticks.push(ms);
  return ticks;
}

function descriptionOf({ readyError, actError }: Moments): string {
  const of = (value: number | null): string =>
    value === null ? "unknown" : `${value.toFixed(1)} ms`;
  return (
    `Times of sending, READY and acting around T. READY is ${of(readyError.p50)} from T in the ` +
    `median, acting ${of(actError.p50)}.`
  );
}
