// A process with a journal, killed at any moment: what it had promised is there when it comes back, once.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { printedSeed, randomOf } from "./mesh.ts";

const AGENTS = 12;
const KILLS = Number(process.env.DURABLE_KILLS ?? 10);
/** Of main: to each agent one of each priority that is never dropped for want of room. */
const STREAMS = Array.from({ length: AGENTS }, (_, target) =>
  [1, 2, 3].map((priority) => ({ name: `main-${target}-${priority}`, target, priority })),
).flat();

interface Books {
  readonly next: Record<string, number>;
  readonly twice: number;
  readonly gaps: number;
  readonly sent: Record<string, number>;
}

interface Run {
  readonly books: readonly Books[];
  readonly lost: number;
  readonly restored: { readonly messages: number; readonly tornBytes: number };
  /** By stream, one more than the last message that was promised. */
  readonly promised: ReadonlyMap<string, number>;
}

/** One life of the process: it is killed so long after it has begun to send. */
async function live(dataDir: string, seed: number, afterMs: number): Promise<Run> {
  const settings = JSON.stringify({ dataDir, seed, agents: AGENTS, streams: STREAMS });
  const script = fileURLToPath(new URL("./durable-process.mjs", import.meta.url));
  const child = spawn(process.execPath, [script, settings], { stdio: ["ignore", "pipe", "pipe"] });
  let complaint = "";
  child.stderr.on("data", (text) => {
    complaint += text;
  });
  const promised = new Map<string, number>();
  let found: Omit<Run, "promised"> | undefined;
  for await (const line of createInterface({ input: child.stdout })) {
    const said = JSON.parse(line);
    if (found === undefined) {
      found = said;
      setTimeout(() => child.kill("SIGKILL"), afterMs);
    } else {
      expect(said.status).toBe("accepted");
      promised.set(said.name, Math.max(promised.get(said.name) ?? 0, said.id + 1));
    }
  }
  if (found === undefined) throw new Error(`the process did not come up: ${complaint}`);
  return { ...found, promised };
}

test(`${KILLS} times killed under load: nothing that was promised is lost, nothing has its effect twice`, async () => {
  const seed = printedSeed();
  const random = randomOf(seed);
  const dataDir = mkdtempSync(join(tmpdir(), "durable-"));
  const promised = new Map<string, number>();
  let total = 0;
  let found = 0;
  try {
    for (let life = 0; life <= KILLS; life++) {
      const run = await live(dataDir, seed + life, life === KILLS ? 0 : random() * 250);
      expect(run.lost).toBe(0);
      found += run.restored.messages;
      for (const { name, target } of STREAMS)
        expect(run.books[target].next[name] ?? 0, name).toBeGreaterThanOrEqual(
          promised.get(name) ?? 0,
        );
      for (const [agent, { twice, gaps, sent }] of run.books.entries()) {
        expect({ twice, gaps }, `agent ${agent}`).toEqual({ twice: 0, gaps: 0 });
        // What an agent knows to have sent has come, and nothing else has.
        for (const [to, count] of Object.entries(sent))
          expect(run.books[Number(to)].next[agent], `${agent} to ${to}`).toBe(count);
      }
      for (const [name, next] of run.promised) {
        total +=
          next -
          (run.books[STREAMS.find((each) => each.name === name)?.target ?? 0].next[name] ?? 0);
        promised.set(name, next);
      }
    }
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
  // The kills did hit work: there was something to promise, and something left to do.
  expect(total).toBeGreaterThan(100);
  expect(found).toBeGreaterThan(0);
  process.stdout.write(`${total} promised, ${found} found unfinished\n`);
}, 120_000);
