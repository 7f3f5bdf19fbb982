/** The table of commands: every operator command, stated once, for every face. */

import { attachCommand } from "./attach.ts";
import {
  agentsCommand,
  inspectCommand,
  killCommand,
  restartCommand,
} from "./catalog/agent-commands.ts";
import { askCommand } from "./catalog/ask-command.ts";
import { auditCommand } from "./catalog/audit-command.ts";
import { backupCommand, restoreCommand } from "./catalog/backup-commands.ts";
import { benchCommand } from "./catalog/bench-command.ts";
import { certsCommand } from "./catalog/certs-command.ts";
import { circuitsCommand } from "./catalog/circuits-command.ts";
import { conflictsCommand } from "./catalog/conflicts-command.ts";
import { deadLettersCommand } from "./catalog/dead-letter-commands.ts";
import { doctorCommand } from "./catalog/doctor-command.ts";
import { forkCommand } from "./catalog/fork-command.ts";
import { diffCommand, freezeCommand, thawCommand } from "./catalog/freeze-commands.ts";
import { healCommand } from "./catalog/heal-command.ts";
import { healthCommand } from "./catalog/health-command.ts";
import { historyCommand } from "./catalog/history-command.ts";
import { inboxCommand } from "./catalog/inbox-command.ts";
import { incidentCommand } from "./catalog/incident-command.ts";
import { keysCommand } from "./catalog/keys-command.ts";
import { kpisCommand } from "./catalog/kpis-command.ts";
import { broadcastCommand, tellCommand } from "./catalog/message-commands.ts";
import { modeCommand } from "./catalog/mode-command.ts";
import { cascadeCommand, forecastCommand, scatterCommand } from "./catalog/operation-commands.ts";
import { operatorsCommand } from "./catalog/operators-command.ts";
import { quarantineCommand } from "./catalog/quarantine-command.ts";
import { reassignCommand } from "./catalog/reassign-command.ts";
import { reloadCommand } from "./catalog/reload-command.ts";
import { routeCommand } from "./catalog/route-command.ts";
import { sayCommand } from "./catalog/say-command.ts";
import { scaleCommand } from "./catalog/scale-command.ts";
import { sessionsCommand } from "./catalog/sessions-command.ts";
import { simulateCommand } from "./catalog/simulate-command.ts";
import { statusCommand, topCommand, treeCommand } from "./catalog/status-commands.ts";
import { delegateCommand, pipelineCommand } from "./catalog/task-commands.ts";
import { threatsCommand } from "./catalog/threats-command.ts";
import { traceCommand } from "./catalog/trace-command.ts";
import { undoCommand } from "./catalog/undo-command.ts";
import { evidenceCommand, verifyCommand } from "./catalog/verify-command.ts";
import { watchCommand } from "./catalog/watch-command.ts";
import { whatIfCommand } from "./catalog/what-if-command.ts";
import { whyCommand } from "./catalog/why-command.ts";
import type { Command } from "./command/command.ts";
import { helpCommand, versionCommand } from "./command/help-commands.ts";
import { mcpCommand } from "./mcp-command.ts";
import { startCommand } from "./start.ts";

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
  historyCommand,
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
  threatsCommand,
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
  operatorsCommand,
  sessionsCommand,
  auditCommand,
  keysCommand,
  certsCommand,
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
