// A process with a journal under load, and what becomes of what it promised when it is killed or its disk is cut off:
// see durable-process.mjs.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { DurableSubject } from "./power-cut.ts";

const AGENTS = 12;
/** Of main: to each agent one of each priority that is never dropped for want of room. */
const STREAMS = Array.from({ length: AGENTS }, (_, target) =>
  [1, 2, 3].map((priority) => ({ name: `main-${target}-${priority}`, target, priority })),
).flat();
/** Latest moment of a kill after the process has begun to send, ms. */
const LATEST_MS = 250;

interface Books {
  readonly next: Record<string, number>;
  readonly twice: number;
  readonly gaps: number;
  readonly sent: Record<string, number>;
}

/** What the process finds when it comes up. */
interface Found {
  readonly books: readonly Books[];
  readonly lost: number;
  readonly restored: { readonly messages: number; readonly tornBytes: number };
}

/** A message of which the process was told that it is on disk. */
interface Said {
  readonly name: string;
  readonly id: number;
  readonly status: string;
}

/** What came of a process that was killed again and again over one folder. */
export interface DurableKills {
  readonly kills: number;
  /** Messages that were promised, and of these how many were not there afterwards. */
  readonly promised: number;
  readonly lost: number;
  /** Messages that were found unfinished, and finished. */
  readonly unfinished: number;
  /** Whatever was twice, left out, out of order or unfounded, in words. */
  readonly faults: readonly string[];
}

function argumentsOf(dataDir: string, seed: number, isQuiet: boolean): string[] {
  const script = fileURLToPath(new URL("./durable-process.mjs", import.meta.url));
  return [script, JSON.stringify({ dataDir, seed, agents: AGENTS, streams: STREAMS, isQuiet })];
}

/** One life of the process: it is killed so long after it has begun to send. */
async function live(
  dataDir: string,
  seed: number,
  afterMs: number,
): Promise<{ readonly found: Found; readonly said: readonly Said[] }> {
  const stdio: ["ignore", "pipe", "pipe"] = ["ignore", "pipe", "pipe"];
  const child = spawn(process.execPath, argumentsOf(dataDir, seed, false), { stdio });
  let complaint = "";
  child.stderr.on("data", (text) => {
    complaint += text;
  });
  let found: Found | undefined;
  const said: Said[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    if (found !== undefined) {
      said.push(JSON.parse(line));
      continue;
    }
    found = JSON.parse(line);
    setTimeout(() => child.kill("SIGKILL"), afterMs);
  }
  if (found === undefined) throw new Error(`the process did not come up: ${complaint}`);
  return { found, said };
}

/** What contradicts itself in the books that a life finds. */
function faultsOf({ books, lost }: Found): string[] {
  const faults = lost > 0 ? [`${lost} messages lost`] : [];
  for (const [agent, { twice, gaps, sent }] of books.entries()) {
    if (twice > 0 || gaps > 0) faults.push(`agent ${agent}: ${twice} twice, ${gaps} gaps`);
    // What an agent knows to have sent has come, and nothing else has.
    for (const [to, count] of Object.entries(sent)) {
      const came = books[Number(to)].next[agent] ?? 0;
      if (came !== count) faults.push(`agent ${agent} sent ${to} ${count}, of which ${came} came`);
    }
  }
  return faults;
}

/** By stream, one more than the last message that was promised. */
type Promised = Map<string, number>;

function note(promised: Promised, said: readonly Said[], faults: string[]): void {
  for (const { name, id, status } of said) {
    if (status !== "accepted") faults.push(`${name} ${id} was ${status}`);
    promised.set(name, Math.max(promised.get(name) ?? 0, id + 1));
  }
}

function missingOf(promised: Promised, { books }: Found): number {
  let missing = 0;
  for (const { name, target } of STREAMS)
    missing += Math.max(0, (promised.get(name) ?? 0) - (books[target].next[name] ?? 0));
  return missing;
}

/** Kills the process `kills` times under load, and lets it come up once more. */
export async function killDurable(
  kills: number,
  seed: number,
  random: () => number,
): Promise<DurableKills> {
  const dataDir = mkdtempSync(join(tmpdir(), "durable-"));
  const promised: Promised = new Map();
  const faults: string[] = [];
  let total = 0;
  let lost = 0;
  let unfinished = 0;
  try {
    for (let run = 0; run <= kills; run++) {
      const { found, said } = await live(
        dataDir,
        seed + run,
        run === kills ? 0 : random() * LATEST_MS,
      );
      lost += missingOf(promised, found);
      unfinished += found.restored.messages;
      faults.push(...faultsOf(found).map((fault) => `run ${run}: ${fault}`));
      total += run === kills ? 0 : said.length;
      note(promised, said, faults);
    }
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
  return { kills, promised: total, lost, unfinished, faults };
}

/** The same as something that is cut from its power, and killed over a folder that nobody has used before. */
export const journal: DurableSubject = {
  name: "journal: durable messages and the states of a mesh",
  writer: (folder) => argumentsOf(join(folder, "data"), 1, true),
  missing: async (folder, acked) => {
    const { found } = await live(join(folder, "data"), 2, 0);
    const promised: Promised = new Map();
    const faults = faultsOf(found);
    note(
      promised,
      acked.map((line) => JSON.parse(line)),
      faults,
    );
    if (faults.length > 0) throw new Error(faults.join("; "));
    return missingOf(promised, found);
  },
};
