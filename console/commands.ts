/** The table of commands: every operator command, stated once, for every face. */
import { agentsCommand, inspectCommand, killCommand, restartCommand } from "./agent-commands.ts";
import { attachCommand } from "./attach.ts";
import { benchCommand } from "./bench-command.ts";
import type { Command } from "./command.ts";
import { deadLettersCommand } from "./dead-letter-commands.ts";
import { helpCommand, versionCommand } from "./help-commands.ts";
import { askCommand, tellCommand } from "./message-commands.ts";
import { startCommand } from "./start.ts";
import { statusCommand, topCommand, treeCommand } from "./status-commands.ts";

/** In the order of `help`: boot and attach, look, act, the rest. */
export const COMMANDS: readonly Command[] = Object.freeze([
  startCommand,
  attachCommand,
  statusCommand,
  topCommand,
  treeCommand,
  inspectCommand,
  agentsCommand,
  tellCommand,
  askCommand,
  restartCommand,
  killCommand,
  deadLettersCommand,
  benchCommand,
  helpCommand,
  versionCommand,
]);
