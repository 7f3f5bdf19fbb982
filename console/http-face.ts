/** The HTTP face of a `start`: where it listens, and what is said of it. */
import type { Mesh } from "../runtime/api/mesh-api.ts";
import type { Command } from "./command/command.ts";
import type { ListenAddress } from "./command/listen-address.ts";
import { randomToken, tokenFromFile } from "./http/http-token.ts";
import type { TlsFiles } from "./http/tls-files.ts";
import { HttpServer } from "./http-server.ts";
import { Gate } from "./operator/gate.ts";
import { INVITED_MS } from "./operator/logins.ts";
import { codeOf } from "./terminal/exit.ts";

/** What a start is told of it. */
export interface HttpPlan {
  readonly address: ListenAddress;
  readonly tokenFile: string | undefined;
  /** Somebody named this address; it is then an error when it is taken. */
  readonly isNamed: boolean;
  /** Name under which browsers reach it; default: localhost, or the host of the address. */
  readonly name?: string | undefined;
  /** Always there beyond this machine. */
  readonly tls?: TlsFiles | undefined;
}

/** One that is open. */
export interface HttpFace {
  readonly server: HttpServer;
  /** What a person reads of it. */
  readonly sentence: string;
}

/** Opens it: of an address that nobody named, another port will do when it is taken. */
export async function openHttpFace(
  plan: HttpPlan,
  commands: readonly Command[],
  mesh: Promise<Mesh>,
  gate: Gate = new Gate(),
): Promise<HttpFace> {
  const { address, tokenFile, isNamed, name, tls } = plan;
  const token = tokenFile === undefined ? randomToken() : tokenFromFile(tokenFile);
  const open = (at: ListenAddress): Promise<HttpServer> =>
    HttpServer.open({ address: at, token, commands, mesh, gate, name, tls });
  try {
    const server = await open(address);
    return { server, sentence: sentenceOf(server, gate) };
  } catch (error) {
    if (isNamed || codeOf(error) !== "CONSOLE_PORT_TAKEN") throw error;
    const server = await open({ ...address, port: 0 });
    return { server, sentence: `port ${address.port} is taken; ${sentenceOf(server, gate)}` };
  }
}

/** Where the page is. Where only a login lets in and nobody could log in yet, the first operator is invited. */
function sentenceOf(server: HttpServer, gate: Gate): string {
  const isInvited = gate.options.requireLogin === true && !gate.logins.isEnrolled;
  if (!isInvited || server.loginOrigin === "") {
    const isOpen = gate.tokenRole !== "none";
    return `dashboard ${isOpen ? server.url : `${server.loginOrigin || server.origin}/`}`;
  }
  const word = gate.logins.invite(FIRST_OPERATOR, "admin");
  const minutes = INVITED_MS / 60_000;
  return (
    `dashboard ${server.loginOrigin}/#invitation=${word} enrols the first operator, once, within ${minutes} minutes ` +
    "(another: operators invite)"
  );
}

/** Whoever starts the mesh; they may name others. */
const FIRST_OPERATOR = "operator";
