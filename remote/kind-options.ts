/** Checks of the options of ready-made agents: each error names the field, its value and what was expected. */
import { InvalidOptionError } from "../actors/errors.ts";
import type { Secret } from "../runtime/api/agent-api.ts";

/** The options of one kind, `http` or `llm`, read member by member. */
export class KindOptions {
  readonly #field: string;
  readonly #options: Readonly<Record<string, unknown>>;

  /** `known` are the members that there are; InvalidOptionError for any other. */
  constructor(field: string, options: unknown, known: readonly string[]) {
    this.#field = field;
    if (typeof options !== "object" || options === null)
      throw new InvalidOptionError(field, options, `an object with some of ${known.join(", ")}`);
    this.#options = options as Readonly<Record<string, unknown>>;
    const unknown = Object.keys(options).find((name) => !known.includes(name));
    if (unknown !== undefined)
      throw new InvalidOptionError(field, unknown, `members among ${known.join(", ")}`);
  }

  /** A number from `least` to `most`; whole unless `fractions` are taken. */
  number(name: string, standard: number, least: number, most: number, fractions = false): number {
    const value = this.#options[name] ?? standard;
    const isOne = typeof value === "number" && (fractions || Number.isInteger(value));
    if (isOne && value >= least && value <= most) return value;
    const expected = `a ${fractions ? "" : "whole "}number from ${least} to ${most}`;
    throw new InvalidOptionError(`${this.#field}.${name}`, value, expected);
  }

  /** Text that is not empty; undefined where there is none. */
  text(name: string): string | undefined {
    const value = this.#options[name];
    if (value === undefined || (typeof value === "string" && value !== "")) return value;
    throw new InvalidOptionError(`${this.#field}.${name}`, value, "text that is not empty");
  }

  /** A secret, from where it is kept; undefined where there is none. */
  secret(name: string): string | undefined {
    return readSecret(`${this.#field}.${name}`, this.#options[name]);
  }

  /** The http or https URL of this name; undefined where there is none. */
  url(name: string): string | undefined {
    const value = this.text(name);
    // Places of a template are no part of a URL.
    const filled = value?.replaceAll(/\{(?:address|sector|cluster|agent)\}/g, "1");
    if (filled === undefined || /^https?:$/.test(protocolOf(filled))) return value;
    const expected =
      "an http or https URL; {address}, {sector}, {cluster}, {agent} may stand in it";
    throw new InvalidOptionError(`${this.#field}.${name}`, value, expected);
  }

  /** The URL of this name, which there must be. */
  required(name: string): string {
    const value = this.url(name);
    if (value !== undefined) return value;
    throw new InvalidOptionError(`${this.#field}.${name}`, value, "where to POST");
  }

  /** Names, as of capabilities. */
  names(name: string, standard: readonly string[]): readonly string[] {
    const value = this.#options[name] ?? standard;
    if (Array.isArray(value) && value.every((one) => typeof one === "string" && one !== ""))
      return value;
    throw new InvalidOptionError(`${this.#field}.${name}`, value, "a list of names");
  }

  /** Headers by name, their secrets read. */
  headers(name: string): Readonly<Record<string, string>> {
    const value = this.#options[name] ?? {};
    if (typeof value !== "object" || value === null || Array.isArray(value))
      throw new InvalidOptionError(`${this.#field}.${name}`, value, "headers by name");
    return Object.fromEntries(
      Object.entries(value).map(([header, secret]) => [
        header,
        readSecret(`${this.#field}.${name}.${header}`, secret) ?? "",
      ]),
    );
  }

  /** The options of a member that has options of its own; undefined where there are none. */
  within(name: string, known: readonly string[]): KindOptions | undefined {
    const value = this.#options[name];
    return value === undefined
      ? undefined
      : new KindOptions(`${this.#field}.${name}`, value, known);
  }

  /** The member as it is, for those that check it themselves. */
  raw(name: string): unknown {
    return this.#options[name];
  }
}

function readSecret(field: string, value: unknown): string | undefined {
  if (value === undefined || (typeof value === "string" && value !== "")) return value;
  const { env } = (value ?? {}) as Exclude<Secret, string>;
  if (typeof env !== "string" || env === "")
    throw new InvalidOptionError(field, typeof value, "text, or { env: NAME } of a variable");
  const found = process.env[env];
  if (found) return found;
  throw new InvalidOptionError(field, `{ env: ${env} }`, "a variable that is set");
}

function protocolOf(url: string): string {
  return URL.canParse(url) ? new URL(url).protocol : "";
}
