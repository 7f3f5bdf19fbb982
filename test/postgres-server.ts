// A real PostgreSQL of a test's own: its data in a folder that goes with the test, on a free port of this machine.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../bench/nats-server.ts";
import { pause, until } from "./mesh.ts";

/** User of the server and, of that user, the password. */
export const OWNER = "mesh_owner";
export const OWNER_PASSWORD = "an owner's secret/1";

/** Debian's folder of the programs; MESH_POSTGRES_BIN names another. Fails with what to install. */
function programs(): string {
  const named = process.env.MESH_POSTGRES_BIN;
  if (named) return named;
  const root = "/usr/lib/postgresql";
  const versions = existsSync(root)
    ? readdirSync(root)
        .map(Number)
        .sort((a, b) => b - a)
    : [];
  const found = versions.map((version) => join(root, String(version), "bin"));
  const bin = found.find((folder) => existsSync(join(folder, "initdb")));
  if (bin !== undefined) return bin;
  throw new Error(
    "these tests need a PostgreSQL server: apt-get install postgresql-15, or set MESH_POSTGRES_BIN to its bin folder",
  );
}

/** It refuses to run as root: then it runs as the user that Debian made for it, or as nobody. */
function otherUser(): { readonly uid: number; readonly gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const lines = readFileSync("/etc/passwd", "utf8").split("\n");
  const line = ["postgres", "nobody"].flatMap((name) =>
    lines.filter((text) => text.startsWith(`${name}:`)),
  )[0];
  const [, , uid, gid] = line.split(":");
  return { uid: Number(uid), gid: Number(gid) };
}

export class PostgresServer {
  readonly port: number;
  readonly #bin: string;
  readonly #folder: string;
  readonly #user = otherUser();
  #process: ChildProcess | undefined;

  readonly #durable: boolean;

  private constructor(port: number, durable: boolean) {
    this.port = port;
    this.#durable = durable;
    this.#bin = programs();
    this.#folder = mkdtempSync(join(tmpdir(), "mesh-postgres-"));
    chmodSync(this.#folder, 0o700);
    if (this.#user) chownSync(this.#folder, this.#user.uid, this.#user.gid);
  }

  /** Makes a cluster of databases and starts it. Not durable, it waits for no disk. */
  static async start(options: { readonly durable?: boolean } = {}): Promise<PostgresServer> {
    const server = new PostgresServer(await freePort(), options.durable ?? true);
    const secret = join(server.#folder, "password");
    writeFileSync(secret, OWNER_PASSWORD);
    if (server.#user) chownSync(secret, server.#user.uid, server.#user.gid);
    const made = spawnSync(
      join(server.#bin, "initdb"),
      ["-D", server.#data, "-U", OWNER, "-A", "scram-sha-256", `--pwfile=${secret}`].concat(
        "-E UTF8 --no-locale --no-sync --no-instructions".split(" "),
      ),
      { ...server.#user, cwd: server.#folder, encoding: "utf8" },
    );
    if (made.status !== 0)
      throw new Error(`initdb: ${made.error ?? ""}${made.stdout}${made.stderr}`);
    await server.run();
    return server;
  }

  get #data(): string {
    return join(this.#folder, "data");
  }

  /** Address of a database, without a password. */
  url(database = "postgres", user: string = OWNER): string {
    return `postgres://${user}@127.0.0.1:${this.port}/${database}`;
  }

  /** Starts it on what it has; resolves when it takes connections. */
  async run(): Promise<void> {
    const settings = [
      `port=${this.port}`,
      "listen_addresses=127.0.0.1",
      "unix_socket_directories=",
      "shared_buffers=16MB",
      "max_connections=60",
      ...(this.#durable ? [] : ["fsync=off", "full_page_writes=off"]),
    ];
    for (let tries = 0; ; tries++) {
      const server: ChildProcess = spawn(
        join(this.#bin, "postgres"),
        ["-D", this.#data, ...settings.flatMap((setting) => ["-c", setting])],
        { ...this.#user, cwd: this.#folder, stdio: ["ignore", "ignore", "pipe"] },
      );
      let said = "";
      server.stderr?.setEncoding("utf8").on("data", (text) => {
        said += text;
      });
      this.#process = server;
      const up = await until(
        "PostgreSQL",
        () =>
          server.exitCode !== null ? "ended" : / ready to accept connections/.test(said) && "up",
        20_000,
      );
      if (up === "up") return;
      // What a kill left of it may still be going.
      if (tries > 50) throw new Error(`PostgreSQL does not start: ${said}`);
      await pause(100);
    }
  }

  /** kill -9 of the server and of all its processes. */
  async kill(): Promise<void> {
    const server = this.#process;
    if (server?.pid === undefined) return;
    const children = readFileSync(`/proc/${server.pid}/task/${server.pid}/children`, "utf8");
    const gone = new Promise((resolve) => server.once("exit", resolve));
    for (const pid of [server.pid, ...children.split(" ").filter(Boolean).map(Number)]) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // It has ended by itself meanwhile.
      }
    }
    await gone;
    this.#process = undefined;
  }

  /** Statements by the owner of the server, through its own client; gives what they print. */
  sql(statements: string, database = "postgres"): string {
    const done = spawnSync(
      join(this.#bin, "psql"),
      ["-X", "-q", "-t", "-A", "-v", "ON_ERROR_STOP=1", "-d", this.url(database), "-c", statements],
      { encoding: "utf8", env: { ...process.env, PGPASSWORD: OWNER_PASSWORD } },
    );
    if (done.status === 0) return done.stdout.trim();
    throw new Error(`${done.error ?? ""}${done.stderr}`);
  }

  /** Has it take TLS only, from who shows a certificate of the authority in `folder`, as `certs` makes them. */
  requireCertificates(folder: string): void {
    for (const name of ["ca.pem", "server.pem"]) {
      const copy = join(this.#folder, name);
      copyFileSync(join(folder, name), copy);
      if (this.#user) chownSync(copy, this.#user.uid, this.#user.gid);
    }
    const rule = "hostssl all all 127.0.0.1/32 scram-sha-256 clientcert=verify-ca\n";
    writeFileSync(join(this.#data, "pg_hba.conf"), rule);
    const path = (name: string): string => join(this.#folder, name).replaceAll("'", "''");
    for (const setting of [
      `ssl_ca_file = '${path("ca.pem")}'`,
      `ssl_cert_file = '${path("server.pem")}'`,
      `ssl_key_file = '${path("server.pem")}'`,
      "ssl = on",
    ])
      appendFileSync(join(this.#data, "postgresql.conf"), `${setting}\n`);
    this.#process?.kill("SIGHUP");
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
