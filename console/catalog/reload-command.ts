/** `reload`: changes agents over to what their module says now. */
import type { ReloadResult } from "../../runtime/api/reload-api.ts";
import { type MeshCommand, meshCommand } from "../command/command.ts";
import { duration, text } from "../command/values.ts";
import { formatNumber } from "../terminal/format.ts";
import type { Paint } from "../terminal/paint.ts";
import { tame } from "../terminal/text-width.ts";

const HOUR_MS = 3_600_000;

interface Reloaded {
  readonly modules: readonly ReloadResult[];
}

/** `reload [agent.js] [--window 5s]`. */
export const reloadCommand: MeshCommand = meshCommand({
  name: "reload",
  help: "Change agents over to what their module says now, their states kept.",
  details:
    "A version that cannot be loaded is refused; one whose agents fail within the window is taken back, and they " +
    "have their states again. What the module imports is not loaded again. Exit code 1 when a module was " +
    "refused or taken back.",
  parameters: {
    module: {
      schema: text("the name, path or URL of a module").optional(),
      help: "the file of a module, by name, path or URL (default: all that are files)",
      place: "positional",
    },
    window: {
      schema: duration(0, HOUR_MS).optional(),
      help: "how long a failure takes the new version back (default: 2s)",
      value: "duration",
    },
  },
  examples: ["reload", "reload my-agent.js --window 10s"],
  changes: true,
  touches: () => null,
  run: async ({ mesh }, { module, window }): Promise<Reloaded> => ({
    modules: await mesh.reload(module, window === undefined ? {} : { windowMs: window }),
  }),
  render: ({ modules }, paint) => modules.map((result) => renderReload(result, paint)).join("\n"),
  failed: ({ modules }) => modules.some(({ outcome }) => outcome !== "reloaded"),
});

/** What became of a module, in a line. */
export function renderReload({ module, outcome, agents, why }: ReloadResult, paint: Paint): string {
  const name = tame(decodeURIComponent(module.split("/").at(-1) ?? module));
  const count = agents === 1 ? "1 agent" : `${formatNumber(agents)} agents`;
  if (outcome === "reloaded") return `${name} ${paint.green("reloaded")}: ${count} changed over`;
  const back = outcome === "refused" ? "nothing was changed" : `${count} changed back`;
  return `${name} ${paint.red(outcome)}, ${back}: ${tame(why ?? "")}`;
}
