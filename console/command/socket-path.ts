/** Where the control socket of a data folder is, and that the folder is the owner's alone. */
import { createHash } from "node:crypto";
import { chmodSync, lstatSync, mkdirSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConsoleError, EXIT, sentenceOf } from "../terminal/exit.ts";

/** Bytes of a socket's path that every system takes: Linux has 107, macOS 103. */
const MAX_SOCKET_BYTES = 103;
const OWNER_ONLY = 0o700;

/**
 * Path of the socket of a data folder. A folder whose path is too long for a socket has it in the runtime
 * folder instead, under a name made of that path, so that both ends find it without asking.
 */
export function socketPath(
  data: string,
  env: Readonly<Record<string, string | undefined>>,
): string {
  const path = join(data, "mesh.sock");
  if (Buffer.byteLength(path) <= MAX_SOCKET_BYTES) return path;
  const name = createHash("sha256").update(data).digest("hex").slice(0, 16);
  const short = join(runtimeFolder(env), `${name}.sock`);
  if (Buffer.byteLength(short) <= MAX_SOCKET_BYTES) return short;
  throw new ConsoleError(
    "CONSOLE_SOCKET_PATH",
    `no path for the control socket is short enough (${MAX_SOCKET_BYTES} bytes): neither ${path} nor ${short}`,
  );
}

/** Path of the file that names the process of a data folder's mesh. */
export function pidPath(data: string): string {
  return join(data, "mesh.pid");
}

/** Makes the data folder and the folder of its socket, for the owner alone. */
export function makeFolders(data: string, socket: string): void {
  makePrivate(data);
  if (socket.startsWith(join(data, "/"))) return;
  const folder = join(socket, "..");
  makePrivate(folder);
  // The runtime folder may lie in /tmp, where anybody could have made it first.
  const found = lstatSync(folder);
  const foreign = process.getuid !== undefined && found.uid !== process.getuid();
  if (!found.isDirectory() || foreign || (found.mode & 0o077) !== 0) {
    throw new ConsoleError(
      "CONSOLE_SOCKET_PATH",
      `${folder}: expected a folder of yours with mode 0700 for the control socket`,
    );
  }
}

function runtimeFolder(env: Readonly<Record<string, string | undefined>>): string {
  if (env.XDG_RUNTIME_DIR) return join(env.XDG_RUNTIME_DIR, "mesh-30k");
  return join(tmpdir(), `mesh-30k-${process.getuid?.() ?? "user"}`);
}

function makePrivate(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: OWNER_ONLY });
    // A folder with other things in it is not ours to close; the socket's own mode protects it there.
    if (readdirSync(folder).length === 0) chmodSync(folder, OWNER_ONLY);
  } catch (error) {
    throw new ConsoleError(
      "CONSOLE_DATA",
      `data: expected a folder that can be made and written, got ${JSON.stringify(folder)}: ${sentenceOf(error)}`,
      EXIT.usage,
    );
  }
}
