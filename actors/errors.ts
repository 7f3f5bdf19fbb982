/** Errors of the mesh carry a stable `code`; match on it, not on the sentence. */
export class MeshError extends Error {
  readonly code: string;

  constructor(code: string, sentence: string, options?: ErrorOptions) {
    super(sentence, options);
    this.name = new.target.name;
    this.code = code;
  }
}

/** A configuration or an argument is wrong: `field`, the value, and what was expected are in the sentence. */
export class InvalidOptionError extends MeshError {
  readonly field: string;

  constructor(field: string, value: unknown, expected: string) {
    super("MESH_INVALID_OPTION", `${field}: expected ${expected}, got ${inspectBriefly(value)}`);
    this.field = field;
  }
}

/** No actor has this address or index. */
export class UnknownActorError extends MeshError {
  constructor(target: string | number, expected: string) {
    super("MESH_UNKNOWN_ACTOR", `no actor ${inspectBriefly(target)}: expected ${expected}`);
  }
}

/** The encoded message is longer than the mesh's `maxPayloadBytes`. */
export class PayloadTooLargeError extends MeshError {
  constructor(bytes: number, maxBytes: number) {
    super(
      "MESH_PAYLOAD_TOO_LARGE",
      `payload is ${bytes} bytes, the mesh takes at most ${maxBytes} (maxPayloadBytes)`,
    );
  }
}

/** The handler of an ask threw; its supervisor has dealt with it. */
export class AgentFailedError extends MeshError {
  constructor(address: string, reason: string) {
    super("MESH_AGENT_FAILED", `${address} failed while handling the message: ${reason}`);
  }
}

/** The target could not take the message: stopped, quarantined, or its mailbox refused it. */
export class UndeliverableError extends MeshError {
  constructor(address: string, reason: string) {
    super("MESH_UNDELIVERABLE", `${address} did not take the message: ${reason}`);
  }
}

/** Each of these agents waits for the next one: the ask that would have closed the circle is refused. */
export class AskCycleError extends MeshError {
  readonly path: readonly string[];

  constructor(path: readonly string[]) {
    super(
      "MESH_ASK_CYCLE",
      `ask would never be answered, each waits for the next: ${path.join(" → ")}`,
    );
    this.path = path;
  }
}

/** The mesh is stopping or has stopped. */
export class MeshStoppedError extends MeshError {
  constructor() {
    super("MESH_STOPPED", "the mesh has stopped");
  }
}

/** What a turn's signal aborts with, and a sleep ends with, at the deadline of the message. */
export function deadlineError(): MeshError {
  return new MeshError("MESH_DEADLINE", "the message's deadline has passed");
}

function inspectBriefly(value: unknown): string {
  const text = typeof value === "string" ? JSON.stringify(value) : String(value);
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}
