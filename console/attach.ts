/** `attach`: the REPL of a mesh that was started elsewhere. */
import { type FaceCommand, faceCommand, type Parameter } from "./command/command.ts";
import { dataFolder } from "./command/config.ts";
import { type Face, say } from "./command/face.ts";
import { choice, text } from "./command/values.ts";
import { ControlClient } from "./control/control-client.ts";
import { type LanguageModel, languageModel, MODEL_PARAMETERS } from "./grammar/language-model.ts";
import { ROLES, type Role } from "./operator/role.ts";
import { Repl, type ReplOutcome } from "./repl.ts";
import { EXIT } from "./terminal/exit.ts";

/** `--role`: for whoever wants to be sure of what they cannot do. */
export const ROLE_PARAMETER: Parameter<Role | undefined> = Object.freeze({
  schema: choice(ROLES).optional(),
  help: `do no more than this role may: ${ROLES.join(", ")} (default: what the mesh gives its owner)`,
  value: "role",
  complete: ROLES,
});

/** `attach [--data DIR] [--role ROLE]`. */
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
    role: ROLE_PARAMETER,
    ...MODEL_PARAMETERS,
  },
  examples: [
    "attach",
    "attach --data /srv/mesh",
    "attach --role observe",
    "echo status | mesh-30k attach --json",
  ],
  run: (face, { data, role, ...flags }) =>
    attach(face, { data, role }, languageModel(face.env, flags)),
  render: () => "",
  toJson: () => undefined,
  exitCode: (outcome) => {
    if (outcome.lost) return EXIT.unavailable;
    return outcome.failed > 0 && !outcome.interactive ? EXIT.failure : EXIT.ok;
  },
});

async function attach(
  face: Face,
  { data, role }: { readonly data: string | undefined; readonly role: Role | undefined },
  model: LanguageModel | undefined,
): Promise<ReplOutcome> {
  const line = await ControlClient.connect(dataFolder(face, data), face.env);
  if (role !== undefined) line.narrow("socket", role);
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
