/** The indicators of spec 11.1 against their targets. */
import { byId, element, fill } from "./dom.ts";
import type { Indicator } from "./model.ts";
import { duration, milliseconds, share, spaced } from "./words.ts";

/** Shows what has the shape of an indicator among the members of `kpis`. */
export function showKpis(kpis: Readonly<Record<string, unknown>>): void {
  const rows = Object.entries(kpis)
    .filter((entry): entry is [string, Indicator] => isIndicator(entry[1]))
    .map(([name, indicator]) => row(name, indicator));
  const head = element(
    "tr",
    {},
    element("th", { scope: "col" }, "indicator"),
    element("th", { scope: "col", class: "n" }, "now"),
    element("th", { scope: "col", class: "n" }, "target"),
    element("th", { scope: "col" }, element("span", { class: "hidden" }, "met")),
  );
  fill(
    byId("kpis"),
    element("table", {}, element("thead", {}, head), element("tbody", {}, ...rows)),
  );
}

function isIndicator(member: unknown): member is Indicator {
  return typeof member === "object" && member !== null && "sense" in member;
}

function row(name: string, { value, target, sense, unit, met }: Indicator): HTMLElement {
  const sign = sense === "at-least" ? "≥" : "≤";
  const wanted = unit === "share" ? `${Number((target * 100).toFixed(2))}%` : wantedTime(target);
  const now = unit === "share" ? share(value, 2) : milliseconds(value);
  // A sign as well as a colour: not everybody tells red from green.
  const mark = met === undefined ? "" : met ? "✓" : "✕";
  const said = met === undefined ? "not measured yet" : met ? "met" : "missed";
  const tone = met === undefined ? "quiet" : met ? "good" : "bad";
  return element(
    "tr",
    {},
    element("td", {}, spaced(name)),
    element("td", { class: met === false ? "n bad" : "n" }, now),
    element("td", { class: "n quiet" }, `${sign} ${wanted}`),
    element(
      "td",
      { class: `kpi-mark ${tone}` },
      element("span", { "aria-hidden": "true" }, mark),
      element("span", { class: "hidden" }, said),
    ),
  );
}

function wantedTime(ms: number): string {
  return ms < 60_000 ? milliseconds(ms) : duration(ms).replace(/ 0[sm]$/, "");
}
