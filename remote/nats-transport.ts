/** Connections to NATS servers: the one place that knows their client, which is an optional package. */
import { readFileSync } from "node:fs";
import { InvalidOptionError, MeshError } from "../actors/errors.ts";

type Transport = typeof import("@nats-io/transport-node");

/** What is needed to reach a server, and how one shows who one is. */
export interface NatsAccess {
  /** Path of a `.creds` file, or name and password, or a token. */
  readonly credentials?: string | undefined;
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  readonly token?: string | undefined;
  /** Paths of PEM files. */
  readonly tls?:
    | {
        readonly ca?: string | undefined;
        readonly cert?: string | undefined;
        readonly key?: string | undefined;
      }
    | undefined;
}

export type NatsConnection = Awaited<ReturnType<Transport["connect"]>>;
export type NatsConnectionOptions = Parameters<Transport["connect"]>[0] & object;

/**
 * Connects to one of `servers`, for good: what is lost comes back by itself. MeshError MESH_NO_NATS when the client is
 * not installed, InvalidOptionError when a file of `access` cannot be read; rejects as the client does otherwise.
 * `field` names the options in errors, `packages` what to install.
 */
export async function connectNats(
  field: string,
  packages: string,
  servers: readonly string[],
  access: NatsAccess,
  options: NatsConnectionOptions,
): Promise<NatsConnection> {
  let transport: Transport;
  try {
    transport = await import("@nats-io/transport-node");
  } catch (error) {
    throw noClient(field, packages, error);
  }
  return transport.connect({
    servers: [...servers],
    maxReconnectAttempts: -1,
    pingInterval: 5_000,
    ...options,
    ...securityOf(field, access, transport),
  });
}

/** Throws MESH_NO_NATS where the client is not installed. */
export function requireNatsClient(field: string, packages: string): void {
  try {
    import.meta.resolve("@nats-io/transport-node");
  } catch (error) {
    throw noClient(field, packages, error);
  }
}

/** MESH_NO_NATS: packages that are not there, and how they come there. */
export function noClient(field: string, packages: string, cause: unknown): MeshError {
  const sentence = `${field}: expected the packages of the NATS client, which are not there: npm install ${packages}`;
  return new MeshError("MESH_NO_NATS", sentence, { cause });
}

function securityOf(
  field: string,
  { credentials, user, password, token, tls }: NatsAccess,
  { credsAuthenticator }: Transport,
): NatsConnectionOptions {
  return {
    ...(credentials !== undefined && {
      authenticator: credsAuthenticator(readFile(`${field}.credentials`, credentials)),
    }),
    ...(user !== undefined && { user }),
    ...(password !== undefined && { pass: password }),
    ...(token !== undefined && { token }),
    ...(tls !== undefined && {
      tls: {
        ...(tls.ca !== undefined && { caFile: tls.ca }),
        ...(tls.cert !== undefined && { certFile: tls.cert }),
        ...(tls.key !== undefined && { keyFile: tls.key }),
      },
    }),
  };
}

function readFile(field: string, path: string): Uint8Array {
  try {
    return new Uint8Array(readFileSync(path));
  } catch (error) {
    throw new InvalidOptionError(field, path, `a file that can be read (${wordsOf(error)})`);
  }
}

/** What an error says. */
export function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
