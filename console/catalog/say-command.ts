/** `say`: what plain words mean, without doing it (spec 7.2). */
import { type FaceCommand, faceCommand } from "../command/command.ts";
import { type Face, say } from "../command/face.ts";
import { text } from "../command/values.ts";
import { writtenCommand } from "../command/written-command.ts";
import {
  type LanguageModel,
  LanguageModelError,
  languageModel,
  MODEL_PARAMETERS,
  proposedBy,
} from "../grammar/language-model.ts";
import { type Understanding, understand } from "../grammar/understand.ts";
import { sentenceOf } from "../terminal/exit.ts";
import type { Paint } from "../terminal/paint.ts";

interface Said {
  readonly understanding: Understanding;
  /** A model was asked, and understood it. */
  readonly proposed: boolean;
  /** The command as one would type it; undefined when nothing was understood. */
  readonly typed: string | undefined;
}

/** `say "what is happening in sector 7?"`. */
export const sayCommand: FaceCommand = faceCommand({
  name: "say",
  help: "Show which command plain words stand for; nothing is done.",
  details:
    "In a REPL plain words need no `say`: what only looks is done at once, what changes the mesh is shown with all " +
    "that it touches, and asks first. Exit code 1 when the words were not understood. With --llm-url a " +
    "language model " +
    "is asked then; it hears the sentence and the commands, nothing of the mesh.",
  parameters: {
    words: { schema: text("a sentence"), help: "what you would say", place: "rest" },
    ...MODEL_PARAMETERS,
  },
  examples: [`say "what's happening in sector 7?"`, `say "route around cluster 7-4" --json`],
  inRepl: true,
  run: async (face, { words, ...flags }): Promise<Said> => {
    const model = languageModel(face.env, flags);
    const heard = understand(words, face.commands);
    const proposal =
      heard.understood || model === undefined ? undefined : await ask(face, model, words);
    const understanding = proposal ?? heard;
    const command = face.commands.find(({ name }) => name === understanding.command);
    return {
      understanding,
      proposed: proposal !== undefined,
      typed: command && writtenCommand(command, understanding.arguments),
    };
  },
  render: renderSaid,
  toJson: ({ understanding }) => understanding,
  exitCode: ({ understanding }) => (understanding.understood ? 0 : 1),
});

/** A model that cannot be asked leaves the sentence as the grammar found it. */
async function ask(
  face: Face,
  model: LanguageModel,
  words: string,
): Promise<Understanding | undefined> {
  try {
    return await proposedBy(model, words, face.commands);
  } catch (error) {
    if (!(error instanceof LanguageModelError)) throw error;
    say(face, sentenceOf(error));
    return undefined;
  }
}

function renderSaid({ understanding, typed, proposed }: Said, paint: Paint): string {
  if (typed === undefined) return notUnderstood(understanding, paint);
  const effect = understanding.changes
    ? paint.yellow("changes the mesh")
    : paint.green("only looks");
  const by = proposed ? ", proposed by the model" : "";
  return `${paint.bold(typed)}  (${effect}${by})`;
}

/** What is said of a sentence that was not understood. */
export function notUnderstood({ nearest }: Understanding, paint: Paint): string {
  const offer = nearest.map((line) => paint.bold(line)).join(", ");
  return offer === ""
    ? "not understood; `help` lists what there is"
    : `not understood; did you mean: ${offer}?`;
}
