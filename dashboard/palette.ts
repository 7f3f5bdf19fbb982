/** The colours of cells: a table of 256 for each way to look and each theme, and the words of the legend. */
import type { Theme } from "./theme.ts";
import type { CellColumnName } from "./wire.ts";

/** What cells can be coloured by; the breakers are not in the feed, but in a command. */
export type View = CellColumnName | "breaker";

/** The ways to look, in the order of the switch. */
export const VIEWS: readonly View[] = ["impedance", "state", "class", "breaker", "operation"];

/** One colour and what it stands for. */
export interface LegendEntry {
  readonly word: string;
  readonly colour: string;
}

/** The colours of one way to look. */
export interface Palette {
  /** RGBA as the bytes of a picture lie in memory, by the byte of a cell. */
  readonly table: Uint32Array;
  /** Of a scale: colours from its low to its high end. */
  readonly ramp: readonly string[] | undefined;
  readonly legend: readonly LegendEntry[];
  /** What a byte means, in words. */
  nameOf(byte: number): string;
}

type Rgb = readonly [red: number, green: number, blue: number];

/** Steps of the impedance's byte: 4 points each, above 800 the specification calls an agent slow. */
const POINTS_A_STEP = 4;
const SLOW_STEP = 200;
const HIGHEST_STEP = 250;
const NOT_UP = 255;
const VACANT = 254;

const RAMPS: Readonly<Record<Theme, readonly string[]>> = {
  light: ["#dfe9e6", "#a9cdc6", "#6aa9a6", "#3c7f93", "#2d5579"],
  dark: ["#15242c", "#1d4652", "#2f7474", "#62a382", "#c3cf86"],
};
const SLOW: Readonly<Record<Theme, string>> = { light: "#d1552f", dark: "#f0794f" };
const GONE: Readonly<Record<Theme, string>> = { light: "#f3e2e6", dark: "#3a1c24" };
/** A place in reserve: hardly there. */
const EMPTY: Readonly<Record<Theme, string>> = { light: "#f3f5f6", dark: "#141a1f" };
const NEUTRAL: Readonly<Record<Theme, string>> = { light: "#e3e7e9", dark: "#1b2329" };

/** By state, class, breaker and mark: a word, and a colour for each theme. */
type Row = readonly [word: string, light: string, dark: string];

const STATES: readonly Row[] = [
  ["not started", "#e3e7e9", "#1b2329"],
  ["stopped", "#c3cacd", "#333e45"],
  ["starting", "#9fc0dd", "#2f5f86"],
  ["active", "#8fc4b6", "#24594f"],
  ["slow", "#d9a13b", "#d9a13b"],
  ["offline", "#bf3b2f", "#ef6a57"],
  ["quarantined", "#7d3fa0", "#c38be6"],
  ["vacant", EMPTY.light, EMPTY.dark],
];
const CLASSES: readonly Row[] = [
  ["A edge", "#3f7fb5", "#5b9bd0"],
  ["B serverless", "#6bae9b", "#5fb59c"],
  ["C persistent", "#c2a24a", "#cdb05c"],
  ["D gpu", "#b5533c", "#e07a5f"],
  ["E local", "#8a6fae", "#a78bcb"],
  ["F human", "#6b7479", "#cfd6d9"],
];
const BREAKERS: readonly Row[] = [
  ["closed", "#bcd9d2", "#1d3f39"],
  ["half-open", "#d9a13b", "#e0a94a"],
  ["open", "#bf3b2f", "#ef6a57"],
];
const MARKS: readonly Row[] = [
  ["not addressed", "#e3e7e9", "#1b2329"],
  ["transit", "#dfae4f", "#b88a35"],
  ["ready", "#5fae9c", "#2f8a76"],
  ["acted", "#12604f", "#8fdcc6"],
  ["conflict", "#bf3b2f", "#ef6a57"],
  ["failed", "#d98a80", "#8f4037"],
  ["skipped", "#b9c1c5", "#3c464d"],
  ["planned", "#c9dbe6", "#25404f"],
];

/** The palette of a way to look in a theme. */
export function paletteOf(view: View, theme: Theme): Palette {
  switch (view) {
    case "impedance":
      return impedancePalette(theme);
    case "state":
      return namedPalette(STATES, theme);
    case "class":
      return namedPalette(CLASSES, theme);
    case "breaker":
      return namedPalette(BREAKERS, theme);
    case "operation":
      return namedPalette(MARKS, theme);
  }
}

/** A colour between the stops of a ramp; `at` from 0 to 1. */
export function between(stops: readonly string[], at: number): Rgb {
  const place = Math.min(1, Math.max(0, at)) * (stops.length - 1);
  const left = Math.min(stops.length - 2, Math.floor(place));
  const from = rgbOf(stops[left]);
  const to = rgbOf(stops[left + 1]);
  const part = place - left;
  return [0, 1, 2].map((i) => Math.round(from[i] + (to[i] - from[i]) * part)) as unknown as Rgb;
}

/** `#rrggbb` as numbers. */
export function rgbOf(hex: string): Rgb {
  const number = Number.parseInt(hex.slice(1), 16);
  return [(number >> 16) & 255, (number >> 8) & 255, number & 255];
}

/** The ramp of a theme, low to high. */
export function rampOf(theme: Theme): readonly string[] {
  return RAMPS[theme];
}

function impedancePalette(theme: Theme): Palette {
  const table = new Uint32Array(256).fill(packed(rgbOf(NEUTRAL[theme])));
  for (let step = 0; step <= HIGHEST_STEP; step++) {
    // Most agents are fast: the square root spreads them over the scale.
    const rgb =
      step > SLOW_STEP ? rgbOf(SLOW[theme]) : between(RAMPS[theme], Math.sqrt(step / SLOW_STEP));
    table[step] = packed(rgb);
  }
  table[NOT_UP] = packed(rgbOf(GONE[theme]));
  table[VACANT] = packed(rgbOf(EMPTY[theme]));
  return {
    table,
    ramp: [0, 0.25, 0.5, 0.75, 1].map((at) => cssOf(between(RAMPS[theme], Math.sqrt(at)))),
    legend: [
      { word: "slow, over 800", colour: SLOW[theme] },
      { word: "not up", colour: GONE[theme] },
      { word: "vacant", colour: EMPTY[theme] },
    ],
    nameOf: (byte) => {
      if (byte === NOT_UP) return "not up";
      if (byte === VACANT) return "vacant";
      return byte >= HIGHEST_STEP ? "impedance 1,000" : `impedance ${byte * POINTS_A_STEP}`;
    },
  };
}

function namedPalette(rows: readonly Row[], theme: Theme): Palette {
  const colours = rows.map(([, light, dark]) => (theme === "light" ? light : dark));
  const table = new Uint32Array(256).fill(packed(rgbOf(NEUTRAL[theme])));
  for (const [byte, colour] of colours.entries()) table[byte] = packed(rgbOf(colour));
  return {
    table,
    ramp: undefined,
    legend: rows.map(([word], byte) => ({ word, colour: colours[byte] })),
    nameOf: (byte) => rows[byte]?.[0] ?? "unknown",
  };
}

function cssOf([red, green, blue]: Rgb): string {
  return `rgb(${red} ${green} ${blue})`;
}

/** As the pixels of a canvas lie in memory on little-endian machines, which all browsers run on. */
function packed([red, green, blue]: Rgb): number {
  return ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
}
