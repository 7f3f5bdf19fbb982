/**
 * A language model behind an OpenAI-compatible endpoint, asked only for what the grammar does not understand, and only
 * where its address was given: it is offered the commands as tools, and what it calls is a proposal. Nothing that it
 * says is done by itself, and it hears the sentence and the commands, nothing of the mesh.
 *
 *     sentence ──▶ grammar ──not understood──▶ POST …/chat/completions ──▶ one tool call ──▶ checked ──▶ proposal
 */
import {
  argumentsSchema,
  type Command,
  changesWith,
  checkArguments,
  type Parameter,
} from "../command/command.ts";
import { httpUrl, text } from "../command/values.ts";
import { ConsoleError, sentenceOf, UsageError } from "../terminal/exit.ts";
import type { Understanding } from "./understand.ts";

/** The longest wait for an answer. */
export const MODEL_WAIT_MS = 20_000;
/** The longest answer that is read. */
const MOST_BYTES = 262_144;
/** The longest sentence that is sent on. */
const MOST_LETTERS = 1_000;
/** Not proposed: they leave the session, or speak of a sentence themselves. */
const NOT_OFFERED: readonly string[] = ["say", "watch", "top"];

const SYSTEM =
  "You translate what the operator of a mesh of agents says into one call of one of the tools. Addresses are written " +
  "sector-7, sector-7/cluster-4, sector-7/cluster-4/agent-12; workers worker-1. Call no tool when the sentence is a " +
  "negation, a condition, a quotation or a question whether something should be done, when it is no matter " +
  "of the mesh, " +
  "or when you are not sure. Leave out every argument that was not asked for.";

/** Where a model answers, and under which name. */
export interface LanguageModel {
  /** Of the API, such as `http://127.0.0.1:8080/v1`. */
  readonly url: URL;
  readonly name: string;
  /** Sent as a bearer token; undefined when the endpoint wants none. */
  readonly key: string | undefined;
  /** The longest wait for an answer, in milliseconds. */
  readonly waitMs: number;
}

/** The model could not be asked, or its answer is none. */
export class LanguageModelError extends ConsoleError {
  constructor(sentence: string) {
    super("CONSOLE_MODEL", sentence);
  }
}

/** The parameters of commands that take plain words. */
export const MODEL_PARAMETERS: {
  readonly llmUrl: Parameter<URL | undefined>;
  readonly llmModel: Parameter<string | undefined>;
} = {
  llmUrl: {
    schema: httpUrl().optional(),
    help: "ask this OpenAI-compatible endpoint what the grammar does not understand (default: MESH_LLM_URL, or nobody)",
    value: "url",
  },
  llmModel: {
    schema: text("the name of a model").optional(),
    help: "model to ask there (default: MESH_LLM_MODEL, or default); its key is taken from MESH_LLM_KEY",
    value: "name",
  },
};

/** The model that flags or variables name; undefined without an address. UsageError when that is none. */
export function languageModel(
  env: Readonly<Record<string, string | undefined>>,
  flags: { readonly llmUrl?: URL | undefined; readonly llmModel?: string | undefined },
): LanguageModel | undefined {
  const url = flags.llmUrl ?? urlIn(env.MESH_LLM_URL);
  if (url === undefined) return undefined;
  const name = flags.llmModel ?? (env.MESH_LLM_MODEL || "default");
  return { url, name, key: env.MESH_LLM_KEY || undefined, waitMs: MODEL_WAIT_MS };
}

function urlIn(variable: string | undefined): URL | undefined {
  // A set but empty variable is how shells say "not set".
  if (variable === undefined || variable === "") return undefined;
  const read = httpUrl().safeParse(variable);
  if (read.success) return read.data;
  throw new UsageError(`MESH_LLM_URL: ${read.error.issues[0].message}, got "${variable}"`);
}

/**
 * What the model takes a sentence for, with arguments checked; undefined when it calls no tool, several, or one that
 * does not exist. LanguageModelError when it cannot be asked, or does not answer in time.
 */
export async function proposedBy(
  model: LanguageModel,
  sentence: string,
  commands: readonly Command[],
  signal?: AbortSignal,
): Promise<Understanding | undefined> {
  if (sentence.length > MOST_LETTERS) return undefined;
  const offered = commands.filter(
    ({ needs, name }) => needs === "mesh" && !NOT_OFFERED.includes(name),
  );
  const answer = await ask(model, requestOf(model, sentence, offered), signal);
  const call = callIn(answer);
  const command = offered.find(({ name }) => name === call?.name);
  if (call === undefined || command === undefined) return undefined;
  try {
    const args = checkArguments(command, call.args);
    return {
      understood: true,
      command: command.name,
      arguments: args,
      changes: changesWith(command, args),
      nearest: [],
    };
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new LanguageModelError(
      `the model at ${model.url.host} proposed what cannot be run: ${sentenceOf(error)}`,
    );
  }
}

function requestOf(model: LanguageModel, sentence: string, offered: readonly Command[]): unknown {
  return {
    model: model.name,
    temperature: 0,
    messages: [
      { role: "system", content: SYSTEM },
      { role: "user", content: sentence },
    ],
    tools: offered.map((command) => ({
      type: "function",
      function: {
        name: command.name,
        description: [command.help, command.details ?? ""].join(" ").trim(),
        parameters: argumentsSchema(command),
      },
    })),
    tool_choice: "auto",
  };
}

async function ask(model: LanguageModel, body: unknown, signal?: AbortSignal): Promise<unknown> {
  const { url, key, waitMs } = model;
  const late = AbortSignal.timeout(waitMs);
  const failed = (why: string): LanguageModelError =>
    new LanguageModelError(`the model at ${url.host} ${why}`);
  try {
    const response = await fetch(`${url.href.replace(/\/+$/, "")}/chat/completions`, {
      method: "POST",
      // A key must not follow where it was not meant to go.
      redirect: "error",
      headers: {
        "content-type": "application/json",
        ...(key && { authorization: `Bearer ${key}` }),
      },
      body: JSON.stringify(body),
      signal: signal === undefined ? late : AbortSignal.any([signal, late]),
    });
    const said = await bodyOf(response);
    if (said === undefined) throw failed(`answered more than ${MOST_BYTES} bytes`);
    if (!response.ok) throw failed(`answered ${response.status}${reasonIn(said)}`);
    return JSON.parse(said);
  } catch (error) {
    if (error instanceof LanguageModelError || signal?.aborted) throw error;
    if (late.aborted) throw failed(`did not answer within ${waitMs / 1_000}s`);
    if (error instanceof SyntaxError) throw failed("answered what is no JSON");
    const cause = (error as { cause?: unknown }).cause ?? error;
    throw failed(`could not be reached: ${sentenceOf(cause)}`);
  }
}

/** The body, or undefined when it is longer than is read. */
async function bodyOf(response: Response): Promise<string | undefined> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > MOST_BYTES) return undefined;
    chunks.push(chunk);
  }
  return new TextDecoder().decode(Buffer.concat(chunks));
}

/** `: model not found`, from the error of an answer. */
function reasonIn(said: string): string {
  try {
    const message: unknown = JSON.parse(said)?.error?.message;
    // A terminal must not be steered by an answer.
    return typeof message === "string"
      ? `: ${message.replaceAll(/\p{Cc}/gu, " ").slice(0, 200)}`
      : "";
  } catch {
    return "";
  }
}

/** The one tool that an answer calls; undefined when it calls none, several, or gives no arguments. */
function callIn(answer: unknown): { name: string; args: Record<string, unknown> } | undefined {
  const calls = (answer as { choices?: { message?: { tool_calls?: unknown } }[] } | null)
    ?.choices?.[0]?.message?.tool_calls;
  if (!Array.isArray(calls) || calls.length !== 1) return undefined;
  const { name, arguments: written } =
    (calls[0] as { function?: { name?: unknown; arguments?: unknown } }).function ?? {};
  if (typeof name !== "string") return undefined;
  try {
    const args: unknown =
      typeof written === "string" ? JSON.parse(written || "{}") : (written ?? {});
    return typeof args === "object" && args !== null && !Array.isArray(args)
      ? { name, args: args as Record<string, unknown> }
      : undefined;
  } catch {
    return undefined;
  }
}
