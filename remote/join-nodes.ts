import { hostname } from "node:os";
import { InvalidOptionError } from "../actors/errors.ts";
import type { NodeOptions } from "../runtime/api/node-api.ts";
import { KindOptions } from "./kind-options.ts";
import { MeshNode, type MeshNodePorts } from "./mesh-node.ts";
import { openNatsBus } from "./nats-bus.ts";

const NAMES = [
  "join",
  "name",
  "mesh",
  "leaseMs",
  "expected",
  "patienceMs",
  "drainMs",
  "credentials",
  "user",
  "password",
  "token",
  "tls",
] as const;

/** Room in a frame for what is said about its messages, bytes. */
const FRAME_ROOM = 64 * 1024;

/** What is handed on to the node. */
type Handed = Pick<MeshNodePorts, "side" | "clock" | "later" | "log" | "onLoss">;

/** What the mesh hands in besides. */
export interface JoinPorts extends Handed {
  /** Longest message of the mesh, bytes. */
  readonly maxPayloadBytes: number;
  readonly random: () => number;
  readonly pid: number;
}

/** Connects to the other nodes; InvalidOptionError for options that make no sense, MeshError when it cannot be done. */
export async function openNode(nodes: NodeOptions, ports: JoinPorts): Promise<MeshNode> {
  const options = new KindOptions("nodes", nodes, NAMES);
  if (typeof nodes.join === "string") options.text("join");
  else if (!Array.isArray(nodes.join) || nodes.join.length === 0)
    throw new InvalidOptionError("nodes.join", nodes.join, "the URL of a NATS server, or several");
  const name = nameOf("name", options.text("name") ?? ownName(ports.pid));
  const mesh = nameOf("mesh", options.text("mesh") ?? "mesh");
  const limits = {
    leaseMs: options.number("leaseMs", 3_000, 200, 600_000),
    expected: options.number("expected", 1, 1, 1_000),
    patienceMs: options.number("patienceMs", 30_000, 0, 3_600_000),
    drainMs: options.number("drainMs", 2_000, 0, 3_600_000),
  };
  const bus = await openNatsBus({ ...nodes, name }, mesh, ports.log);
  if (ports.maxPayloadBytes + FRAME_ROOM > bus.maxBytes / 2) {
    await bus.close();
    const most = Math.floor(bus.maxBytes / 2) - FRAME_ROOM;
    const expected = `at most ${most}: the NATS server takes ${bus.maxBytes} bytes (max_payload)`;
    throw new InvalidOptionError("maxPayloadBytes", ports.maxPayloadBytes, expected);
  }
  const incarnation = Math.floor(ports.random() * 2 ** 48).toString(36);
  const soon = (act: () => void): void => void setImmediate(act);
  return new MeshNode({ ...ports, options: limits, name, incarnation, bus, soon });
}

function ownName(pid: number): string {
  return `${hostname().replaceAll(/[^A-Za-z0-9_-]/g, "-")}-${pid}`;
}

function nameOf(field: string, name: string): string {
  if (/^[A-Za-z0-9_-]{1,64}$/.test(name)) return name;
  throw new InvalidOptionError(`nodes.${field}`, name, "1 to 64 letters, digits, - and _");
}
