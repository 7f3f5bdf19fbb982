-- The tables of a mesh's store in PostgreSQL, and a role that may read and append, no more. For their owner,
-- once, in an empty database: psql -v ON_ERROR_STOP=1 -f postgres-tables.sql mesh. Made by `npm run tables`.
BEGIN;
SELECT pg_advisory_xact_lock(3030, 30000);
CREATE SCHEMA mesh_30k;
CREATE TABLE mesh_30k.migrations (version INTEGER PRIMARY KEY, done_at TIMESTAMPTZ NOT NULL DEFAULT now());

CREATE TABLE mesh_30k.log (
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
CREATE INDEX log_conflict ON mesh_30k.log (conflict_id, kind, place) WHERE conflict_id IS NOT NULL;
CREATE INDEX log_kind ON mesh_30k.log (kind, place);
CREATE INDEX log_at ON mesh_30k.log (at_ms) WHERE at_ms IS NOT NULL;
CREATE INDEX log_agent ON mesh_30k.log (agent, place) WHERE agent IS NOT NULL;
CREATE INDEX log_item ON mesh_30k.log (item_id, place) WHERE item_id IS NOT NULL;

CREATE FUNCTION mesh_30k.log_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the log of conflicts is append-only: % is refused', TG_OP
    USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE FUNCTION mesh_30k.log_chain() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  last_seq BIGINT;
  last_hash TEXT;
BEGIN
  SELECT l.seq, l.hash INTO last_seq, last_hash FROM mesh_30k.log l
    WHERE l.node = NEW.node ORDER BY l.seq DESC LIMIT 1;
  IF NEW.seq <> coalesce(last_seq, 0) + 1 THEN
    RAISE EXCEPTION 'the log of conflicts is append-only: entry % of node % does not follow entry %',
      NEW.seq, NEW.node, coalesce(last_seq, 0) USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  IF NEW.hash <> encode(sha256(convert_to(
    coalesce(last_hash, repeat('0', 64)) || NEW.seq || E'\n' || NEW.body, 'UTF8')), 'hex') THEN
    RAISE EXCEPTION 'the hash of entry % of node % is not that of its text behind entry %',
      NEW.seq, NEW.node, coalesce(last_seq, 0) USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER log_no_change BEFORE UPDATE OR DELETE ON mesh_30k.log
  FOR EACH ROW EXECUTE FUNCTION mesh_30k.log_refuse();
CREATE TRIGGER log_no_truncate BEFORE TRUNCATE ON mesh_30k.log
  FOR EACH STATEMENT EXECUTE FUNCTION mesh_30k.log_refuse();
CREATE TRIGGER log_chained BEFORE INSERT ON mesh_30k.log
  FOR EACH ROW EXECUTE FUNCTION mesh_30k.log_chain();
ALTER TABLE mesh_30k.log ENABLE ALWAYS TRIGGER log_no_change;
ALTER TABLE mesh_30k.log ENABLE ALWAYS TRIGGER log_no_truncate;
ALTER TABLE mesh_30k.log ENABLE ALWAYS TRIGGER log_chained;

CREATE TABLE mesh_30k.held (
  conflict_id TEXT COLLATE "C" PRIMARY KEY,
  node TEXT COLLATE "C" NOT NULL,
  at_ms DOUBLE PRECISION NOT NULL,
  bytes BIGINT NOT NULL,
  data TEXT NOT NULL
);
CREATE INDEX held_at ON mesh_30k.held (node, at_ms);
INSERT INTO mesh_30k.migrations (version) VALUES (1);

DO $$ BEGIN CREATE ROLE mesh_writer; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
GRANT USAGE ON SCHEMA mesh_30k TO mesh_writer;
GRANT SELECT ON mesh_30k.migrations TO mesh_writer;
GRANT SELECT, INSERT ON mesh_30k.log TO mesh_writer;
GRANT SELECT, INSERT, DELETE ON mesh_30k.held TO mesh_writer;
COMMIT;
