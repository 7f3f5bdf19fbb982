/** The arguments of a command in a request: a JSON object in the body, or the query. */
import type { IncomingMessage } from "node:http";
import type { MeshCommand } from "../command/command.ts";
import { HttpError } from "./http-answer.ts";

/** Bytes of a body: no message that the mesh takes is longer. */
export const MAX_BODY_BYTES: number = 1_048_576;
/** Characters of a path with its query. */
export const MAX_TARGET_LENGTH = 8_192;

/** Reads the JSON object in a body; an empty one has no arguments. HttpError names what is wrong. */
export async function argumentsInBody(request: IncomingMessage): Promise<Record<string, unknown>> {
  const bytes = await bodyOf(request);
  if (bytes.length === 0) return {};
  const [type] = (request.headers["content-type"] ?? "").split(";");
  if (type.trim().toLowerCase() !== "application/json") {
    throw new HttpError(
      415,
      "CONSOLE_MEDIA_TYPE",
      `content-type: expected application/json, got ${JSON.stringify(type)}`,
      "content-type",
    );
  }
  let document: unknown;
  try {
    document = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw new HttpError(400, "CONSOLE_BODY", "body: expected JSON, got something else", "body");
  }
  if (typeof document !== "object" || document === null || Array.isArray(document)) {
    throw new HttpError(400, "CONSOLE_BODY", "body: expected an object of arguments", "body");
  }
  return document as Record<string, unknown>;
}

/** Reads the arguments in a query: text as on a command line, several of one name where it may be repeated. */
export function argumentsInQuery(
  command: MeshCommand,
  query: URLSearchParams,
): Record<string, unknown> {
  const given: Record<string, unknown> = {};
  for (const name of new Set(query.keys())) {
    if (name === "token") continue;
    const values = query.getAll(name);
    const parameter = Object.hasOwn(command.parameters, name)
      ? command.parameters[name]
      : undefined;
    if (values.length > 1 && parameter?.repeats !== true) {
      throw new HttpError(
        400,
        "CONSOLE_USAGE",
        `${command.name}: ${name}: expected one value, got ${values.length}`,
        name,
      );
    }
    // A flag is set by its name alone, as on the command line.
    const isFlag = parameter !== undefined && parameter.value === undefined && values[0] === "";
    const read = values.map((value) => parameter?.fromText?.(value) ?? value);
    given[name] =
      isFlag && parameter.place === undefined ? true : values.length > 1 ? read : read[0];
  }
  return given;
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const tooLong = (): HttpError =>
    new HttpError(
      413,
      "CONSOLE_BODY",
      `body: expected at most ${MAX_BODY_BYTES} bytes`,
      "body",
      // What is still on its way is not read.
      { connection: "close" },
    );
  if (Number(request.headers["content-length"] ?? 0) > MAX_BODY_BYTES) throw tooLong();
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MAX_BODY_BYTES) throw tooLong();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
