/**
 * The control socket of a running mesh: every command of the table, for whoever may open a file of mode 0600: its
 * owner, whom the mesh takes for themselves (Node does not tell who is at the other end of a socket). It reads shared
 * memory and passes messages on, so it answers while every shard is blocked.
 */
import { chmodSync, unlinkSync, writeFileSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import type { Mesh } from "../../runtime/api/mesh-api.ts";
import type { Command } from "../command/command.ts";
import type { Size } from "../command/line.ts";
import { makeFolders, pidPath, socketPath } from "../command/socket-path.ts";
import type { Gate } from "../operator/gate.ts";
import { ConsoleError, NoMeshError, sentenceOf } from "../terminal/exit.ts";
import { packageVersion } from "../terminal/version.ts";
import { ControlClient } from "./control-client.ts";
import { ControlConnection } from "./control-connection.ts";
import { withLock } from "./lock.ts";

/** Consoles at once; one more is told so and closed. */
const MAX_CLIENTS = 64;

/** What {@link openControl} needs. */
export interface ControlOptions {
  /** Data folder. */
  readonly data: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly commands: readonly Command[];
  readonly size: Size;
  /** The mesh, once it is there: the socket is taken before the boot, so that two boots never meet. */
  readonly mesh: Promise<Mesh>;
  /** What every command goes through; without one nobody keeps watch. */
  readonly gate?: Gate;
}

/** An open control socket. */
export interface Control {
  readonly path: string;
  /** Closes the socket and every connection, and removes its file. */
  close(): Promise<void>;
}

/**
 * Opens the control socket of a data folder. The socket of a dead mesh is replaced; that of a living one
 * is refused with its process id.
 */
export async function openControl(options: ControlOptions): Promise<Control> {
  const { data, env } = options;
  const path = socketPath(data, env);
  makeFolders(data, path);
  // Two that start at once must not both find the old socket dead, and each remove the other's new one.
  const server = await withLock(`${path}.lock`, async () => {
    await refuseLiving(data, env);
    removeIfThere(path);
    return listen(path, options);
  });
  writeFileSync(pidPath(data), `${process.pid}\n`, { mode: 0o600 });
  return {
    path,
    close: async () => {
      removeIfThere(pidPath(data));
      for (const connection of server.connections) connection.close();
      await new Promise<void>((resolve) => server.net.close(() => resolve()));
    },
  };
}

interface Listening {
  readonly net: Server;
  readonly connections: Set<ControlConnection>;
}

async function refuseLiving(
  data: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  let living: ControlClient;
  try {
    living = await ControlClient.connect(data, env);
  } catch (error) {
    // Nobody listens: either there is no socket, or its process has died.
    if (error instanceof NoMeshError) return;
    throw error;
  }
  living.close();
  throw new ConsoleError(
    "CONSOLE_RUNNING",
    `a mesh is already running in ${data} (process ${living.pid}): ` +
      "attach to it, stop it, or start this one with another --data",
  );
}

function listen(path: string, options: ControlOptions): Promise<Listening> {
  const connections = new Set<ControlConnection>();
  const net = createServer((socket) => accept(socket, connections, options));
  return new Promise((resolve, reject) => {
    net.once("error", (error) => {
      reject(new ConsoleError("CONSOLE_SOCKET", `control socket ${path}: ${sentenceOf(error)}`));
    });
    // The socket is made while listen runs: the mask leaves no moment in which others may open it.
    const mask = process.umask(0o177);
    try {
      net.listen(path, () => {
        chmodSync(path, 0o600);
        resolve({ net, connections });
      });
    } finally {
      process.umask(mask);
    }
  });
}

function accept(
  socket: Socket,
  connections: Set<ControlConnection>,
  { commands, mesh, size, gate }: ControlOptions,
): void {
  if (connections.size >= MAX_CLIENTS) {
    const message = `${MAX_CLIENTS} consoles are connected already, and no more are taken`;
    socket.on("error", () => {});
    socket.end(`${JSON.stringify({ id: null, error: { code: "CONSOLE_BUSY", message } })}\n`);
    return;
  }
  const connection = new ControlConnection(socket, commands, mesh, gate);
  connections.add(connection);
  socket.on("close", () => connections.delete(connection));
  connection.hello({ version: packageVersion(), pid: process.pid, size });
}

function removeIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}
