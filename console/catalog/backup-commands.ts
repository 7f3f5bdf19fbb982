/** `backup` and `restore`: a mesh as it was at one moment, its log of conflicts, and a way back (spec 10.1). */
import { resolve } from "node:path";
import {
  type FaceCommand,
  faceCommand,
  type MeshCommand,
  meshCommand,
} from "../command/command.ts";
import { dataFolder } from "../command/config.ts";
import { choice, flag, text } from "../command/values.ts";
import {
  type Backup,
  backupsOf,
  listBackups,
  type Restored,
  restoreBackup,
  writeBackup,
} from "../reports/backup-folder.ts";
import { liveCut } from "../reports/live-cut.ts";
import { UsageError } from "../terminal/exit.ts";
import { formatBytes, formatDuration, formatNumber } from "../terminal/format.ts";
import type { Paint } from "../terminal/paint.ts";
import { type Column, table } from "../terminal/table.ts";

const ACTIONS = ["now", "list"] as const;

const COLUMNS: readonly Column[] = [
  { heading: "BACKUP" },
  { heading: "TAKEN" },
  { heading: "AGENTS", align: "right" },
  { heading: "STATES", align: "right" },
  { heading: "MESSAGES", align: "right" },
  { heading: "CONFLICT LOG", align: "right" },
  { heading: "SIZE", align: "right" },
];

type Outcome =
  | { readonly backups: readonly Backup[] }
  | { readonly backup: Backup; readonly stoodMs: number };

/** `backup [now|list]`. */
export const backupCommand: MeshCommand = meshCommand({
  name: "backup",
  help: "Copy states, learned impedance and the log of conflicts to a folder, or list such copies.",
  details:
    "The mesh stands still for as long as a cut of it is taken, not while it is written; one that is frozen stays " +
    "so. The copy is read again before it gets its name, under backups/ of the data folder or under --to. It holds " +
    "the state, what the registry and the predictors have learned, messages that wait, routes, and the log of " +
    "conflicts with its quarantine. `backup list` also works where no mesh runs.",
  parameters: {
    action: {
      schema: choice(ACTIONS).optional(),
      help: "now (default) or list",
      place: "positional",
      complete: ACTIONS,
    },
    to: {
      schema: text("the path of a folder").optional(),
      help: "folder of the backups (default: backups/ of the data folder)",
      value: "dir",
    },
  },
  examples: ["backup", "backup --to /mnt/other-disk/mesh", "backup list"],
  changes: ({ action }) => action !== "list",
  touches: () => "all",
  run: async ({ mesh, tell }, { action = "now", to }): Promise<Outcome> => {
    const folder = folderOf(mesh.dataDir, to);
    if (action === "list") return { backups: await listBackups(folder) };
    const { cut, stoodMs } = await liveCut(mesh, "backup");
    tell?.("the mesh goes on; its state is being written");
    return { backup: await writeBackup(folder, { cut, dataDir: mesh.dataDir }), stoodMs };
  },
  withoutMesh: (dataDir, { action, to }) =>
    action === "list" ? listOf(folderOf(dataDir, to)) : undefined,
  render: renderOutcome,
});

async function listOf(folder: string): Promise<Outcome> {
  return { backups: await listBackups(folder) };
}

function folderOf(dataDir: string | undefined, to: string | undefined): string {
  if (to !== undefined) return resolve(to);
  if (dataDir !== undefined) return backupsOf(dataDir);
  throw new UsageError("backup: this mesh has no data folder: say where --to", "backup");
}

function renderOutcome(outcome: Outcome, paint: Paint): string {
  if ("backups" in outcome) {
    const rows = outcome.backups.map((backup) => [
      backup.path,
      new Date(backup.takenMs).toISOString(),
      formatNumber(backup.agents),
      formatNumber(backup.snapshots),
      formatNumber(backup.messages),
      backup.conflictEntries === null ? "none" : formatNumber(backup.conflictEntries),
      formatBytes(sizeOf(backup)),
    ]);
    return table(COLUMNS, rows, "there is no backup: make one with backup", paint);
  }
  const { backup, stoodMs } = outcome;
  return [
    `${paint.green("Backed up")} to ${paint.bold(backup.path)}`,
    `${contentsOf(backup)}; ${formatBytes(sizeOf(backup))}, read again`,
    `stood still for ${formatDuration(stoodMs)}`,
    `To restore: mesh-30k restore ${backup.path} --data DIR`,
  ].join("\n");
}

function contentsOf({ snapshots, agents, messages, conflictEntries }: Backup): string {
  const log =
    conflictEntries === null
      ? "no log of conflicts"
      : `a log of conflicts of ${formatNumber(conflictEntries)} entries`;
  return (
    `states of ${formatNumber(snapshots)} of ${formatNumber(agents)} agents, what was learned of all, ` +
    `${formatNumber(messages)} messages, ${log}`
  );
}

function sizeOf({ files }: Backup): number {
  return files.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** `restore DIR [--data DIR]`. */
export const restoreCommand: FaceCommand = faceCommand({
  name: "restore",
  help: "Fill an empty data folder from a backup, from which start --thaw begins.",
  details:
    "Every file is compared with the manifest before anything is written. A folder that has anything in it is " +
    "refused: name a new one with --data.",
  parameters: {
    from: {
      schema: text("the path of a backup"),
      help: "folder of the backup, as backup list has it",
      place: "positional",
    },
    data: {
      schema: text("the path of a folder").optional(),
      help: "the data folder to fill (default: MESH_DATA, or .mesh-30k here)",
      value: "dir",
    },
    dryRun: { schema: flag().optional(), help: "look through the backup, and write nothing" },
  },
  examples: ["restore .mesh-30k/backups/2026-11-24T20-55-50.728Z --data /srv/mesh"],
  inRepl: true,
  run: async (face, { from, data, dryRun = false }): Promise<Restored & { dryRun: boolean }> => {
    const folder = dataFolder(face, data ?? face.data);
    return { ...(await restoreBackup(resolve(face.cwd, from), folder, dryRun)), dryRun };
  },
  render: ({ backup, data, state, dryRun }, paint) =>
    [
      `${paint.green(dryRun ? "Would restore" : "Restored")} to ${paint.bold(data)}`,
      contentsOf(backup),
      `as of ${new Date(backup.takenMs).toISOString()}`,
      `To start: mesh-30k start --thaw ${state} --data ${data}`,
    ].join("\n"),
});
