import { mkdir, open, readdir, rename, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Cut, CutError } from "../api/cut.ts";
import { decodeCut, encodeCut, MAX_CUT_BYTES } from "./cut-bytes.ts";

/** Pieces of a cut are small: they are put together to writes of about this size, bytes. */
const WRITE_BYTES = 1024 * 1024;
const PART = /\.(\d+)\.part$/;

/** Where frozen meshes of a data folder lie: one file for each, named after the moment. */
export function frozenFile(dataDir: string, takenMs: number): string {
  // Colons are not for file names everywhere.
  const name = new Date(takenMs).toISOString().replaceAll(":", "-");
  return join(dataDir, "frozen", `${name}.mesh`);
}

/**
 * Writes a cut so that whenever this process ends, the path names either what it named before or the whole cut:
 * beside it, to the disk, and then into its place. Returns its length in bytes.
 */
export async function writeCut(path: string, cut: Cut): Promise<number> {
  const folder = dirname(path);
  await mkdir(folder, { recursive: true });
  await sweep(folder);
  const part = `${path}.${process.pid}.part`;
  // States are nobody else's business.
  const file = await open(part, "w", 0o600);
  let bytes = 0;
  try {
    for (const piece of gathered(encodeCut(cut))) {
      bytes += piece.length;
      if (bytes > MAX_CUT_BYTES) throw new CutError(path, `more than ${MAX_CUT_BYTES} bytes`);
      await file.writeFile(piece);
    }
    await file.sync();
    await file.close();
    await rename(part, path);
  } catch (error) {
    await file.close().catch(() => {});
    await unlink(part).catch(() => {});
    throw error;
  }
  // The name is only as lasting as its folder.
  const parent = await open(folder, "r");
  try {
    await parent.sync();
  } finally {
    await parent.close();
  }
  return bytes;
}

/** Reads a frozen mesh; CutError when the file is not one, or not as it was written. */
export async function readCut(path: string): Promise<Cut> {
  const file = await open(path, "r").catch((error: NodeJS.ErrnoException) => {
    throw error.code === "ENOENT"
      ? new CutError(path, "expected a frozen mesh, found no file")
      : error;
  });
  try {
    const { size } = await file.stat();
    if (size > MAX_CUT_BYTES)
      throw new CutError(path, `expected at most ${MAX_CUT_BYTES} bytes, got ${size}`);
    return decodeCut(await file.readFile());
  } finally {
    await file.close();
  }
}

/** Removes what processes that are gone did not get to finish. */
async function sweep(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const pid = PART.exec(name)?.[1];
    if (pid !== undefined && !isAlive(Number(pid)))
      await unlink(join(folder, name)).catch(() => {});
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

function* gathered(pieces: readonly Uint8Array[]): Iterable<Uint8Array> {
  let batch: Uint8Array[] = [];
  let bytes = 0;
  for (const piece of pieces) {
    batch.push(piece);
    bytes += piece.length;
    if (bytes < WRITE_BYTES) continue;
    yield Buffer.concat(batch);
    batch = [];
    bytes = 0;
  }
  if (bytes > 0) yield Buffer.concat(batch);
}
