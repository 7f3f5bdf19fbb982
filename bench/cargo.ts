import { type BeatSize, Leads, Profiles, queuedMsOf } from "./lead.ts";
import { fillFrame, proveFrame } from "./pattern.ts";
import { FIRST_TASK_NUMBER, type TaskMessage, taskMessage } from "./payload.ts";
import { nowMs } from "./threads.ts";

/**
 * What peers that send values, not bytes, are given to carry: messages made one by one from their number,
 * and proved from it where they arrive.
 */
export interface Cargo {
  make(number: number): unknown;
  /** Throws when `message` is not message `number`. */
  take(message: unknown, number: number): void;
}

/** Names a cargo; can be sent to a worker. */
export type CargoKind =
  | { readonly kind: "frames"; readonly frameWords: number; readonly framesPerMessage: number }
  | { readonly kind: "task" }
  /** A heartbeat as an object. */
  | { readonly kind: "heartbeat"; readonly size: BeatSize; readonly total: number }
  /** The heartbeats of a cluster in one typed array. */
  | { readonly kind: "heartbeats"; readonly size: BeatSize; readonly total: number };

export function createCargo(cargo: CargoKind): Cargo {
  switch (cargo.kind) {
    case "frames":
      return frames(cargo.frameWords, cargo.framesPerMessage);
    case "task":
      return { make: (number) => taskMessage(FIRST_TASK_NUMBER + number), take: proveTask };
    case "heartbeat":
      return heartbeat(cargo.size, cargo.total);
    case "heartbeats":
      return heartbeats(cargo.size, cargo.total);
    default:
      return cargo satisfies never;
  }
}

function frames(frameWords: number, framesPerMessage: number): Cargo {
  const length = frameWords * framesPerMessage;
  return {
    make(number) {
      const words = new Int32Array(length);
      let frame = number * framesPerMessage;
      for (let at = 0; at < length; at += frameWords) fillFrame(words, at, frameWords, frame++);
      return words;
    },
    take(message, number) {
      const words = message as Int32Array;
      let frame = number * framesPerMessage;
      for (let at = 0; at < length; at += frameWords) proveFrame(words, at, frameWords, frame++);
    },
  };
}

/** A heartbeat as a program without shared memory would send it. */
interface Beat {
  readonly agent: number;
  readonly latencyMs: number;
  readonly processingMs: number;
  readonly queuedMs: number;
  readonly health: number;
}

function heartbeat(size: BeatSize, total: number): Cargo {
  const leads = new Leads(size);
  const { agents, agentsPerCluster } = leads.topology;
  const { latencyMs, processingMs, health } = new Profiles(agents);
  return {
    make(number): Beat {
      const agent = number % agents;
      return {
        agent,
        latencyMs: latencyMs[agent],
        processingMs: processingMs[agent],
        queuedMs: queuedMsOf(number),
        health,
      };
    },
    take(message, number) {
      const beat = message as Beat;
      leads.note(beat.agent, beat.latencyMs, beat.processingMs, beat.queuedMs, beat.health);
      if ((beat.agent + 1) % agentsPerCluster === 0) {
        leads.fold((beat.agent + 1) / agentsPerCluster - 1, nowMs());
      }
      if (number === total - 1) leads.prove(total);
    },
  };
}

function heartbeats(size: BeatSize, total: number): Cargo {
  const leads = new Leads(size);
  const { agents, clusters, agentsPerCluster } = leads.topology;
  const { latencyMs, processingMs, health } = new Profiles(agents);
  return {
    make(number) {
      const rows = new Float64Array(agentsPerCluster * 4);
      const first = (number % clusters) * agentsPerCluster;
      for (let i = 0; i < agentsPerCluster; i++) {
        rows[i * 4] = latencyMs[first + i];
        rows[i * 4 + 1] = processingMs[first + i];
        rows[i * 4 + 2] = queuedMsOf(number * agentsPerCluster + i);
        rows[i * 4 + 3] = health;
      }
      return rows;
    },
    take(message, number) {
      const rows = message as Float64Array;
      const cluster = number % clusters;
      const first = cluster * agentsPerCluster;
      for (let i = 0; i < agentsPerCluster; i++) {
        leads.note(first + i, rows[i * 4], rows[i * 4 + 1], rows[i * 4 + 2], rows[i * 4 + 3]);
      }
      leads.fold(cluster, nowMs());
      if (number === total - 1) leads.prove(total * agentsPerCluster);
    },
  };
}

/** Throws when `message` is not the task message of this number, counted from 0. */
export function proveTask(message: unknown, number: number): void {
  const found = (message as TaskMessage).number - FIRST_TASK_NUMBER;
  if (found !== number) throw new Error(`message ${number} expected, found ${found}`);
}
