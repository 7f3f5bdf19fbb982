/** A PostgreSQL database that several nodes keep their log of conflicts in. */
export interface StoreOptions {
  /**
   * `postgres://user@host[:port]/database`, with `?sslmode=verify-full&sslrootcert=ca.pem` for TLS. The password stands
   * there, in `password`, or in the variable MESH_STORE_PASSWORD.
   */
  readonly url: string;
  readonly password?: string;
  /**
   * Name of this node, under which its chain of entries goes on: 1 to 64 of `a-z A-Z 0-9 . _ -`. Default: one that is
   * made once and kept in the `dataDir`, without a folder a new one each time.
   */
  readonly node?: string;
  /** Connections that read, 1 to 100; one more writes. Default 4. */
  readonly connections?: number;
}

/** Where the log of conflicts is kept, and whether it can be reached. */
export interface StoreStatus {
  readonly kind: "memory" | "sqlite" | "postgres";
  /** Path of the folder, or address of the database without its password; absent of memory. */
  readonly at?: string;
  /** Name of this node in a store that several share. */
  readonly node?: string;
  /** False while it cannot be read or written: entries wait, within bounds. */
  readonly reachable: boolean;
  /** What is wrong, and since when, ms since the epoch; absent while it is reachable. */
  readonly trouble?: { readonly sinceMs: number; readonly error: string };
  /** Entries that wait to be written, of at most 20,000. */
  readonly waiting: number;
  /** Conflicts that are known by their number only: they came while there was no room left to wait in. */
  readonly lost: number;
}
