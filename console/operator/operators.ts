/** The operators of a mesh and their authenticators, in a file that only its owner can read. No secret is in it. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { replaceFile } from "../../runtime/machine/replaced-file.ts";
import { ConsoleError, sentenceOf } from "../terminal/exit.ts";
import { ROLES, type Role } from "./role.ts";

export const MAX_OPERATORS = 64;
/** Of one operator: one to use, and some to lose. */
export const MAX_AUTHENTICATORS = 8;

/** An authenticator that was enrolled. */
export interface Authenticator {
  /** Credential id, base64url. */
  readonly id: string;
  /** COSE key, base64url. */
  readonly publicKey: string;
  /** How often it says that it was used; never less than before, unless it does not count. */
  readonly counter: number;
  /** Make of the authenticator. */
  readonly aaguid: string;
  readonly transports: readonly string[];
  /** Whether it can be copied to other devices, and therefore to whoever has the account there. */
  readonly isSynced: boolean;
  readonly enrolledMs: number;
}

/** Somebody who may log in. */
export interface Operator {
  readonly name: string;
  readonly role: Role;
  readonly authenticators: readonly Authenticator[];
}

/** The file. `path` undefined: in memory only. */
export class Operators {
  readonly #path: string | undefined;
  #list: readonly Operator[] = [];

  /** ConsoleError CONSOLE_OPERATORS when the file is there and cannot be read: nobody must get in by breaking it. */
  constructor(dataDir: string | undefined) {
    this.#path = dataDir === undefined ? undefined : join(dataDir, "operators", "operators.json");
    if (this.#path !== undefined && existsSync(this.#path)) this.#list = readFrom(this.#path);
  }

  get list(): readonly Operator[] {
    return this.#list;
  }

  named(name: string): Operator | undefined {
    return this.#list.find((operator) => operator.name === name);
  }

  /** Who has an authenticator. */
  holder(
    id: string,
  ): { readonly operator: Operator; readonly authenticator: Authenticator } | undefined {
    for (const operator of this.#list) {
      const authenticator = operator.authenticators.find((each) => each.id === id);
      if (authenticator !== undefined) return { operator, authenticator };
    }
    return undefined;
  }

  /** Adds an authenticator, and its operator where they are new. */
  enrol(name: string, role: Role, authenticator: Authenticator): Operator {
    const known = this.named(name);
    if (known === undefined && this.#list.length >= MAX_OPERATORS)
      throw full(`${MAX_OPERATORS} operators are enrolled`);
    if ((known?.authenticators.length ?? 0) >= MAX_AUTHENTICATORS)
      throw full(`${name} has ${MAX_AUTHENTICATORS} authenticators`);
    if (this.holder(authenticator.id) !== undefined)
      throw new ConsoleError("CONSOLE_OPERATORS", "this authenticator is enrolled already");
    const operator = {
      name,
      role,
      authenticators: [...(known?.authenticators ?? []), authenticator],
    };
    this.#write([...this.#list.filter((each) => each.name !== name), operator]);
    return operator;
  }

  /** Notes how often an authenticator was used. */
  used(id: string, counter: number): void {
    if (this.holder(id)?.authenticator.counter === counter) return;
    const next = this.#list.map((operator) => ({
      ...operator,
      authenticators: operator.authenticators.map((each) =>
        each.id === id ? { ...each, counter } : each,
      ),
    }));
    this.#write(next);
  }

  /** Removes an operator; false when there is none of this name. */
  remove(name: string): boolean {
    if (this.named(name) === undefined) return false;
    this.#write(this.#list.filter((each) => each.name !== name));
    return true;
  }

  #write(next: readonly Operator[]): void {
    if (this.#path !== undefined)
      replaceFile(
        this.#path,
        Buffer.from(`${JSON.stringify({ version: 1, operators: next }, null, 2)}\n`),
      );
    this.#list = next;
  }
}

function full(what: string): ConsoleError {
  return new ConsoleError("CONSOLE_OPERATORS", `${what}, and no more are taken: operators remove`);
}

function readFrom(path: string): readonly Operator[] {
  let document: unknown;
  try {
    document = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw new ConsoleError(
      "CONSOLE_OPERATORS",
      `${path}: expected operators as JSON: ${sentenceOf(error)}`,
    );
  }
  const { operators } = (document ?? {}) as { operators?: unknown };
  if (Array.isArray(operators) && operators.every(isOperator)) return operators;
  throw new ConsoleError("CONSOLE_OPERATORS", `${path}: expected operators, got something else`);
}

function isOperator(value: unknown): value is Operator {
  const { name, role, authenticators } = (value ?? {}) as Record<string, unknown>;
  return (
    typeof name === "string" &&
    ROLES.includes(role as Role) &&
    Array.isArray(authenticators) &&
    authenticators.every(
      (each) =>
        typeof each?.id === "string" &&
        typeof each?.publicKey === "string" &&
        Number.isSafeInteger(each?.counter) &&
        Array.isArray(each?.transports),
    )
  );
}
