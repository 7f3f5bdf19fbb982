/** The HTTP face as an OpenAPI 3.1 document, made of the same table and schemas that the routes are made of. */
import { argumentsSchema, isRequired, type MeshCommand } from "../command/command.ts";
import { packageVersion } from "../terminal/version.ts";

type Json = Readonly<Record<string, unknown>>;

const JSON_TYPE = "application/json";
const FAILURES: readonly (readonly [status: number, description: string])[] = [
  [400, "An argument is wrong; `field` names it."],
  [401, "No token and no login, a wrong one, or one that is over."],
  [
    403,
    "Host or Origin is not ours, the role does not reach, or a step-up is missing: see `code`.",
  ],
  [404, "No such address, or nobody fits."],
  [409, "The mesh cannot do it as things are."],
  [413, "The body or the message is too long."],
  [415, "The body is no JSON."],
  [429, "Too many requests; see Retry-After."],
  [501, "A package that this needs is not installed."],
  [503, "Too much is under way, or the mesh starts or stops."],
];

/** The document for these commands. */
export function openapiOf(commands: readonly MeshCommand[]): Json {
  const paths: Record<string, Json> = {
    "/healthz": { get: open("healthz", "Whether the process answers.", JSON_TYPE) },
    "/readyz": {
      get: {
        ...open("readyz", "Whether the mesh runs: 200, or 503 while it does not.", JSON_TYPE),
      },
    },
    "/metrics": {
      get: guarded("metrics", "Figures of the mesh for Prometheus.", "text/plain; version=0.0.4"),
    },
    "/openapi.json": { get: open("openapi", "This document.", JSON_TYPE) },
    "/mcp": {
      post: guarded("mcp", "The Model Context Protocol, over streamable HTTP.", JSON_TYPE),
    },
    "/v1/login": {
      get: open("login", "Who is logged in by this browser, and how one can be.", JSON_TYPE),
    },
    "/v1/commands": { get: guarded("commands", "The commands and their arguments.", JSON_TYPE) },
    "/v1/feed": {
      get: {
        ...guarded("feed", "The mesh live, over WebSocket: see docs/semantics.md.", JSON_TYPE),
        responses: { "101": { description: "The WebSocket is open." }, ...failures() },
      },
    },
  };
  for (const command of commands) paths[`/v1/commands/${command.name}`] = pathOf(command);
  return {
    openapi: "3.1.0",
    info: {
      title: "mesh-30k",
      version: packageVersion(),
      summary: "The commands of a running mesh over HTTP.",
      description:
        "A command that may change the mesh is answered to GET as well, with arguments with which it changes " +
        "nothing, such as dryRun.",
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: "/" }],
    paths,
    components: {
      securitySchemes: {
        bearer: { type: "http", scheme: "bearer" },
        query: { type: "apiKey", in: "query", name: "token" },
      },
      schemas: { Error: ERROR },
    },
  };
}

const ERROR: Json = {
  type: "object",
  required: ["error"],
  properties: {
    error: {
      type: "object",
      required: ["code", "message"],
      properties: {
        code: { type: "string", description: "Stable; match on it." },
        message: { type: "string" },
        field: { type: "string", description: "The argument or header that is wrong." },
        step: {
          type: "object",
          description: "With CONSOLE_STEP_UP: what an assertion is missing for.",
          required: ["command", "arguments"],
          properties: { command: { type: "string" }, arguments: { type: "object" } },
        },
      },
    },
  },
};

const SECURITY: readonly Json[] = [{ bearer: [] }, { query: [] }];

function pathOf(command: MeshCommand): Json {
  const post = {
    ...describe(command),
    requestBody: {
      required: Object.values(command.parameters).some(isRequired),
      content: { [JSON_TYPE]: { schema: argumentsSchema(command) } },
    },
  };
  if (command.changes) return { post };
  const get = {
    ...describe(command),
    operationId: `get-${command.name}`,
    parameters: queryOf(command),
  };
  return { get, post };
}

function describe(command: MeshCommand): Json {
  return {
    operationId: command.name,
    summary: command.help,
    ...(command.details !== undefined && { description: command.details }),
    tags: [command.changes ? "changes" : "looks"],
    // The least role that can do everything it offers.
    "x-role": command.role,
    security: SECURITY,
    responses: {
      "200": {
        description:
          "What `--json` prints. The header `mesh-failed` says that what was wanted did not come about.",
        headers: { "mesh-failed": { schema: { type: "string", const: "true" } } },
        content: {
          [JSON_TYPE]: { schema: {} },
          "text/event-stream": { schema: { type: "string" } },
          "application/x-ndjson": { schema: { type: "string" } },
        },
      },
      ...failures(),
    },
  };
}

function queryOf(command: MeshCommand): readonly Json[] {
  const { properties = {} } = argumentsSchema(command) as { properties?: Record<string, Json> };
  return Object.entries(command.parameters).map(([name, parameter]) => ({
    name,
    in: "query",
    required: isRequired(parameter),
    description: parameter.help,
    schema: properties[name] ?? {},
  }));
}

function open(operationId: string, summary: string, type: string): Json {
  const content = {
    [type]: { schema: type === JSON_TYPE ? { type: "object" } : { type: "string" } },
  };
  return { operationId, summary, responses: { "200": { description: summary, content } } };
}

function guarded(operationId: string, summary: string, type: string): Json {
  const { responses, ...rest } = open(operationId, summary, type);
  return { ...rest, security: SECURITY, responses: { ...(responses as Json), ...failures() } };
}

function failures(): Json {
  const content = { [JSON_TYPE]: { schema: { $ref: "#/components/schemas/Error" } } };
  return Object.fromEntries(
    FAILURES.map(([status, description]) => [String(status), { description, content }]),
  );
}
