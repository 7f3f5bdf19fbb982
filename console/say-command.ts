/** `say`: what plain words mean, without doing it (spec 7.2). */
import { type FaceCommand, faceCommand } from "./command.ts";
import type { Paint } from "./paint.ts";
import { type Understanding, understand } from "./understand.ts";
import { text } from "./values.ts";
import { writtenCommand } from "./written-command.ts";

interface Said {
  readonly understanding: Understanding;
  /** The command as one would type it; undefined when nothing was understood. */
  readonly typed: string | undefined;
}

/** `say "what is happening in sector 7?"`. */
export const sayCommand: FaceCommand = faceCommand({
  name: "say",
  help: "Show which command plain words stand for; nothing is done.",
  details:
    "In a REPL plain words need no `say`: what only looks is done at once, what changes the mesh is shown with all " +
    "that it touches, and asks first. Exit code 1 when the words were not understood.",
  parameters: {
    words: { schema: text("a sentence"), help: "what you would say", place: "rest" },
  },
  examples: [`say "what's happening in sector 7?"`, `say "route around cluster 7-4" --json`],
  inRepl: true,
  run: (face, { words }): Said => {
    const understanding = understand(words, face.commands);
    const command = face.commands.find(({ name }) => name === understanding.command);
    return {
      understanding,
      typed: command && writtenCommand(command, understanding.arguments),
    };
  },
  render: renderSaid,
  toJson: ({ understanding }) => understanding,
  exitCode: ({ understanding }) => (understanding.understood ? 0 : 1),
});

function renderSaid({ understanding, typed }: Said, paint: Paint): string {
  if (typed === undefined) return notUnderstood(understanding, paint);
  const effect = understanding.changes
    ? paint.yellow("changes the mesh")
    : paint.green("only looks");
  return `${paint.bold(typed)}  (${effect})`;
}

/** What is said of a sentence that was not understood. */
export function notUnderstood({ nearest }: Understanding, paint: Paint): string {
  const offer = nearest.map((line) => paint.bold(line)).join(", ");
  return offer === ""
    ? "not understood; `help` lists what there is"
    : `not understood; did you mean: ${offer}?`;
}
