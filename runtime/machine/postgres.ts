import { createRequire } from "node:module";
import { MeshError } from "../../actors/errors.ts";

/** What PostgreSQL takes as a value of a place; a list is one of its arrays. */
export type PgValue = string | number | null | readonly (string | number | null)[];

/** A row by its columns; `bigint` comes as text. */
export type PgRow = Readonly<Record<string, unknown>>;

/** One connection. */
export interface PgClient {
  connect(): Promise<unknown>;
  query(text: string, values?: readonly PgValue[]): Promise<{ readonly rows: readonly PgRow[] }>;
  end(): Promise<void>;
  on(event: "error" | "end", listener: (error?: Error) => void): unknown;
}

/** Connections that are made when they are needed, so many at most. */
export interface PgPool {
  query(text: string, values?: readonly PgValue[]): Promise<{ readonly rows: readonly PgRow[] }>;
  end(): Promise<void>;
  on(event: "error", listener: (error: Error) => void): unknown;
}

/** How a connection is made. Times in ms. */
export interface PgConfig {
  /** With the password in it. */
  readonly connectionString: string;
  /** What the server shows of this session. */
  readonly application_name: string;
  readonly connectionTimeoutMillis: number;
  /** A query that takes longer is given up; its connection is not fit for another. */
  readonly query_timeout: number;
  readonly keepAlive: boolean;
  readonly keepAliveInitialDelayMillis: number;
  /** Of a pool: how many at most. */
  readonly max?: number;
}

interface PgPackage {
  readonly Client: new (config: PgConfig) => PgClient;
  readonly Pool: new (config: PgConfig) => PgPool;
}

/** The client library, the package `pg`. MESH_NO_POSTGRES when it is not installed. */
export function loadPostgres(): PgPackage {
  const load = createRequire(import.meta.url);
  try {
    return load("pg") as PgPackage;
  } catch (error) {
    throw new MeshError(
      "MESH_NO_POSTGRES",
      "store: expected the package pg, which speaks to PostgreSQL, got none: npm install pg@8",
      { cause: error },
    );
  }
}
