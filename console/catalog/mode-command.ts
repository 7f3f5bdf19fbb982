/** `mode`: what the mesh still dares to do, and an operator's word on it. */
import { MODES } from "../../coordination/operating-mode.ts";
import type { ModeStatus } from "../../runtime/api/mode-api.ts";
import { type MeshCommand, meshCommand } from "../command/command.ts";
import { choice } from "../command/values.ts";
import { UsageError } from "../terminal/exit.ts";
import { formatMoment, formatNumber } from "../terminal/format.ts";
import { type Paint, paintState } from "../terminal/paint.ts";
import { facts } from "../terminal/table.ts";

const ACTIONS = ["show", "set", "auto"] as const;
const NAMES = MODES.map(({ mode }) => mode);

/** `mode [show|set MODE|auto]`. */
export const modeCommand: MeshCommand = meshCommand({
  name: "mode",
  help: "Show the operating mode with its restrictions, set one, or let it follow the mesh again.",
  parameters: {
    action: {
      schema: choice(ACTIONS).optional(),
      help: "show (default), set or auto",
      place: "positional",
      complete: ACTIONS,
    },
    mode: {
      schema: choice(NAMES).optional(),
      help: `the mode to set: ${NAMES.join(", ")}`,
      place: "positional",
      complete: NAMES,
    },
  },
  examples: ["mode", "mode set DEGRADED_SEVERE", "mode auto"],
  changes: ({ action }) => action === "set" || action === "auto",
  touches: () => null,
  check: ({ action = "show", mode }) => {
    if (action === "set" && mode === undefined)
      throw new UsageError("mode: set needs a <mode>", "mode");
    if (action !== "set" && mode !== undefined)
      throw new UsageError("mode: a mode goes with set only", "mode");
  },
  run: ({ mesh }, { action = "show", mode }): ModeStatus => {
    if (action === "auto") return mesh.mode.auto();
    return mode === undefined ? mesh.mode.status() : mesh.mode.set(mode);
  },
  render: renderMode,
});

function renderMode(status: ModeStatus, paint: Paint): string {
  const { mode, description, restrictions, sinceMs, activeRate, forced, queued } = status;
  return facts(
    [
      ["Mode", `${paintState(mode, paint)}: ${description}`],
      ["Since", `${formatMoment(sinceMs)}${forced ? ", set by an operator" : ""}`],
      ["Active agents", `${(activeRate * 100).toFixed(1)}%`],
      ["Restrictions", restrictions.join("\n") || "none"],
      ["Operations waiting", formatNumber(queued)],
    ],
    paint,
  );
}
