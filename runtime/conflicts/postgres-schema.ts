/**
 * The tables of a log of conflicts in PostgreSQL, and how they come to be. What is searched by stands in columns beside
 * an entry's text and is computed by whoever writes it: text may have what PostgreSQL's own JSON refuses (`\u0000`).
 *
 *     log    node, seq ── one chain a node ── hash, body      order: the order of all nodes' entries
 *     held   the quarantine; rows may go, what the log says of them stays
 *
 * The database itself holds entries to the chain: one that does not follow the last one of its node by number and hash
 * is refused, and so is every change, removal and truncation, whoever asks.
 */
import { MeshError } from "../../actors/errors.ts";
import type { PgClient, PgRow } from "../machine/postgres.ts";
import type { LogDialect } from "./log-queries.ts";

export const SCHEMA_NAME = "mesh_30k";
export const POSTGRES_DIALECT: LogDialect = Object.freeze({
  log: `${SCHEMA_NAME}.log`,
  held: `${SCHEMA_NAME}.held`,
  order: "place",
  node: "node",
  state: (alias: string) => `${alias}.state`,
  act: (alias: string) => `${alias}.act`,
});

/** Of the advisory lock under which tables are made: "m3" and "30k", as numbers. */
const MIGRATION_LOCK = "3030, 30000";

const FIRST = `
  CREATE TABLE ${SCHEMA_NAME}.log (
    place BIGINT GENERATED ALWAYS AS IDENTITY UNIQUE,
    node TEXT COLLATE "C" NOT NULL,
    seq BIGINT NOT NULL,
    hash TEXT COLLATE "C" NOT NULL,
    body TEXT NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    conflict_id TEXT COLLATE "C",
    at_ms DOUBLE PRECISION,
    agent TEXT COLLATE "C",
    type TEXT COLLATE "C",
    priority INTEGER,
    item_id TEXT COLLATE "C",
    state TEXT COLLATE "C",
    act TEXT COLLATE "C",
    PRIMARY KEY (node, seq)
  );
  CREATE INDEX log_conflict ON ${SCHEMA_NAME}.log (conflict_id, kind, place) WHERE conflict_id IS NOT NULL;
  CREATE INDEX log_kind ON ${SCHEMA_NAME}.log (kind, place);
  CREATE INDEX log_at ON ${SCHEMA_NAME}.log (at_ms) WHERE at_ms IS NOT NULL;
  CREATE INDEX log_agent ON ${SCHEMA_NAME}.log (agent, place) WHERE agent IS NOT NULL;
  CREATE INDEX log_item ON ${SCHEMA_NAME}.log (item_id, place) WHERE item_id IS NOT NULL;

  CREATE FUNCTION ${SCHEMA_NAME}.log_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    RAISE EXCEPTION 'the log of conflicts is append-only: % is refused', TG_OP
      USING ERRCODE = 'integrity_constraint_violation';
  END $$;
  CREATE FUNCTION ${SCHEMA_NAME}.log_chain() RETURNS trigger LANGUAGE plpgsql AS $$
  DECLARE
    last_seq BIGINT;
    last_hash TEXT;
  BEGIN
    SELECT l.seq, l.hash INTO last_seq, last_hash FROM ${SCHEMA_NAME}.log l
      WHERE l.node = NEW.node ORDER BY l.seq DESC LIMIT 1;
    IF NEW.seq <> coalesce(last_seq, 0) + 1 THEN
      RAISE EXCEPTION 'the log of conflicts is append-only: entry % of node % does not follow entry %',
        NEW.seq, NEW.node, coalesce(last_seq, 0) USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF NEW.hash <> encode(sha256(convert_to(
      coalesce(last_hash, repeat('0', 64)) || NEW.seq || E'\\n' || NEW.body, 'UTF8')), 'hex') THEN
      RAISE EXCEPTION 'the hash of entry % of node % is not that of its text behind entry %',
        NEW.seq, NEW.node, coalesce(last_seq, 0) USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER log_no_change BEFORE UPDATE OR DELETE ON ${SCHEMA_NAME}.log
    FOR EACH ROW EXECUTE FUNCTION ${SCHEMA_NAME}.log_refuse();
  CREATE TRIGGER log_no_truncate BEFORE TRUNCATE ON ${SCHEMA_NAME}.log
    FOR EACH STATEMENT EXECUTE FUNCTION ${SCHEMA_NAME}.log_refuse();
  CREATE TRIGGER log_chained BEFORE INSERT ON ${SCHEMA_NAME}.log
    FOR EACH ROW EXECUTE FUNCTION ${SCHEMA_NAME}.log_chain();
  ALTER TABLE ${SCHEMA_NAME}.log ENABLE ALWAYS TRIGGER log_no_change;
  ALTER TABLE ${SCHEMA_NAME}.log ENABLE ALWAYS TRIGGER log_no_truncate;
  ALTER TABLE ${SCHEMA_NAME}.log ENABLE ALWAYS TRIGGER log_chained;

  CREATE TABLE ${SCHEMA_NAME}.held (
    conflict_id TEXT COLLATE "C" PRIMARY KEY,
    node TEXT COLLATE "C" NOT NULL,
    at_ms DOUBLE PRECISION NOT NULL,
    bytes BIGINT NOT NULL,
    data TEXT NOT NULL
  );
  CREATE INDEX held_at ON ${SCHEMA_NAME}.held (node, at_ms);
`;

const MIGRATIONS_TABLE =
  `CREATE TABLE ${SCHEMA_NAME}.migrations ` +
  "(version INTEGER PRIMARY KEY, done_at TIMESTAMPTZ NOT NULL DEFAULT now())";

/** In their order; a version is never changed once it has been released, the next one changes what it made. */
const MIGRATIONS: readonly string[] = Object.freeze([FIRST]);

/** Version that this program reads and writes. */
export const SCHEMA_VERSION: number = MIGRATIONS.length;

/** The role that a mesh can write as: it may read and append, no more. */
export const WRITER_ROLE = "mesh_writer";

/** All of it as SQL for the owner of an empty database, with the role of those who only write. */
export function schemaSql(): string {
  const steps = MIGRATIONS.map(
    (step, before) =>
      `${step.replace(/^ {2}/gm, "").trim()}\n` +
      `INSERT INTO ${SCHEMA_NAME}.migrations (version) VALUES (${before + 1});\n`,
  );
  return [
    "-- The tables of a mesh's store in PostgreSQL, and a role that may read and append, no more. For their owner,",
    "-- once, in an empty database: psql -v ON_ERROR_STOP=1 -f postgres-tables.sql mesh. Made by `npm run tables`.",
    "BEGIN;",
    `SELECT pg_advisory_xact_lock(${MIGRATION_LOCK});`,
    `CREATE SCHEMA ${SCHEMA_NAME};`,
    `${MIGRATIONS_TABLE};\n`,
    ...steps,
    `DO $$ BEGIN CREATE ROLE ${WRITER_ROLE}; EXCEPTION WHEN duplicate_object THEN NULL; END $$;`,
    `GRANT USAGE ON SCHEMA ${SCHEMA_NAME} TO ${WRITER_ROLE};`,
    `GRANT SELECT ON ${SCHEMA_NAME}.migrations TO ${WRITER_ROLE};`,
    `GRANT SELECT, INSERT ON ${SCHEMA_NAME}.log TO ${WRITER_ROLE};`,
    `GRANT SELECT, INSERT, DELETE ON ${SCHEMA_NAME}.held TO ${WRITER_ROLE};`,
    "COMMIT;\n",
  ].join("\n");
}

/** Version of the tables, 0 when there are none. */
export async function schemaVersion(db: Pick<PgClient, "query">): Promise<number> {
  // Of the catalog as it is now: a session remembers of names, within a transaction, that there was nothing.
  const { rows } = await db.query(
    `SELECT EXISTS (SELECT 1 FROM pg_catalog.pg_tables
       WHERE schemaname = '${SCHEMA_NAME}' AND tablename = 'migrations') AS made`,
  );
  if (rows[0].made !== true) return 0;
  const { rows: last } = await db.query(
    `SELECT coalesce(max(version), 0) AS version FROM ${SCHEMA_NAME}.migrations`,
  );
  return Number(last[0].version);
}

/**
 * Brings the tables to this program's version, all steps or none. Of several that begin at once one does it, and the
 * others wait and find it done. MESH_STORE when the tables are of a newer program.
 */
export async function migrate(db: PgClient): Promise<void> {
  if ((await mustKnow(db)) === SCHEMA_VERSION) return;
  await db.query("BEGIN");
  try {
    await db.query(`SELECT pg_advisory_xact_lock(${MIGRATION_LOCK})`);
    const version = await mustKnow(db);
    if (version === 0) {
      await db.query(`CREATE SCHEMA IF NOT EXISTS ${SCHEMA_NAME}`);
      await db.query(MIGRATIONS_TABLE);
    }
    for (let next = version + 1; next <= SCHEMA_VERSION; next++) {
      await db.query(MIGRATIONS[next - 1]);
      await db.query(`INSERT INTO ${SCHEMA_NAME}.migrations (version) VALUES ($1)`, [next]);
    }
    await db.query("COMMIT");
  } catch (error) {
    await db.query("ROLLBACK").catch(() => {});
    throw error;
  }
}

async function mustKnow(db: Pick<PgClient, "query">): Promise<number> {
  const version = await schemaVersion(db);
  if (version <= SCHEMA_VERSION) return version;
  throw new MeshError(
    "MESH_STORE",
    `store: expected tables of version ${SCHEMA_VERSION} or less, got ${version}: a newer mesh-30k made them`,
  );
}

/** What a store needs to know of how its server is set up: `encoding`, `sync`, `version`, `replica`. */
export async function serverFacts(db: Pick<PgClient, "query">): Promise<PgRow> {
  const { rows } = await db.query(
    `SELECT current_setting('server_encoding') AS encoding,
       current_setting('synchronous_commit') AS sync, current_setting('server_version_num') AS version,
       pg_is_in_recovery() AS replica`,
  );
  return rows[0];
}
