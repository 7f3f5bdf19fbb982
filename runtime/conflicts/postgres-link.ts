import { MeshError } from "../../actors/errors.ts";
import {
  loadPostgres,
  type PgClient,
  type PgConfig,
  type PgPool,
  type PgRow,
  type PgValue,
} from "../machine/postgres.ts";
import { STORE_PASSWORD, type StorePlan } from "../plan/store-plan.ts";
import {
  migrate,
  SCHEMA_NAME,
  SCHEMA_VERSION,
  schemaVersion,
  serverFacts,
} from "./postgres-schema.ts";

const CONNECT_MS = 5_000;
/** A write that takes longer is given up, and its connection with it. */
const WRITE_MS = 10_000;
const READ_MS = 60_000;
const KEEP_ALIVE_MS = 10_000;
/** First server that has what the tables need. */
const LEAST_SERVER = 130_000;
/** A process that was killed has left its lock behind for as long as the server has not noticed, ms. */
const LOCK_MS = 1_000;
const LOCK_TRY_MS = 100;

/** Hears whether the store can be reached: undefined, or what is wrong. */
export type LinkListener = (trouble: MeshError | undefined) => void;

/**
 * The connections to a store: a bounded pool that reads, and one that writes, which holds the lock on the name of its
 * node. The writing one is made anew when it is asked for after it was lost; all errors are sentences that name the
 * store and what was expected of it.
 */
export class PostgresLink {
  readonly #plan: StorePlan;
  readonly #node: string;
  readonly #listener: LinkListener;
  readonly #pool: PgPool;
  #writer: PgClient | undefined;
  #closed = false;
  #trouble: MeshError | undefined;

  constructor(plan: StorePlan, node: string, listener: LinkListener = () => {}) {
    this.#plan = plan;
    this.#node = node;
    this.#listener = listener;
    this.#pool = new (loadPostgres().Pool)({ ...this.#config(READ_MS), max: plan.connections });
    // An idle connection that was lost is replaced when it is needed; the writing one tells of the outage.
    this.#pool.on("error", () => {});
  }

  /** What is wrong, while the store cannot be reached. */
  get trouble(): MeshError | undefined {
    return this.#trouble;
  }

  /** Asks through the pool. */
  async read(text: string, values: readonly PgValue[] = []): Promise<readonly PgRow[]> {
    try {
      return (await this.#pool.query(numbered(text), values)).rows;
    } catch (error) {
      throw this.#spoken(error);
    }
  }

  /** The connection that writes, if there is one. */
  get writer(): PgClient | undefined {
    return this.#writer;
  }

  /** Makes the connection that writes: tables of the right version, alone under the name of its node. */
  async connect(): Promise<PgClient> {
    let client: PgClient | undefined;
    try {
      client = this.#newClient();
      await client.connect();
      await this.#prepare(client);
    } catch (error) {
      if (client !== undefined) destroy(client);
      const spoken = this.#spoken(error);
      this.#say(spoken);
      throw spoken;
    }
    if (this.#closed) {
      destroy(client);
      throw this.#error("it was closed while it was being reached");
    }
    this.#writer = client;
    this.#say(undefined);
    return client;
  }

  /** It reads files of certificates, if the address names some. */
  #newClient(): PgClient {
    const client = new (loadPostgres().Client)(this.#config(WRITE_MS));
    const lost = (): void => {
      if (this.#writer === client) this.drop(new Error("the connection was lost"));
    };
    client.on("error", lost);
    client.on("end", lost);
    return client;
  }

  /** Lets go of the connection that writes, as it is not fit for another word. */
  drop(error: unknown): MeshError {
    const spoken = this.#spoken(error);
    const client = this.#writer;
    this.#writer = undefined;
    if (client !== undefined) destroy(client);
    if (!this.#closed) this.#say(spoken);
    return spoken;
  }

  /** What the error of a write means; a connection that did not survive it is let go of. */
  failed(error: unknown): MeshError {
    return isOfServer(error) ? this.#spoken(error) : this.drop(error);
  }

  async close(): Promise<void> {
    this.#closed = true;
    const writer = this.#writer;
    this.#writer = undefined;
    // What does not answer now will not answer: the process ends all the same.
    const ended = Promise.all([writer?.end(), this.#pool.end()]).catch(() => {});
    await Promise.race([ended, pause(CONNECT_MS)]);
  }

  async #prepare(client: PgClient): Promise<void> {
    const { encoding, sync, version, replica } = await serverFacts(client);
    if (Number(version) < LEAST_SERVER)
      throw this.#error(
        `expected PostgreSQL 13 or later, got ${Math.floor(Number(version) / 1e4)}`,
      );
    if (encoding !== "UTF8")
      throw this.#error(`expected a database of encoding UTF8, got ${String(encoding)}`);
    if (replica === true) throw this.#error("expected a server that takes writes, got a replica");
    // Each session may have it otherwise: an answer would then not say that anything is on disk.
    if (sync === "off") await client.query("SET synchronous_commit = on");
    // So that a server forgets us soon after our machine went away, and our lock with us.
    await client.query(
      "SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3",
    );
    await migrate(client);
    await this.#lock(client);
  }

  async #lock(client: PgClient): Promise<void> {
    for (let waited = 0; ; waited += LOCK_TRY_MS) {
      const { rows } = await client.query(
        "SELECT pg_try_advisory_lock(hashtextextended($1, 30)) AS got",
        [`mesh-30k/${this.#node}`],
      );
      if (rows[0].got === true) return;
      if (waited >= LOCK_MS)
        throw new MeshError(
          "MESH_DATA_IN_USE",
          `store.node: another process writes as node ${this.#node} to ${this.#plan.shown}; ` +
            "give each node a name of its own",
        );
      await pause(LOCK_TRY_MS);
    }
  }

  #say(trouble: MeshError | undefined): void {
    if (trouble?.message === this.#trouble?.message) return;
    this.#trouble = trouble;
    this.#listener(trouble);
  }

  #config(queryMs: number): PgConfig {
    return {
      connectionString: this.#plan.url,
      application_name: `mesh-30k ${this.#node}`,
      connectionTimeoutMillis: CONNECT_MS,
      query_timeout: queryMs,
      keepAlive: true,
      keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
    };
  }

  #error(sentence: string, cause?: unknown): MeshError {
    return new MeshError("MESH_STORE", `store ${this.#plan.shown}: ${sentence}`, { cause });
  }

  #spoken(error: unknown): MeshError {
    if (error instanceof MeshError) return error;
    return this.#error(sentenceFor(error as PgFailure, this.#plan.hasPassword), error);
  }
}

interface PgFailure {
  readonly code?: string;
  readonly message: string;
}

/** Whether the server has answered, and goes on: the error has a code of SQL, and not one of an end. */
function isOfServer(error: unknown): boolean {
  const { code } = error as PgFailure;
  return typeof code === "string" && /^[0-9A-Z]{5}$/.test(code) && !/^(08|57P|53|25006)/.test(code);
}

/** The table of what goes wrong with servers, in words that say what to do. */
function sentenceFor({ code = "", message }: PgFailure, hasPassword: boolean): string {
  switch (code) {
    case "ECONNREFUSED":
      return "expected a PostgreSQL server there, got nobody: the connection was refused";
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return "expected the name of a machine, got one that nobody knows";
    case "28000":
      return /client certificate/.test(message)
        ? "expected a certificate of its authority (sslcert and sslkey in the address), got none"
        : `expected to be let in by its pg_hba.conf, got a refusal: ${message}`;
    case "28P01":
      return hasPassword
        ? "expected a user and a password that the server knows, got others"
        : `expected a password (${STORE_PASSWORD}), got none`;
    case "3D000":
      return "expected a database that exists, got none of this name";
    case "42501":
      return (
        `expected a role that may read and append in ${SCHEMA_NAME} (docs/deployment.md has its grants), ` +
        `or one that may make its tables: ${message}`
      );
    case "53300":
      return "expected room for one more connection, got none (max_connections of the server)";
    case "57P03":
      return "expected a server that takes connections, got one that starts or stops";
    case "":
      if (/password must be a (non-empty )?string/.test(message))
        return `expected a password (${STORE_PASSWORD}), got none`;
      if (/timeout/i.test(message)) return "expected an answer within its time, got none";
      return `the connection broke: ${message}`;
    default:
      return message === "" ? code : `${message} (${code})`;
  }
}

/** Places are numbers in PostgreSQL. */
function numbered(text: string): string {
  let place = 0;
  return text.replaceAll("?", () => `$${++place}`);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}

/** At once: a server that stands still would not take leave either. */
function destroy(client: PgClient): void {
  const { connection } = client as { connection?: { stream?: { destroy(): void } } };
  connection?.stream?.destroy();
  client.end().catch(() => {});
}

/** For one who only reads: the tables must be there, in a version that this program knows. */
export async function mustBeReadable(link: PostgresLink, shown: string): Promise<void> {
  const version = await schemaVersion({
    query: async (text) => ({ rows: await link.read(text) }),
  });
  if (version === SCHEMA_VERSION) return;
  const got = version === 0 ? "none" : `version ${version}`;
  throw new MeshError(
    "MESH_STORE",
    `store ${shown}: expected the tables of a mesh (version ${SCHEMA_VERSION}), got ${got}`,
  );
}
