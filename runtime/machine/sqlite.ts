import { createRequire } from "node:module";
import { MeshError } from "../../actors/errors.ts";

/** A prepared statement; parameters go by their place. */
export interface SqliteStatement {
  run(...parameters: readonly SqliteValue[]): unknown;
  get(...parameters: readonly SqliteValue[]): Record<string, SqliteValue> | undefined;
  all(...parameters: readonly SqliteValue[]): Record<string, SqliteValue>[];
}

/** What a column holds, as far as the mesh uses them. */
export type SqliteValue = string | number | null;

/** An open database: what `node:sqlite` and `libsql` have in common, done at once on the calling thread. */
export interface SqliteDatabase {
  exec(sql: string): void;
  prepare(sql: string): SqliteStatement;
  close(): void;
}

/**
 * Opens a database file, made when missing unless it is to be read only. By the Node's own SQLite where it has one
 * (22.13 and later), else by the package `libsql`. MESH_NO_SQLITE when there is neither.
 */
export function openSqlite(
  path: string,
  options: { readonly readOnly?: boolean } = {},
): SqliteDatabase {
  const { readOnly = false } = options;
  const own = ownSqlite();
  if (own !== undefined) return new own.DatabaseSync(path, { readOnly });
  return new (packagedSqlite())(path, { readonly: readOnly });
}

interface OwnSqlite {
  readonly DatabaseSync: new (path: string, options: { readOnly: boolean }) => SqliteDatabase;
}
type PackagedSqlite = new (path: string, options: { readonly: boolean }) => SqliteDatabase;

/** First Node whose SQLite needs no flag. */
const OWN_FROM: readonly [number, number] = [22, 13];

function ownSqlite(): OwnSqlite | undefined {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major < OWN_FROM[0] || (major === OWN_FROM[0] && minor < OWN_FROM[1])) return undefined;
  return process.getBuiltinModule("node:sqlite") as OwnSqlite | undefined;
}

function packagedSqlite(): PackagedSqlite {
  const load = createRequire(import.meta.url);
  try {
    return load("libsql") as PackagedSqlite;
  } catch (error) {
    throw new MeshError(
      "MESH_NO_SQLITE",
      "a mesh with a data folder needs SQLite: install the package libsql, or run on Node 22.13 or later",
      { cause: error },
    );
  }
}
