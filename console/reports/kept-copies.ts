/** What a data folder keeps of its mesh: backups, frozen files, the log of conflicts, with their ages. */
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { logFiles } from "../../runtime/conflicts/sqlite-log.ts";
import { backupsOf } from "./backup-folder.ts";

/** Copies of one kind. */
export interface Copies {
  readonly count: number;
  /** When the newest was taken, ms since the epoch; undefined when there is none. */
  readonly newestMs: number | undefined;
}

/** All kinds. */
export interface KeptCopies {
  readonly backups: Copies;
  readonly frozen: Copies;
  readonly logBytes: number | undefined;
}

/** Looks into a data folder; undefined when there is none to look into. */
export async function keptCopies(dataDir: string | undefined): Promise<KeptCopies | undefined> {
  if (dataDir === undefined) return undefined;
  const { size: logBytes } = (await stat(logFiles(dataDir).log).catch(() => undefined)) ?? {};
  return {
    backups: await copiesIn(backupsOf(dataDir), /Z$/),
    frozen: await copiesIn(join(dataDir, "frozen"), /\.mesh$/),
    logBytes,
  };
}

/** By their names, which are moments: the time of a file is that of its copying. */
async function copiesIn(folder: string, pattern: RegExp): Promise<Copies> {
  const names = (await readdir(folder).catch(() => [])).filter((name) => pattern.test(name));
  const moments = names
    .map((name) => Date.parse(name.replace(/^(.{10}T\d\d)-(\d\d)-(.*Z).*$/, "$1:$2:$3")))
    .filter((atMs) => Number.isFinite(atMs));
  const newestMs = moments.reduce<number | undefined>(
    (newest, atMs) => (newest === undefined || atMs > newest ? atMs : newest),
    undefined,
  );
  return { count: moments.length, newestMs };
}
