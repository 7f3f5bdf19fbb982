import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { random } from "./random.ts";

/**
 * Streams of measured delays, and the mesh that is put together from them. A trace is a gzipped CSV with
 * the header `agent,class,t_s,rtt_ms,proc_ms,weight,queue,other_ms`, its rows sorted by agent, then time;
 * delay from sending to READY = rtt/2 + processing + other, what is empty counting 0.
 */

/** Messages to one agent, in order. */
export interface Stream {
  readonly agent: string;
  /** Letter of the impedance class. */
  readonly class: string;
  /** When it was sent, ms; NaN where only the order is known. */
  readonly sentMs: Float64Array;
  readonly delayMs: Float64Array;
  /** 1 where not measured. */
  readonly weight: Float64Array;
  /** Requests outstanding when this one arrives. */
  readonly queue: Float64Array;
}

/** The traces whose streams are scored one by one. */
export const TRACES = ["atlas", "cell5g", "faas", "llm", "queue", "seattle", "vm"] as const;

/** The streams of one trace; none when there is no such file. */
export function readTrace(directory: string, name: string): Stream[] {
  const path = join(directory, `${name}.csv.gz`);
  if (!existsSync(path)) return [];
  const lines = gunzipSync(readFileSync(path)).toString("utf8").trimEnd().split("\n");
  const byAgent = new Map<string, string[]>();
  for (const line of lines.slice(1)) {
    const agent = line.slice(0, line.indexOf(","));
    const rows = byAgent.get(agent);
    if (rows === undefined) byAgent.set(agent, [line]);
    else rows.push(line);
  }
  return [...byAgent].map(([agent, rows]) => streamOf(agent, rows));
}

function streamOf(agent: string, lines: readonly string[]): Stream {
  const size = lines.length;
  const stream: Stream = {
    agent,
    class: lines[0].split(",")[1],
    sentMs: new Float64Array(size),
    delayMs: new Float64Array(size),
    weight: new Float64Array(size),
    queue: new Float64Array(size),
  };
  for (const [i, line] of lines.entries()) {
    const [, , seconds, rtt, processing, weight, queue, other] = line.split(",");
    stream.sentMs[i] = seconds === "" ? Number.NaN : Number(seconds) * 1000;
    stream.delayMs[i] = Number(rtt) / 2 + Number(processing) + Number(other);
    stream.weight[i] = weight === "" ? 1 : Number(weight);
    stream.queue[i] = Number(queue);
  }
  return stream;
}

const MIX: readonly (readonly [letter: string, share: number])[] = [
  ["A", 10],
  ["B", 8],
  ["C", 5],
  ["D", 2],
  ["E", 3],
];
const SHARES = 28;
const SLOWEST_MEDIAN_MS = 1000;

/**
 * A mesh in the specification's mix of classes, `rounds` messages an agent: A = cell5g, B = faas, C = a path
 * of atlas and a machine of vm, D = a path and a model's time to its first token, E = seattle. Each agent gets
 * a part of a stream that begins somewhere in it. Streams slower than a second in the middle are left out.
 */
export function composeMesh(
  traces: ReadonlyMap<string, readonly Stream[]>,
  agents: number,
  rounds: number,
  seed: number,
): Stream[] {
  const next = random(seed);
  const usable = (name: string, only = ""): Stream[] =>
    (traces.get(name) ?? []).filter(
      ({ agent, delayMs }) =>
        agent.endsWith(only) && delayMs.length >= rounds && middle(delayMs) <= SLOWEST_MEDIAN_MS,
    );
  const parts: Readonly<Record<string, readonly Stream[][]>> = {
    A: [usable("cell5g")],
    B: [usable("faas")],
    C: [usable("atlas"), usable("vm")],
    D: [usable("atlas"), usable("llm", "-ttft")],
    E: [usable("seattle")],
  };
  const mesh: Stream[] = [];
  for (const [letter, share] of MIX) {
    const pools = parts[letter];
    if (pools.some((pool) => pool.length === 0)) continue;
    for (let i = 0; i < Math.round((agents * share) / SHARES); i++) {
      mesh.push(
        sumOf(
          letter,
          pools.map((pool) => excerpt(pool, rounds, next)),
        ),
      );
    }
  }
  return mesh;
}

function excerpt(pool: readonly Stream[], rounds: number, next: () => number): Stream {
  const stream = pool[Math.floor(next() * pool.length)];
  const from = Math.floor(next() * (stream.delayMs.length - rounds + 1));
  const cut = (column: Float64Array): Float64Array => column.slice(from, from + rounds);
  return {
    ...stream,
    sentMs: cut(stream.sentMs),
    delayMs: cut(stream.delayMs),
    weight: cut(stream.weight),
    queue: cut(stream.queue),
  };
}

function sumOf(letter: string, parts: readonly Stream[]): Stream {
  const [first, ...rest] = parts;
  for (const { delayMs } of rest)
    for (let i = 0; i < delayMs.length; i++) first.delayMs[i] += delayMs[i];
  return { ...first, class: letter };
}

function middle(values: Float64Array): number {
  return Float64Array.from(values).sort()[values.length >> 1];
}
