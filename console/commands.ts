/** The table of commands: every operator command, stated once, for every face. */
import { agentsCommand, inspectCommand, killCommand, restartCommand } from "./agent-commands.ts";
import { askCommand } from "./ask-command.ts";
import { attachCommand } from "./attach.ts";
import { backupCommand, restoreCommand } from "./backup-commands.ts";
import { benchCommand } from "./bench-command.ts";
import { circuitsCommand } from "./circuits-command.ts";
import type { Command } from "./command.ts";
import { conflictsCommand } from "./conflicts-command.ts";
import { deadLettersCommand } from "./dead-letter-commands.ts";
import { doctorCommand } from "./doctor-command.ts";
import { forkCommand } from "./fork-command.ts";
import { diffCommand, freezeCommand, thawCommand } from "./freeze-commands.ts";
import { healCommand } from "./heal-command.ts";
import { healthCommand } from "./health-command.ts";
import { helpCommand, versionCommand } from "./help-commands.ts";
import { inboxCommand } from "./inbox-command.ts";
import { incidentCommand } from "./incident-command.ts";
import { keysCommand } from "./keys-command.ts";
import { kpisCommand } from "./kpis-command.ts";
import { mcpCommand } from "./mcp-command.ts";
import { broadcastCommand, tellCommand } from "./message-commands.ts";
import { modeCommand } from "./mode-command.ts";
import { cascadeCommand, forecastCommand, scatterCommand } from "./operation-commands.ts";
import { quarantineCommand } from "./quarantine-command.ts";
import { reassignCommand } from "./reassign-command.ts";
import { reloadCommand } from "./reload-command.ts";
import { routeCommand } from "./route-command.ts";
import { sayCommand } from "./say-command.ts";
import { scaleCommand } from "./scale-command.ts";
import { simulateCommand } from "./simulate-command.ts";
import { startCommand } from "./start.ts";
import { statusCommand, topCommand, treeCommand } from "./status-commands.ts";
import { delegateCommand, pipelineCommand } from "./task-commands.ts";
import { traceCommand } from "./trace-command.ts";
import { undoCommand } from "./undo-command.ts";
import { evidenceCommand, verifyCommand } from "./verify-command.ts";
import { watchCommand } from "./watch-command.ts";
import { whatIfCommand } from "./what-if-command.ts";
import { whyCommand } from "./why-command.ts";

/** In the order of `help`: boot and attach, look, speak, coordinate, act, the rest. */
export const COMMANDS: readonly Command[] = Object.freeze([
  startCommand,
  attachCommand,
  mcpCommand,
  statusCommand,
  topCommand,
  watchCommand,
  treeCommand,
  inspectCommand,
  whyCommand,
  traceCommand,
  agentsCommand,
  kpisCommand,
  healthCommand,
  tellCommand,
  askCommand,
  broadcastCommand,
  forecastCommand,
  whatIfCommand,
  scatterCommand,
  cascadeCommand,
  delegateCommand,
  pipelineCommand,
  reassignCommand,
  routeCommand,
  circuitsCommand,
  modeCommand,
  restartCommand,
  killCommand,
  reloadCommand,
  healCommand,
  freezeCommand,
  thawCommand,
  diffCommand,
  forkCommand,
  incidentCommand,
  scaleCommand,
  backupCommand,
  restoreCommand,
  keysCommand,
  evidenceCommand,
  verifyCommand,
  deadLettersCommand,
  conflictsCommand,
  quarantineCommand,
  inboxCommand,
  undoCommand,
  sayCommand,
  doctorCommand,
  simulateCommand,
  benchCommand,
  helpCommand,
  versionCommand,
]);
