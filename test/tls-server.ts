// A real nats-server that takes only who has a certificate of its authority, and a client of it in a few lines.
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { natsProgram } from "../bench/nats-server.ts";
import { until } from "./mesh.ts";

export interface TlsServer extends AsyncDisposable {
  readonly port: number;
  /** Reads its certificates again, while clients stay connected. */
  reload(): Promise<void>;
}

/** Starts it on a port of its choice; `certs` is the folder of the certificates. */
export async function startTlsServer(certs: string, folder: string): Promise<TlsServer> {
  const config = join(folder, "nats.conf");
  // The one that a deployment has, with the folders and the port of this test.
  const deployed = readFileSync(new URL("../deploy/nats.conf", import.meta.url), "utf8");
  const places = [
    ["0.0.0.0:4222", "127.0.0.1:-1"],
    ["/etc/nats/certs", certs],
    ['"/data"', JSON.stringify(join(folder, "jetstream"))],
  ] as const;
  writeFileSync(
    config,
    places.reduce((text, [from, to]) => text.replaceAll(from, to), deployed),
  );
  const server: ChildProcess = spawn(natsProgram(), ["-c", config], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  server.stderr?.setEncoding("utf8").on("data", (text) => {
    said += text;
  });
  const seen = await until("nats-server", () =>
    server.exitCode !== null
      ? "ended"
      : /Server is ready/.test(said) &&
        /Listening for client connections on [^ ]*:(\d+)/.exec(said)?.[1],
  );
  if (seen === "ended") throw new Error(`nats-server ended: ${said}`);
  return {
    port: Number(seen),
    reload: async () => {
      const before = said.split("Reloaded server configuration").length;
      server.kill("SIGHUP");
      await until("reloaded", () => said.split("Reloaded server configuration").length > before);
    },
    [Symbol.asyncDispose]: async () => {
      const gone = new Promise((resolve) => server.once("exit", resolve));
      if (server.exitCode === null && server.kill("SIGKILL")) await gone;
    },
  };
}

/** What a client has to show, and whom it trusts: PEM files. */
export interface Shown {
  readonly own?: string;
  readonly ca: string;
  /** Under which name it thinks to reach the server; default localhost. */
  readonly host?: string;
}

/** A connection of the real protocol: INFO in the open, then TLS, CONNECT and PING. Resolves when PONG has come. */
export async function pingServer(
  port: number,
  { own, ca, host = "localhost" }: Shown,
): Promise<void> {
  const plain = connect(port, "127.0.0.1");
  try {
    await new Promise<void>((resolve, reject) => {
      plain.once("error", reject);
      plain.once("data", () => resolve());
    });
    const mine = own === undefined ? {} : { cert: readFileSync(own), key: readFileSync(own) };
    const secure = connectTls({ socket: plain, ca: readFileSync(ca), servername: host, ...mine });
    await new Promise<void>((resolve, reject) => {
      let heard = "";
      secure.once("error", reject);
      secure.once("close", () => reject(new Error(`closed after ${JSON.stringify(heard)}`)));
      secure.once("secureConnect", () =>
        secure.write('CONNECT {"verbose":false,"tls_required":true,"lang":"node"}\r\nPING\r\n'),
      );
      secure.on("data", (bytes) => {
        heard += bytes;
        if (heard.includes("PONG")) resolve();
      });
    });
  } finally {
    plain.destroy();
  }
}
