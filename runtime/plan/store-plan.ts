import { InvalidOptionError } from "../../actors/errors.ts";
import type { StoreOptions } from "../api/store-api.ts";

/** The variable that the password of the store is taken from, where the options have none. */
export const STORE_PASSWORD = "MESH_STORE_PASSWORD";
const EXPECTED = "postgres://user@host[:port]/database";
const NODE_NAME = /^[a-zA-Z0-9._-]{1,64}$/;
const CONNECTIONS = 4;
const MOST_CONNECTIONS = 100;

/** A store, read and checked. Plain data: it goes to the thread of the log. */
export interface StorePlan {
  /** With the password. */
  readonly url: string;
  /** The same for people: without any password. */
  readonly shown: string;
  readonly hasPassword: boolean;
  /** Undefined: the one that is kept in the data folder. */
  readonly node: string | undefined;
  readonly connections: number;
}

/** Checks the option `store`; InvalidOptionError names what is wrong, never a password. */
export function readStore(
  option: string | StoreOptions | undefined,
  env: Readonly<Record<string, string | undefined>>,
): StorePlan | undefined {
  if (option === undefined) return undefined;
  const given = typeof option === "string" ? { url: option } : option;
  if (typeof given !== "object" || given === null)
    throw new InvalidOptionError("store", given, `${EXPECTED}, or { url }`);
  const { node, connections = CONNECTIONS } = given;
  const url = readUrl(given.url);
  if (node !== undefined && (typeof node !== "string" || !NODE_NAME.test(node)))
    throw new InvalidOptionError("store.node", node, "1 to 64 of a-z A-Z 0-9 . _ -");
  if (!Number.isInteger(connections) || connections < 1 || connections > MOST_CONNECTIONS)
    throw new InvalidOptionError(
      "store.connections",
      connections,
      `a whole number from 1 to ${MOST_CONNECTIONS}`,
    );
  const password = given.password ?? (url.password === "" ? env[STORE_PASSWORD] : undefined);
  if (password !== undefined && typeof password !== "string")
    throw new InvalidOptionError("store.password", typeof password, "text");
  if (password) url.password = encodeURIComponent(password);
  return {
    url: url.href,
    shown: withoutPassword(url.href),
    hasPassword: url.password !== "" || url.searchParams.has("password"),
    node,
    connections,
  };
}

function readUrl(text: unknown): URL {
  if (typeof text !== "string" || !URL.canParse(text))
    throw new InvalidOptionError(
      "store",
      typeof text === "string" ? withoutPassword(text) : text,
      EXPECTED,
    );
  const url = new URL(text);
  const shown = withoutPassword(text);
  if (url.protocol !== "postgres:" && url.protocol !== "postgresql:")
    throw new InvalidOptionError(
      "store",
      shown,
      `${EXPECTED} (its beginning is ${url.protocol}//)`,
    );
  if (url.hostname === "" && !url.searchParams.has("host"))
    throw new InvalidOptionError("store", shown, `${EXPECTED} (it has no host)`);
  if (url.pathname.length < 2)
    throw new InvalidOptionError("store", shown, `${EXPECTED} (it has no database)`);
  return url;
}

/** An address as it may be printed. */
export function withoutPassword(text: string): string {
  return text
    .replace(/^([a-z]+:\/\/[^:/?#]*):.*@/i, "$1:***@")
    .replace(/([?&]password=)[^&#]*/gi, "$1***");
}
