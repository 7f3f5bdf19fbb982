// Main dies with its machine, its worker dies, its disk fails: what was said to be on disk has its effect, once.
import { describe, expect, test } from "vitest";
import type { JournalFile } from "../runtime/journal/journal-files.ts";
import { printedSeed } from "../test/mesh.ts";
import { type JournalSabotage, type JournalStormOutcome, journalStorm } from "./journal-storm.ts";

const SEEDS = Number(process.env.JOURNAL_STORMS ?? 15);
const FIRST = 1;
const STEPS = 400;

function storm(seed: number, sabotage?: JournalSabotage): Promise<JournalStormOutcome> {
  return journalStorm({ seed, steps: STEPS, ...(sabotage !== undefined && { sabotage }) });
}

test(`${SEEDS} storms: nothing promised is lost, nothing acts twice, all in order`, async () => {
  // These by default; with JOURNAL_STORMS so many others.
  const first = process.env.JOURNAL_STORMS === undefined ? FIRST : printedSeed();
  const sums = { accepted: 0, workerDeaths: 0, mainDeaths: 0, diskFaults: 0, tornBytes: 0 };
  for (let seed = first; seed < first + SEEDS; seed++) {
    const outcome = await storm(seed);
    expect({ seed, violation: outcome.violation }).toEqual({ seed, violation: undefined });
    for (const name of Object.keys(sums) as (keyof typeof sums)[]) sums[name] += outcome[name];
  }
  // Each kind of fault has really happened.
  for (const sum of Object.values(sums)) expect(sum).toBeGreaterThan(0);
  process.stdout.write(`${JSON.stringify(sums)}\n`);
}, 60_000);

test("the same seed is the same storm", async () => {
  expect(await storm(7)).toEqual(await storm(7));
});

interface Mutant {
  readonly name: string;
  readonly found: RegExp;
  readonly sabotage: JournalSabotage;
}

/** Changes the files that the disk makes. */
function files(change: (file: JournalFile) => Partial<JournalFile>): JournalSabotage {
  return {
    disk: (disk) => {
      const create = disk.create.bind(disk);
      disk.create = (name) => {
        const file = create(name);
        return { ...file, ...change(file) };
      };
    },
  };
}

/** Gone, or a start that says that the journal is not what was written. */
const LOST_OR_SEEN = /^(lost|sound: JournalCorruptError)/;

const MUTANTS: readonly Mutant[] = [
  {
    name: "a repeated turn that sends again what it had sent",
    found: /^once/,
    sabotage: {
      thread: ({ sends }) => {
        sends.repeats = () => false;
      },
    },
  },
  {
    name: "a thread that says accepted before it is on disk",
    found: /^lost/,
    sabotage: {
      thread: ({ journal }) => {
        if (journal !== undefined) journal.onDisk = (then) => then();
      },
    },
  },
  {
    name: "a thread that does not tell the journal which messages are done",
    found: /^once/,
    sabotage: {
      thread: ({ journal }) => {
        if (journal !== undefined) journal.finished = () => {};
      },
    },
  },
  {
    name: "a thread that tells the journal no states",
    found: /^(lost|once)/,
    sabotage: {
      thread: ({ journal }) => {
        if (journal !== undefined) journal.saved = () => {};
      },
    },
  },
  {
    name: "a writer that does not write through",
    found: LOST_OR_SEEN,
    sabotage: files(() => ({ sync: () => {} })),
  },
  {
    name: "a writer that writes through again what could not be",
    found: LOST_OR_SEEN,
    sabotage: files((file) => ({
      sync: () => {
        try {
          file.sync();
        } catch {
          file.sync = () => {};
        }
      },
    })),
  },
  {
    name: "a writer that leaves half a batch where the next one goes",
    found: LOST_OR_SEEN,
    sabotage: files(() => ({ truncate: () => {} })),
  },
];

describe("a bug put in on purpose is found:", () => {
  test.each(MUTANTS)("$name", async ({ found, sabotage }) => {
    let violation: string | undefined;
    for (let seed = 1; seed <= 30 && violation === undefined; seed++)
      ({ violation } = await storm(seed, sabotage));
    expect(violation).toMatch(found);
  });
});
