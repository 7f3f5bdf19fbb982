/** Colour for people, none for pipes; NO_COLOR and FORCE_COLOR have the last word. */
import pc from "picocolors";
import type { Output } from "./streams.ts";

/** Colours (or none), and how wide the paper is. */
export interface Paint {
  readonly colour: boolean;
  /** Columns; undefined when nothing need be cut. */
  readonly width: number | undefined;
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly red: (text: string) => string;
  readonly green: (text: string) => string;
  readonly yellow: (text: string) => string;
  readonly cyan: (text: string) => string;
}

/** A paint with or without colours. */
export function paint(colour: boolean, width?: number): Paint {
  const { bold, dim, red, green, yellow, cyan } = pc.createColors(colour);
  return Object.freeze({ colour, width, bold, dim, red, green, yellow, cyan });
}

/** The paint for a stream. */
export function paintFor(stream: Output, env: Readonly<Record<string, string | undefined>>): Paint {
  return paint(wantsColour(stream, env), stream.isTTY ? stream.columns : undefined);
}

/** A word for a state, in the colour of its urgency. */
export function paintState(state: string, paint: Paint): string {
  switch (state) {
    case "active":
    case "running":
    case "FULL":
    case "CLOSED":
    case "accepted":
    case "ok":
      return paint.green(state);
    case "degraded":
    case "frozen":
    case "restarting":
    case "starting":
    case "stopping":
    case "waiting":
    case "warn":
    case "attention":
    case "DEGRADED_LIGHT":
    case "DEGRADED_MODERATE":
    case "HALF_OPEN":
      return paint.yellow(state);
    case "offline":
    case "quarantined":
    case "blocked":
    case "rejected":
    case "dropped":
    case "fail":
    case "critical":
    case "DEGRADED_SEVERE":
    case "EMERGENCY":
    case "OPEN":
      return paint.red(state);
    default:
      return state;
  }
}

function wantsColour(stream: Output, env: Readonly<Record<string, string | undefined>>): boolean {
  // https://no-color.org: present and not empty, whatever its value. It wins over FORCE_COLOR.
  if (env.NO_COLOR) return false;
  const forced = env.FORCE_COLOR;
  if (forced !== undefined) return forced !== "0" && forced !== "false";
  return stream.isTTY === true && env.TERM !== "dumb";
}
