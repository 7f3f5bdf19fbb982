import { parentPort, workerData } from "node:worker_threads";
import type { ExchangeData } from "./exchange.ts";
import { type BeatSize, Leads, Profiles, queuedMsOf } from "./lead.ts";
import { ringbufReader, ringbufWriter } from "./peer-ringbuf-ends.ts";
import { nowMs } from "./threads.ts";

/** What the threads that send heartbeats over ringbuf.js are told. */
export interface RingbufHeartbeatData {
  readonly memory: SharedArrayBuffer;
  readonly size: BeatSize;
  /** Each heartbeat in a write of its own; otherwise those of a cluster together. */
  readonly single: boolean;
}

/** latency, processing, queued, health */
const ROW_WORDS = 4;

const data = workerData as ExchangeData & RingbufHeartbeatData;
const leads = new Leads(data.size);
const { agents, agentsPerCluster } = leads.topology;
const rows = data.single ? 1 : agentsPerCluster;
/** The first agent, then its rows. */
const itemWords = 1 + rows * ROW_WORDS;
const total = data.warm + data.measured;
const bits = new Int32Array(1);
const float = new Float32Array(bits.buffer);
parentPort?.postMessage(data.role === "producer" ? produce() : consume());
data.port.close();

function produce(): number {
  const profiles = new Profiles(agents);
  let next = 0;
  let agent = 0;
  const write = ringbufWriter(data.memory, (words, at) => {
    words[at] = agent;
    for (let i = 0; i < rows; i++) {
      const row = at + 1 + i * ROW_WORDS;
      words[row] = bitsOf(profiles.latencyMs[agent + i]);
      words[row + 1] = bitsOf(profiles.processingMs[agent + i]);
      words[row + 2] = bitsOf(queuedMsOf(next + i));
      words[row + 3] = profiles.health;
    }
  });
  for (; next < total; next += rows) {
    write(itemWords);
    agent += rows;
    if (agent === agents) agent = 0;
  }
  return total;
}

function consume(): number {
  let noted = 0;
  const read = ringbufReader(data.memory);
  const take = (words: Int32Array, count: number): void => {
    const cycleMs = nowMs();
    for (let at = 0; at < count; at += itemWords) {
      const first = words[at];
      for (let i = 0; i < rows; i++) {
        const row = at + 1 + i * ROW_WORDS;
        const latencyMs = floatOf(words[row]);
        const processingMs = floatOf(words[row + 1]);
        const queuedMs = floatOf(words[row + 2]);
        leads.note(first + i, latencyMs, processingMs, queuedMs, words[row + 3]);
      }
      const end = first + rows;
      if (end % agentsPerCluster === 0) leads.fold(end / agentsPerCluster - 1, cycleMs);
    }
    noted += (count / itemWords) * rows;
  };
  const drainTo = (end: number): void => {
    while (noted < end) read(((end - noted) / rows) * itemWords, take);
  };
  drainTo(data.warm);
  const startMs = nowMs();
  drainTo(total);
  const ms = nowMs() - startMs;
  leads.prove(total);
  return ms;
}

function bitsOf(value: number): number {
  float[0] = value;
  return bits[0];
}

function floatOf(word: number): number {
  bits[0] = word;
  return float[0];
}
