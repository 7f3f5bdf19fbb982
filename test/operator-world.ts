// A mesh with its doors open, an operator, and clocks that a test sets: for tests of who may do what.
import { mkdtempSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Secret, TOTP } from "otpauth";
import { meshCommand } from "../console/command/command.ts";
import { COMMANDS } from "../console/commands.ts";
import { type Control, openControl } from "../console/control/control.ts";
import { HttpServer } from "../console/http-server.ts";
import type { NumberedEntry } from "../console/operator/audit-check.ts";
import { readAudit } from "../console/operator/audit-check.ts";
import { Gate, type GateOptions } from "../console/operator/gate.ts";
import type { Role } from "../console/operator/role.ts";
import type { Mesh } from "../runtime/api/mesh-api.ts";
import type { OperatorAct, OperatorSign } from "../runtime/api/threat-api.ts";
import { SoftwareAuthenticator } from "./authenticator.ts";
import { FakeMesh } from "./fake-mesh.ts";

/** A change that somebody may make, and that only another may take back. */
const pokeCommand = meshCommand({
  name: "poke",
  help: "Pokes.",
  parameters: {},
  examples: ["poke"],
  changes: true,
  inverse: () => ({ command: "kill", args: { target: "worker-1" } }),
  run: () => ({ poked: true }),
  render: () => "",
});
const ALL = [...COMMANDS, pokeCommand];
const SIZE = { sectors: 3, clustersPerSector: 2, agentsPerCluster: 4, workers: 1 };
const TOKEN = "t".repeat(43);

/** What came back. */
export interface Reply {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  readonly cookie: string | undefined;
  readonly json: Record<string, unknown>;
}

/** How something is asked. */
export interface Asking {
  readonly method?: string;
  readonly body?: unknown;
  readonly cookie?: string | undefined;
  readonly token?: string;
  /** Null for none. */
  readonly origin?: string | null;
  readonly assertion?: unknown;
  readonly headers?: Record<string, string>;
}

/** All of it. */
export class OperatorWorld {
  readonly fake: FakeMesh = new FakeMesh();
  readonly dataDir: string = mkdtempSync(join(tmpdir(), "mesh-operator-"));
  readonly gate: Gate;
  readonly token: string = TOKEN;
  /** What those who watch operators were told. */
  readonly signs: OperatorSign[] = [];
  readonly acts: OperatorAct[] = [];
  /** Onward, and as people's clocks show, ms since 1970. */
  nowMs: number = Date.parse("2026-11-25T12:00:00Z");
  server!: HttpServer;
  control!: Control;

  private constructor(options: GateOptions) {
    const clocks = { nowMs: () => this.nowMs, wallMs: () => this.nowMs };
    this.gate = new Gate({ dataDir: this.dataDir, env: {}, ...clocks, ...options });
    this.gate.open();
  }

  static async open(options: GateOptions = {}): Promise<OperatorWorld> {
    const world = new OperatorWorld(options);
    const still = { late: [], barrierMs: 1, suspended: 0 };
    const freeze = async (scope = "all"): Promise<object> => ({ scope, agents: 24, ...still });
    const sign = (each: OperatorSign): void => void world.signs.push(each);
    const act = (each: OperatorAct): void => void world.acts.push(each);
    const watched = { freeze, threats: { ...world.fake.threats, sign, act } };
    const mesh = Promise.resolve(Object.assign(world.fake.mesh, watched) as unknown as Mesh);
    const { gate, dataDir: data } = world;
    const address = { host: "127.0.0.1", port: 0 };
    world.server = await HttpServer.open({ address, token: TOKEN, commands: ALL, mesh, gate });
    world.control = await openControl({
      data,
      env: {},
      commands: ALL,
      size: SIZE,
      mesh,
      gate,
    });
    return world;
  }

  async close(): Promise<void> {
    await this.server.close();
    await this.control.close();
    this.gate.close();
  }

  /** Where people log in. */
  get origin(): string {
    return this.server.loginOrigin;
  }

  async ask(path: string, asking: Asking = {}): Promise<Reply> {
    const { method = "POST", body = {}, cookie, token, origin = this.origin, assertion } = asking;
    const response = await fetch(new URL(path, this.server.origin), {
      method,
      headers: {
        host: new URL(this.origin).host,
        "content-type": "application/json",
        ...(cookie !== undefined && { cookie }),
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        // The address of digits is what is asked here, so that is the origin of its pages.
        ...(origin !== null && { origin: origin === this.origin ? this.server.origin : origin }),
        ...(assertion !== undefined && {
          "mesh-step-up": Buffer.from(JSON.stringify(assertion)).toString("base64url"),
        }),
        ...asking.headers,
      },
      ...(method !== "GET" && method !== "HEAD" && { body: JSON.stringify(body) }),
    });
    const json = (await response.json()) as Reply["json"];
    const { code = "", message = "" } = (json.error ?? {}) as { code?: string; message?: string };
    const cookie_ = response.headers.get("set-cookie")?.split(";")[0];
    return { status: response.status, code, message, cookie: cookie_, json };
  }

  /** Runs a command over HTTP. */
  run(command: string, args: object = {}, asking: Asking = {}): Promise<Reply> {
    return this.ask(`/v1/commands/${command}`, { ...asking, body: args });
  }

  /** Enrols somebody, and gives what they log in with, and the cookie of their first session. */
  async enrol(name: string, role: Role): Promise<{ key: SoftwareAuthenticator; cookie: string }> {
    const invitation = this.gate.logins.invite(name, role);
    const key = new SoftwareAuthenticator(this.origin);
    const { json } = await this.ask("/v1/login/enrol-options", { body: { invitation } });
    const credential = key.create(json);
    const reply = await this.ask("/v1/login/enrol", { body: { invitation, credential } });
    if (reply.cookie === undefined) throw new Error(`not enrolled: ${reply.message}`);
    return { key, cookie: reply.cookie };
  }

  async login(key: SoftwareAuthenticator): Promise<string> {
    const { json } = await this.ask("/v1/login/options");
    const reply = await this.ask("/v1/login", { body: { assertion: key.get(json) } });
    if (reply.cookie === undefined) throw new Error(`not logged in: ${reply.message}`);
    return reply.cookie;
  }

  /** An assertion for a command with these arguments. */
  async stepUp(
    key: SoftwareAuthenticator,
    cookie: string,
    command: string,
    args: object,
  ): Promise<unknown> {
    const asking = { cookie, body: { command, arguments: args } };
    const { json, status, message } = await this.ask("/v1/login/step-up", asking);
    if (status !== 200) throw new Error(message);
    return key.get(json);
  }

  /** Sets break-glass up; gives the passphrase, and the code of the moment. */
  async breakGlass(): Promise<{ passphrase: string; code: () => string }> {
    const { passphrase, uri } = await this.gate.logins.breakGlass.set("break-glass");
    const secret = Secret.fromBase32(new URL(uri).searchParams.get("secret") ?? "");
    const totp = new TOTP({ secret, digits: 6, period: 30 });
    return { passphrase, code: () => totp.generate({ timestamp: this.nowMs }) };
  }

  /** Begins an MCP session with the token; gives its id. */
  async mcp(): Promise<string> {
    const params = {
      protocolVersion: "2025-06-18",
      capabilities: {},
      clientInfo: { name: "t", version: "1" },
    };
    const { headers } = await this.#rpc("initialize", params);
    return headers.get("mcp-session-id") ?? "";
  }

  /** Calls a tool twice, as a client does that cannot ask its person: the second time with what the first gave. */
  async callTool(
    session: string,
    name: string,
    args: object,
  ): Promise<{ status: number; message: string }> {
    const call = async (
      given: object,
    ): Promise<{ error?: { code: string; message: string }; confirm?: string }> => {
      const response = await this.#rpc("tools/call", { name, arguments: given }, session);
      const line = (await response.text()).split("\n").find((each) => each.startsWith("data:"));
      return JSON.parse(line?.slice(5) ?? "{}").result.structuredContent;
    };
    const { confirm } = await call(args);
    const { error } = await call({ ...args, confirm });
    return { status: error?.code === "CONSOLE_FORBIDDEN" ? 403 : 0, message: error?.message ?? "" };
  }

  #rpc(method: string, params: object, session?: string): Promise<Response> {
    return fetch(new URL("/mcp", this.server.origin), {
      method: "POST",
      headers: {
        authorization: `Bearer ${TOKEN}`,
        "content-type": "application/json",
        accept: "application/json, text/event-stream",
        ...(session !== undefined && { "mcp-session-id": session }),
      },
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
    });
  }

  /** Says lines to the control socket, and gives the last answer. */
  async say(
    ...lines: readonly object[]
  ): Promise<Record<string, { code: string; message: string }>> {
    const socket = connect(this.control.path);
    socket.write(lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
    let heard = "";
    for await (const chunk of socket) {
      heard += chunk;
      if (heard.split("\n").length > lines.length) socket.end();
    }
    return JSON.parse(heard.trim().split("\n").at(-1) as string);
  }

  /** The newest entries of the audit log. */
  async audit(limit = 200): Promise<NumberedEntry[]> {
    const { auditLog } = this.gate;
    if (auditLog === undefined) throw new Error("no log");
    return readAudit(auditLog.paths, { limit });
  }
}

/** Logs in with an authenticator that says other than the truth. */
export async function loginWith(at: OperatorWorld, lies: object): Promise<Reply> {
  const { key } = await at.enrol("alice", "admin");
  const { json } = await at.ask("/v1/login/options");
  return at.ask("/v1/login", { body: { assertion: key.get(json, lies) } });
}

/** Kills a worker, with an assertion for something else. */
export async function killSignedFor(
  at: OperatorWorld,
  command: string,
  args: object,
): Promise<Reply> {
  const { key, cookie } = await at.enrol("alice", "admin");
  const assertion = await at.stepUp(key, cookie, command, args);
  return at.run("kill", { target: "worker-1" }, { cookie, assertion });
}

/** Kills a worker, with an assertion that is made for it in some way. */
export async function killSignedBy(
  at: OperatorWorld,
  sign: (key: SoftwareAuthenticator, asked: Reply["json"]) => unknown,
): Promise<Reply> {
  const { key, cookie } = await at.enrol("alice", "admin");
  const args = { target: "worker-1" };
  const { json } = await at.ask("/v1/login/step-up", {
    cookie,
    body: { command: "kill", arguments: args },
  });
  return at.run("kill", args, { cookie, assertion: sign(key, json) });
}
