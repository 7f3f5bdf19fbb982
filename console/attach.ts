/** `attach`: the REPL of a mesh that was started elsewhere. */
import { type FaceCommand, faceCommand } from "./command/command.ts";
import { dataFolder } from "./command/config.ts";
import { type Face, say } from "./command/face.ts";
import { text } from "./command/values.ts";
import { ControlClient } from "./control/control-client.ts";
import { type LanguageModel, languageModel, MODEL_PARAMETERS } from "./grammar/language-model.ts";
import { Repl, type ReplOutcome } from "./repl.ts";
import { EXIT } from "./terminal/exit.ts";

/** `attach [--data DIR]`. */
export const attachCommand: FaceCommand = faceCommand({
  name: "attach",
  help: "Open the REPL of a running mesh; leaving it leaves the mesh running.",
  details:
    "Commands are read from stdin, one a line, also from a pipe: each ends before the next begins, and " +
    "the exit code is 1 when one of them failed. With --json each prints one line of JSON.",
  parameters: {
    data: {
      schema: text("the path of a folder").optional(),
      help: "data folder of the running mesh (default: MESH_DATA, or .mesh-30k here)",
      value: "dir",
    },
    ...MODEL_PARAMETERS,
  },
  examples: ["attach", "attach --data /srv/mesh", "echo status | mesh-30k attach --json"],
  run: (face, { data, ...flags }) => attach(face, data, languageModel(face.env, flags)),
  render: () => "",
  toJson: () => undefined,
  exitCode: (outcome) => {
    if (outcome.lost) return EXIT.unavailable;
    return outcome.failed > 0 && !outcome.interactive ? EXIT.failure : EXIT.ok;
  },
});

async function attach(
  face: Face,
  data: string | undefined,
  model: LanguageModel | undefined,
): Promise<ReplOutcome> {
  const line = await ControlClient.connect(dataFolder(face, data), face.env);
  const repl = new Repl(face, line, model);
  try {
    if (repl.interactive) {
      say(face, `attached to process ${line.pid}: help lists commands, .exit or Ctrl-D leaves`);
    }
    const outcome = await repl.run();
    if (repl.interactive && !outcome.lost) say(face, "left; the mesh keeps running");
    return outcome;
  } finally {
    line.close();
  }
}
