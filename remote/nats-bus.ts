/** Words between nodes over a NATS server: core NATS for what they say, a JetStream bucket for their records. */
import { MeshError } from "../actors/errors.ts";
import type { Log } from "../actors/ports.ts";
import type { NodeOptions } from "../runtime/api/node-api.ts";
import type { LeaseWrite, LeaseWritten, NodeRecord, PostRecord } from "./lease-records.ts";
import { connectNats, type NatsConnection, noClient, wordsOf } from "./nats-transport.ts";
import type { NodeBus, RecordListener } from "./node-bus.ts";

type KvModule = typeof import("@nats-io/kv");
type Bucket = Awaited<ReturnType<InstanceType<KvModule["Kvm"]>["create"]>>;

/** Between two tries to reach the server, or its JetStream, ms. */
const AGAIN_MS = 250;
/** A record is written within this time, or nobody knows whether it was, ms. */
const WRITE_MS = 2_000;
/** States that nobody has taken over are forgotten, ms. */
const STATES_MS = 86_400_000;
/** For the first connection, and for the bucket at the start, ms. */
const CONNECT_MS = 5_000;
/** What the server says when a record is not of the revision that was named. */
const WRONG_REVISION = 10_071;

const PACKAGES = "@nats-io/transport-node @nats-io/kv";

async function loadKv(): Promise<KvModule> {
  try {
    return await import("@nats-io/kv");
  } catch (error) {
    throw noClient("nodes.join", PACKAGES, error);
  }
}

/**
 * Connects to the server and opens the bucket of the mesh `name`. MeshError MESH_JOIN when it cannot be reached or has
 * no JetStream, MESH_NO_NATS when its client is not installed.
 */
export async function openNatsBus(options: NodeOptions, name: string, log: Log): Promise<NodeBus> {
  const kv = await loadKv();
  const servers = typeof options.join === "string" ? options.join.split(",") : [...options.join];
  let connection: NatsConnection;
  try {
    connection = await connectNats("nodes", PACKAGES, servers, options, {
      name: `mesh-30k ${options.name ?? ""}`,
      reconnectTimeWait: AGAIN_MS,
      timeout: CONNECT_MS,
    });
  } catch (error) {
    if (error instanceof MeshError) throw error;
    throw new MeshError("MESH_JOIN", `nodes.join: ${servers.join(", ")}: ${wordsOf(error)}`, {
      cause: error,
    });
  }
  const bus = new NatsBus(connection, kv, name, log);
  try {
    await bus.open();
  } catch (error) {
    await bus.close();
    throw new MeshError(
      "MESH_JOIN",
      `nodes.join: expected a server with JetStream (nats-server -js), got: ${wordsOf(error)}`,
      { cause: error },
    );
  }
  return bus;
}

class NatsBus implements NodeBus {
  readonly #connection: NatsConnection;
  readonly #kv: KvModule;
  readonly #name: string;
  readonly #log: Log;
  #bucket: Bucket | undefined;
  /** When the server made the bucket: another one is of another time. */
  #created = "";
  #listener: RecordListener | undefined;
  #connected = true;
  #closed = false;
  /** Of the watch that counts; those before it are over. */
  #watching = 0;

  constructor(connection: NatsConnection, kv: KvModule, name: string, log: Log) {
    this.#connection = connection;
    this.#kv = kv;
    this.#name = name;
    this.#log = log;
  }

  get connected(): boolean {
    return this.#connected;
  }

  get maxBytes(): number {
    return this.#connection.info?.max_payload ?? 1024 * 1024;
  }

  async open(): Promise<void> {
    await this.#openBucket();
    this.#follow().catch((error) => this.#log.error({ error: wordsOf(error) }, "nats"));
  }

  async #openBucket(): Promise<void> {
    const manager = new this.#kv.Kvm(this.#connection);
    const bucket = await manager.create(this.#name, { history: 1, timeout: WRITE_MS });
    const { streamInfo } = await bucket.status();
    const created = String(streamInfo.created);
    const isAnother = this.#created !== "" && created !== this.#created;
    this.#created = created;
    this.#bucket = bucket;
    if (isAnother) this.#listener?.onReset();
  }

  /** Opens the bucket again whenever the server is back: it may be another server, or one that lost its memory. */
  async #follow(): Promise<void> {
    for await (const { type } of this.#connection.status()) {
      if (type === "disconnect") {
        this.#connected = false;
        this.#log.warn({}, "the NATS server does not answer: this node carries on alone");
        this.#listener?.onConnection(false);
      } else if (type === "reconnect") {
        this.#log.info({}, "the NATS server is back");
        this.#reopen();
      }
    }
  }

  async #reopen(): Promise<void> {
    const watching = ++this.#watching;
    while (!this.#closed && watching === this.#watching) {
      try {
        await this.#openBucket();
        await this.#watch();
        this.#connected = true;
        this.#listener?.onConnection(true);
        return;
      } catch (error) {
        this.#log.debug({ error: wordsOf(error) }, "JetStream does not answer yet");
        await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
      }
    }
  }

  publish(subject: string, bytes: Uint8Array): void {
    // While nothing is connected the client would keep it, without a bound, and send it too late.
    if (!this.#connected || this.#closed) return;
    this.#connection.publish(`mesh30k.${this.#name}.${subject}`, bytes);
  }

  subscribe(subject: string, listener: (bytes: Uint8Array, subject: string) => void): void {
    const prefix = `mesh30k.${this.#name}.`;
    this.#connection.subscribe(prefix + subject, {
      callback: (error, message) => {
        if (error === null) listener(message.data, message.subject.slice(prefix.length));
        else this.#log.error({ subject, error: wordsOf(error) }, "nats subscription");
      },
    });
  }

  async write({ key, value, revision }: LeaseWrite): Promise<LeaseWritten> {
    const bucket = this.#bucket;
    if (bucket === undefined || !this.#connected) return { ok: false, why: "unknown" };
    const bytes = new TextEncoder().encode(JSON.stringify(value));
    try {
      const options = { previousSeq: revision, timeout: WRITE_MS };
      return { ok: true, revision: await bucket.put(key, bytes, options) };
    } catch (error) {
      const { code } = error as { code?: number };
      if (code === WRONG_REVISION || /wrong last sequence/i.test(wordsOf(error)))
        return { ok: false, why: "conflict" };
      this.#log.warn({ key, error: wordsOf(error) }, "a record was not written");
      return { ok: false, why: "unknown" };
    }
  }

  async watch(listener: RecordListener): Promise<void> {
    this.#listener = listener;
    this.#watching++;
    await this.#watch();
  }

  async #watch(): Promise<void> {
    const bucket = this.#bucket as Bucket;
    const watching = this.#watching;
    for await (const key of await bucket.keys()) {
      const entry = await bucket.get(key);
      if (entry !== null && entry.operation === "PUT") this.#tell(entry);
    }
    const changes = await bucket.watch();
    const follow = async (): Promise<void> => {
      for await (const entry of changes) {
        if (watching !== this.#watching || this.#closed) break;
        if (entry.operation === "PUT") this.#tell(entry);
      }
    };
    follow().catch((error) => this.#log.debug({ error: wordsOf(error) }, "a watch has ended"));
  }

  #tell(entry: { key: string; value: Uint8Array; revision: number }): void {
    let value: NodeRecord | PostRecord;
    try {
      value = JSON.parse(new TextDecoder().decode(entry.value));
    } catch {
      this.#log.warn({ key: entry.key }, "a record that is no JSON");
      return;
    }
    this.#listener?.onEntry(entry.key, value, entry.revision);
  }

  async keep(name: string, bytes: Uint8Array): Promise<boolean> {
    try {
      await (await this.#states()).put(name, bytes);
      return true;
    } catch (error) {
      this.#log.warn({ name, error: wordsOf(error) }, "states could not be kept");
      return false;
    }
  }

  async kept(name: string): Promise<Uint8Array | undefined> {
    try {
      return (await (await this.#states()).get(name))?.value;
    } catch (error) {
      this.#log.warn({ name, error: wordsOf(error) }, "states could not be had");
      return undefined;
    }
  }

  /** A bucket of its own, which nobody watches; what nobody has taken is gone after a day. */
  #states(): Promise<Bucket> {
    const manager = new this.#kv.Kvm(this.#connection);
    return manager.create(`${this.#name}-states`, {
      history: 1,
      ttl: STATES_MS,
      timeout: WRITE_MS,
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#connected = false;
    this.#watching++;
    await this.#connection.close();
  }
}
