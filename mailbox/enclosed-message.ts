/**
 * A message with what it requires of who handles it and the token that its sender has for that. It travels in the place
 * of the message, as a msgpack extension of its own, so that it stays together in custody, journal, file of a freeze
 * and dead letters.
 */
export class EnclosedMessage {
  /** Names of capabilities that whoever handles it has to have; empty when it requires none. */
  readonly requires: readonly string[];
  /** See `trust/token-chain.ts`; absent where it brings none. */
  readonly token: Uint8Array | undefined;
  readonly message: unknown;

  constructor(requires: readonly string[], token: Uint8Array | undefined, message: unknown) {
    this.requires = requires;
    this.token = token;
    this.message = message;
  }

  /** What the sender said; of any other value itself. */
  static contentOf(value: unknown): unknown {
    return value instanceof EnclosedMessage ? value.message : value;
  }
}

/** Number of the extension; those from 100 on are msgpackr's own, and users of the mesh define none. */
export const ENCLOSED_EXTENSION = 64;

/** What is written of it. */
export function enclosedParts({ requires, token, message }: EnclosedMessage): unknown[] {
  return [requires, token ?? null, message];
}

/** The inverse of {@link enclosedParts}; RangeError when the parts are none: bytes of others come here too. */
export function enclosedOf(parts: unknown): EnclosedMessage {
  const [requires, token, message] = Array.isArray(parts) ? parts : [];
  const isList = Array.isArray(requires) && requires.every((name) => typeof name === "string");
  if (isList && (token === null || token instanceof Uint8Array))
    return new EnclosedMessage(requires, token ?? undefined, message);
  throw new RangeError("enclosed message: expected names, a token and a message, got others");
}
