/** How READY − T was distributed, operation after operation: a column each, the darker the more agents. */
import { byId, element, fill } from "./dom.ts";
import type { Moments, Operation } from "./model.ts";
import { between, rampOf } from "./palette.ts";
import type { Theme } from "./theme.ts";
import { count, milliseconds } from "./words.ts";

/** Bounds of the rows, ms, from the latest to the earliest. */
const BOUNDS = [1_000, 400, 200, 100, 40, 0, -40, -100, -200, -400, -1_000, -2_000];
const COLUMNS = 60;
/** So few still fill the width no more than these would. */
const FEW = 24;
const LEFT = 52;
const BOTTOM = 2;

/** Shows the operations with a T, oldest first. */
export function showArrivals(ended: readonly Operation[], theme: Theme): void {
  const timed = ended.filter(({ moments }) => moments !== undefined);
  const target = byId("arrivals");
  if (timed.length === 0) {
    fill(target, element("p", { class: "empty" }, "No operation with a T has ended yet."));
    return;
  }
  const canvas =
    target.querySelector("canvas") ?? element("canvas", { class: "heat", role: "img" });
  const last = timed[timed.length - 1].moments as Moments;
  const said =
    `READY − T of the last ${count(timed.length)} operations. In the newest the median agent was ` +
    `${milliseconds(last.readyError.p50)} from T, 99 of 100 acted within ${milliseconds(last.actError.p99)}.`;
  canvas.setAttribute("aria-label", said);
  if (canvas.parentElement !== target) {
    const caption = "READY − T, ms, by operation, newest on the right; early agents hold until T";
    target.replaceChildren(canvas, element("p", { class: "caption" }, caption));
  }
  draw(
    canvas,
    timed.slice(-COLUMNS).map(({ moments }) => rowsOf(moments as Moments)),
    theme,
  );
}

/** Shares of the agents by row. */
function rowsOf({ ready, fromMs, binMs }: Moments): number[] {
  const rows = new Array<number>(BOUNDS.length - 1).fill(0);
  let all = 0;
  for (const [bin, size] of ready.entries()) {
    const middleMs = fromMs + (bin + 0.5) * binMs;
    const row = BOUNDS.findIndex((bound) => middleMs >= bound) - 1;
    rows[row < 0 ? (middleMs > 0 ? 0 : rows.length - 1) : row] += size;
    all += size;
  }
  return rows.map((size) => size / Math.max(1, all));
}

function draw(canvas: HTMLCanvasElement, columns: readonly number[][], theme: Theme): void {
  const ratio = devicePixelRatio || 1;
  const width = canvas.clientWidth;
  const height = canvas.clientHeight;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const context = canvas.getContext("2d");
  if (context === null || width === 0) return;
  context.scale(ratio, ratio);
  const rows = BOUNDS.length - 1;
  const rowHeight = (height - BOTTOM - 8) / rows;
  const columnWidth = Math.min(18, (width - LEFT - 4) / Math.max(FEW, columns.length));
  const ink = theme === "light" ? "#56626a" : "#9aa7ae";
  const ground = theme === "light" ? "#eef1f2" : "#14191d";
  context.font = '10px ui-monospace, "DejaVu Sans Mono", monospace';
  context.textAlign = "right";
  context.textBaseline = "middle";
  const right = width - 4;
  for (const [line, bound] of BOUNDS.entries()) {
    context.fillStyle = bound === 0 ? (theme === "light" ? "#14191c" : "#ffffff") : ink;
    const sign = bound > 0 ? "+" : bound < 0 ? "−" : "";
    const name = bound === 0 ? "T" : `${sign}${Math.abs(bound)}`;
    if (line % 2 === 1 || bound === 0) context.fillText(name, LEFT - 8, 4 + line * rowHeight);
  }
  context.fillStyle = ground;
  context.fillRect(LEFT, 4, right - LEFT, rows * rowHeight);
  for (const [nth, shares] of columns.entries()) {
    const x = right - (columns.length - nth) * columnWidth;
    for (const [row, part] of shares.entries()) {
      if (part === 0) continue;
      const [red, green, blue] = between(rampOf(theme), Math.sqrt(part));
      context.fillStyle = `rgb(${red} ${green} ${blue})`;
      context.fillRect(x, 4 + row * rowHeight, Math.max(1, columnWidth - 1), rowHeight - 1);
    }
  }
  context.fillStyle = theme === "light" ? "#14191c" : "#ffffff";
  context.fillRect(LEFT, 4 + BOUNDS.indexOf(0) * rowHeight - 0.5, right - LEFT, 1);
}
