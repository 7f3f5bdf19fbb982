/** Numbers and times as people read them. One way for the whole console, whatever the locale. */

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

/** `29,847`; whole. A value that is not a number (unknown, never measured) is a dash. */
export function formatNumber(value: number | null | undefined): string {
  if (!isKnown(value)) return "–";
  const digits = Math.abs(Math.round(value)).toString();
  const grouped = digits.replaceAll(/\B(?=(\d{3})+$)/g, ",");
  return Math.round(value) < 0 ? `-${grouped}` : grouped;
}

/** `99.5%` of `total`. Only all is said to be 100.0%, and only none 0.0%. */
export function formatShare(part: number, total: number): string {
  if (!(total > 0)) return "–";
  const tenths = Math.round((part / total) * 1_000);
  const honest = Math.min(part < total ? 999 : 1_000, Math.max(part > 0 ? 1 : 0, tenths));
  return `${(honest / 10).toFixed(1)}%`;
}

/** `127ms`, `12.3ms` below a hundred where it tells more, `4.2s` above ten seconds. */
export function formatMs(ms: number | null | undefined): string {
  if (!isKnown(ms)) return "–";
  if (ms >= 10_000) return formatDuration(ms);
  if (ms === 0) return "0ms";
  if (ms < 1) return `${ms.toFixed(3)}ms`;
  return ms < 100 ? `${ms.toFixed(1)}ms` : `${formatNumber(ms)}ms`;
}

/** `3h 27m`, `4m 23s`, `12.3s`, `450ms`: the two largest units. */
export function formatDuration(ms: number | null | undefined): string {
  if (!isKnown(ms)) return "–";
  if (ms < 1_000) return `${Math.round(ms)}ms`;
  // Rounding happens before the unit is chosen: 59.96 s is 1m 0s, not 60.0s.
  if (ms < MINUTE_MS - 50) return `${(ms / 1_000).toFixed(1)}s`;
  const whole = Math.round(ms / 1_000) * 1_000;
  if (whole < HOUR_MS) return twoUnits(whole, MINUTE_MS, "m", 1_000, "s");
  if (whole < DAY_MS) return twoUnits(whole, HOUR_MS, "h", MINUTE_MS, "m");
  return twoUnits(whole, DAY_MS, "d", HOUR_MS, "h");
}

/** `14.2 KiB`. */
export function formatBytes(bytes: number | null | undefined): string {
  if (!isKnown(bytes)) return "–";
  if (bytes < 1_024) return `${formatNumber(bytes)} B`;
  const units = ["KiB", "MiB", "GiB", "TiB"];
  let amount = bytes / 1_024;
  let unit = 0;
  while (amount >= 1_024 && unit < units.length - 1) {
    amount /= 1_024;
    unit++;
  }
  return `${amount.toFixed(1)} ${units[unit]}`;
}

/** `0.93`; a dash when unknown. */
export function formatRatio(value: number | null | undefined): string {
  return isKnown(value) ? value.toFixed(2) : "–";
}

/** A moment as people with a log beside them need it: `14:03:07.123Z`. */
export function formatMoment(atMs: number | null | undefined): string {
  if (!isKnown(atMs) || atMs <= 0 || atMs > 8_640_000_000_000_000) return "–";
  return new Date(atMs).toISOString().slice(11);
}

function isKnown(value: number | null | undefined): value is number {
  return typeof value === "number" && Number.isFinite(value);
}

function twoUnits(ms: number, bigMs: number, big: string, smallMs: number, small: string): string {
  return `${Math.floor(ms / bigMs)}${big} ${Math.floor((ms % bigMs) / smallMs)}${small}`;
}
