import { parentPort, workerData } from "node:worker_threads";
import { FRAME_SOURCE } from "../mailbox/frame.ts";
import {
  HEARTBEAT_ROW,
  HEARTBEAT_ROW_WORDS,
  HEARTBEATS_ROWS,
  heartbeatsBytes,
  writeHeartbeatHeader,
} from "../mailbox/heartbeat.ts";
import { type FrameReader, FULL, Ring } from "../mailbox/ring.ts";
import type { ExchangeData } from "./exchange.ts";
import { type BeatSize, Leads, Profiles, queuedMsOf } from "./lead.ts";
import { Pause } from "./pause.ts";
import { nowMs } from "./threads.ts";

/** What the threads of `heartbeat.cross` are told. Their messages are heartbeats. */
export interface HeartbeatData {
  readonly memory: SharedArrayBuffer;
  readonly capacityBytes: number;
  readonly size: BeatSize;
  /** Each heartbeat in a frame of its own, published alone; otherwise those of a cluster together. */
  readonly single: boolean;
}

/** Frames that share one look at the clock, as those of one duty cycle do. */
const FRAMES_PER_CYCLE = 64;

const data = workerData as ExchangeData & HeartbeatData;
const ring = new Ring(data.memory, 0, data.capacityBytes);
/** Rows are floats in a memory of words. */
const floats = new Float32Array(ring.words.buffer, ring.words.byteOffset, ring.words.length);
const leads = new Leads(data.size);
const { agents, agentsPerCluster } = leads.topology;
const total = data.warm + data.measured;
parentPort?.postMessage(data.role === "producer" ? produce() : consume());
// The channel would keep the thread alive; this bench does not use it.
data.port.close();

function produce(): number {
  const pause = new Pause();
  const profiles = new Profiles(agents);
  const beats = data.single ? 1 : agentsPerCluster;
  const bytes = heartbeatsBytes(data.single ? 0 : agentsPerCluster);
  const rowsAt = data.single ? HEARTBEAT_ROW : HEARTBEATS_ROWS;
  const { words, doubles } = ring;
  let createdMs = nowMs();
  let cycle = 0;
  let agent = 0;
  for (let number = 0; number < total; number += beats) {
    let word = ring.tryClaim(bytes);
    while (word === FULL) {
      pause.wait();
      word = ring.tryClaim(bytes);
    }
    pause.reset();
    if (++cycle === FRAMES_PER_CYCLE) {
      cycle = 0;
      createdMs = nowMs();
    }
    const lead = leads.topology.leadBase;
    writeHeartbeatHeader(words, doubles, word, data.single ? 0 : beats, lead, agent, createdMs);
    for (let i = 0; i < beats; i++) {
      const row = word + rowsAt + i * HEARTBEAT_ROW_WORDS;
      floats[row] = profiles.latencyMs[agent];
      floats[row + 1] = profiles.processingMs[agent];
      floats[row + 2] = queuedMsOf(number + i);
      words[row + 3] = profiles.health;
      agent++;
    }
    if (agent === agents) agent = 0;
    ring.publish();
  }
  return total;
}

function consume(): number {
  const pause = new Pause();
  let noted = 0;
  let cycleMs = nowMs();
  const note = (agent: number, row: number): void => {
    leads.note(agent, floats[row], floats[row + 1], floats[row + 2], ring.words[row + 3]);
  };
  const one: FrameReader = {
    onFrame: ({ words }, word) => {
      const agent = words[word + FRAME_SOURCE];
      note(agent, word + HEARTBEAT_ROW);
      noted++;
      if ((agent + 1) % agentsPerCluster === 0) {
        leads.fold((agent + 1) / agentsPerCluster - 1, cycleMs);
      }
      return true;
    },
    onCorrupt,
  };
  const cluster: FrameReader = {
    onFrame: ({ words }, word) => {
      const first = words[word + FRAME_SOURCE];
      const rows = word + HEARTBEATS_ROWS;
      for (let i = 0; i < agentsPerCluster; i++) note(first + i, rows + i * HEARTBEAT_ROW_WORDS);
      noted += agentsPerCluster;
      leads.fold(first / agentsPerCluster, cycleMs);
      return true;
    },
    onCorrupt,
  };
  const reader = data.single ? one : cluster;
  const beats = data.single ? 1 : agentsPerCluster;
  const drainTo = (end: number): void => {
    while (noted < end) {
      cycleMs = nowMs();
      if (ring.drain(reader, (end - noted) / beats) === 0) pause.wait();
      else pause.reset();
    }
  };
  drainTo(data.warm);
  const startMs = nowMs();
  drainTo(total);
  const ms = nowMs() - startMs;
  leads.prove(total);
  return ms;
}

function onCorrupt(_: Ring, sentence: string): void {
  throw new Error(sentence);
}
