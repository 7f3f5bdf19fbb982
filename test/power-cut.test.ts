// Power cuts and kills of what promises to be on disk; `npm run prove -- --full power-cuts` has the large numbers.
import { describe, expect, test } from "vitest";
import { journal } from "./durable-kills.ts";
import { durableSubjects, hastyLog } from "./durable-subjects.ts";
import { printedSeed, randomOf } from "./mesh.ts";
import { cutPower, killWriter, whyNoDisks } from "./power-cut.ts";

const CUTS = 2;
const KILLS = 4;

const why = whyNoDisks();
if (why !== undefined) process.stdout.write(`no power is cut: ${why}\n`);

describe.each(durableSubjects)("$name", (subject) => {
  test.skipIf(why !== undefined)("loses nothing that it acknowledged to a power cut", async () => {
    const { acked, lost, faults } = await cutPower(subject, CUTS, randomOf(printedSeed()));
    expect({ lost, faults }).toEqual({ lost: 0, faults: [] });
    expect(acked).toBeGreaterThan(0);
  });
});

// Of the journal `durable-kills.test.ts` does more: it is killed over and over in one folder.
describe.each(durableSubjects.filter((subject) => subject !== journal))("$name", (subject) => {
  test("loses nothing that it acknowledged to kill -9", async () => {
    const { acked, lost, faults } = await killWriter(subject, KILLS, randomOf(printedSeed()));
    expect({ lost, faults }).toEqual({ lost: 0, faults: [] });
    expect(acked).toBeGreaterThan(0);
  });
});

test.skipIf(why !== undefined)(
  "a cut loses what was acknowledged without being synced",
  async () => {
    const { acked, lost } = await cutPower(hastyLog, CUTS, randomOf(printedSeed()));
    expect(acked).toBeGreaterThan(0);
    expect(lost).toBeGreaterThan(0);
  },
);
