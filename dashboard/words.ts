/** Figures as people read them. */

const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

/** `29,847`; a dash for none. */
export function count(value: number | null | undefined): string {
  return isFigure(value) ? whole.format(value) : "–";
}

/** `99.5%` */
export function share(value: number | null | undefined, digits = 1): string {
  return isFigure(value) ? `${(value * 100).toFixed(digits)}%` : "–";
}

/** `0.4ms`, `12ms`, `1.24s` */
export function milliseconds(value: number | null | undefined): string {
  if (!isFigure(value)) return "–";
  if (value < 10) return `${value.toFixed(1)}ms`;
  return value < 1_000 ? `${whole.format(value)}ms` : `${(value / 1_000).toFixed(2)}s`;
}

/** `3h 27m`, `12s` */
export function duration(ms: number | null | undefined): string {
  if (!isFigure(ms)) return "–";
  const seconds = Math.floor(ms / 1_000);
  if (seconds < 60) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m ${seconds % 60}s`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours}h ${minutes % 60}m` : `${Math.floor(hours / 24)}d ${hours % 24}h`;
}

/** `coordinationSuccessRate` as `coordination success rate`. */
export function spaced(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

function isFigure(value: number | null | undefined): value is number {
  return typeof value === "number" && Number.isFinite(value);
}
