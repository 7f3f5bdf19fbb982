import { getSystemErrorName } from "node:util";
import { MeshError } from "../../actors/errors.ts";

const SENTENCES: Readonly<Record<string, string>> = {
  ENOSPC: "no space is left on the disk",
  EDQUOT: "the quota of the disk is used up",
  EROFS: "the file system is read-only",
  EIO: "the disk reports an error",
};

/** Why nothing durable can be promised: the system's error with this positive number. */
export function diskError(errno: number): MeshError {
  const name = errno === 0 ? "EIO" : getSystemErrorName(-errno);
  const reason = SENTENCES[name] ?? "the journal cannot be written";
  return new MeshError(
    "MESH_JOURNAL_DISK",
    `journal: ${reason} (${name}); nothing durable is accepted until it can be written again`,
  );
}
