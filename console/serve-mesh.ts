import { InvalidOptionError } from "../actors/errors.ts";
import type { Mesh } from "../runtime/api/mesh-api.ts";
import { isLoopback } from "./command/listen-address.ts";

/** How to serve a mesh over HTTP. */
export interface ServeOptions {
  /** Default 127.0.0.1: this machine only. */
  readonly host?: string;
  /** 0 (default) takes any that is free. */
  readonly port?: number;
  /** 32 characters or more. Default: 256 random bits. */
  readonly token?: string;
  /** What the token may do: `observe` looks, `operate` changes the mesh, `admin` (default on loopback) destroys too. */
  readonly tokenRole?: "observe" | "operate" | "admin";
  /** Certificate chain and private key, PEM: TLS 1.3 is spoken then, and has to be for a host beyond this machine. */
  readonly tls?: { readonly cert: string | Uint8Array; readonly key: string | Uint8Array };
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
 * Rejects with CONSOLE_PORT_TAKEN when the port is taken, and with InvalidOptionError. Operators log in to a mesh that
 * `mesh-30k start` runs; here it is the token that lets in.
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
  const { tls } = options;
  const isBeyond = !isLoopback(host);
  if (isBeyond && tls === undefined)
    throw new InvalidOptionError("host", host, "an address of this machine, or tls beside it");
  // Who never serves a mesh does not load what that takes.
  const [{ COMMANDS }, { HttpServer }, { randomToken }, { Gate }] = await Promise.all([
    import("./commands.ts"),
    import("./http-server.ts"),
    import("./http/http-token.ts"),
    import("./operator/gate.ts"),
  ]);
  const token = options.token ?? randomToken();
  const server = await HttpServer.open({
    address: { host, port },
    token,
    // Who logs in to a program is its own affair.
    commands: COMMANDS.filter(({ name }) => name !== "operators" && name !== "sessions"),
    mesh: Promise.resolve(mesh),
    // Its audit log is in memory only.
    gate: new Gate({ tokenRole: options.tokenRole ?? (isBeyond ? "observe" : "admin") }),
    ...(tls !== undefined && {
      tls: { cert: Buffer.from(tls.cert), key: Buffer.from(tls.key), renewed: () => undefined },
    }),
  });
  const close = (): Promise<void> => server.close();
  const { origin, url } = server;
  return { origin, url, token, close, [Symbol.asyncDispose]: close };
}
