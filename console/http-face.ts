/** The HTTP face of a `start`: where it listens, and what is said of it. */
import type { Mesh } from "../runtime/api/mesh-api.ts";
import type { Command } from "./command/command.ts";
import { isLoopback, type ListenAddress } from "./command/listen-address.ts";
import { randomToken, tokenFromFile } from "./http/http-token.ts";
import { HttpServer } from "./http-server.ts";
import { codeOf } from "./terminal/exit.ts";

/** What a start is told of it. */
export interface HttpPlan {
  readonly address: ListenAddress;
  readonly tokenFile: string | undefined;
  /** Somebody named this address; it is then an error when it is taken. */
  readonly isNamed: boolean;
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
): Promise<HttpFace> {
  const { address, tokenFile, isNamed } = plan;
  const token = tokenFile === undefined ? randomToken() : tokenFromFile(tokenFile);
  const open = (at: ListenAddress): Promise<HttpServer> =>
    HttpServer.open({ address: at, token, commands, mesh });
  try {
    const server = await open(address);
    const warning = isLoopback(address.host)
      ? ""
      : "; it listens beyond this machine, and what it says is not encrypted";
    return { server, sentence: `dashboard ${server.url}${warning}` };
  } catch (error) {
    if (isNamed || codeOf(error) !== "CONSOLE_PORT_TAKEN") throw error;
    const server = await open({ ...address, port: 0 });
    return { server, sentence: `port ${address.port} is taken; dashboard ${server.url}` };
  }
}
