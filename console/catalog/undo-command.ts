/** `undo`: takes the last change back. */
import { type MeshCommand, meshCommand } from "../command/command.ts";
import { takeBack } from "../command/deeds.ts";
import { flag } from "../command/values.ts";
import type { Paint } from "../terminal/paint.ts";

interface Undone {
  readonly undone: string;
  readonly by: string;
  readonly arguments: Readonly<Record<string, unknown>>;
  /** What the inverse gave. */
  readonly data: unknown;
}

/** `undo`. */
export const undoCommand: MeshCommand = meshCommand({
  name: "undo",
  help: "Take the last change back that was made from a console of this mesh.",
  details:
    "Routes, circuits, freezing and scaling can be taken back; what agents have been told or have done cannot.",
  parameters: {
    dryRun: { schema: flag().optional(), help: "show what it would do, and do nothing" },
  },
  examples: ["undo", "undo --dry-run"],
  changes: ({ dryRun }) => dryRun !== true,
  run: async ({ mesh, perform }, { dryRun }): Promise<Undone> => {
    const { deed, inverse, putBack } = takeBack(mesh);
    const by = { undone: deed.command, by: inverse.command, arguments: inverse.args };
    try {
      const data = await perform(inverse.command, {
        ...inverse.args,
        ...(dryRun === true && { dryRun }),
      });
      if (dryRun === true) putBack();
      return { ...by, data };
    } catch (error) {
      putBack();
      throw error;
    }
  },
  render: renderUndone,
});

function renderUndone({ undone, by, arguments: args }: Undone, paint: Paint): string {
  const whom = Object.values(args).map(String).join(" ");
  return `${undone} taken back: ${paint.bold(`${by} ${whom}`.trim())}`;
}
