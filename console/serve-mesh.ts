import { InvalidOptionError } from "../actors/errors.ts";
import type { Mesh } from "../runtime/api/mesh-api.ts";

/** How to serve a mesh over HTTP. */
export interface ServeOptions {
  /** Default 127.0.0.1: this machine only. */
  readonly host?: string;
  /** 0 (default) takes any that is free. */
  readonly port?: number;
  /** 32 characters or more. Default: 256 random bits. */
  readonly token?: string;
}

/** A mesh that is served. Closing it leaves the mesh running. */
export interface MeshServer extends AsyncDisposable {
  /** `http://127.0.0.1:7300` */
  readonly origin: string;
  /** The dashboard, with the token. */
  readonly url: string;
  readonly token: string;
  close(): Promise<void>;
}

const MIN_TOKEN = 32;

/**
 * Serves the dashboard, the commands of the command line, `/metrics` and `/healthz` of a mesh in this process.
 * Rejects with CONSOLE_PORT_TAKEN when the port is taken, and with InvalidOptionError.
 *
 * @example
 * const server = await serveMesh(mesh, { port: 7300 });
 * console.log(server.url);
 */
export async function serveMesh(mesh: Mesh, options: ServeOptions = {}): Promise<MeshServer> {
  const { host = "127.0.0.1", port = 0 } = options;
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new InvalidOptionError("port", port, "a port from 0 to 65535");
  if (options.token !== undefined && !/^[\w.~+/=-]{32,}$/.test(options.token))
    throw new InvalidOptionError(
      "token",
      `${String(options.token).length} characters`,
      `${MIN_TOKEN} or more letters, digits and -._~+/=`,
    );
  // Who never serves a mesh does not load what that takes.
  const [{ COMMANDS }, { HttpServer }, { randomToken }] = await Promise.all([
    import("./commands.ts"),
    import("./http-server.ts"),
    import("./http/http-token.ts"),
  ]);
  const token = options.token ?? randomToken();
  const server = await HttpServer.open({
    address: { host, port },
    token,
    commands: COMMANDS,
    mesh: Promise.resolve(mesh),
  });
  const close = (): Promise<void> => server.close();
  const { origin, url } = server;
  return { origin, url, token, close, [Symbol.asyncDispose]: close };
}
