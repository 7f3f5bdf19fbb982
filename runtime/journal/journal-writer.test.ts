import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { JOURNAL_ERRNO, JOURNAL_STATE, JournalState } from "../../mailbox/layout.ts";
import { type Found, foundIn, JournalDesk } from "../../test/journal-desk.ts";
import type { MemoryJournal } from "../../test/memory-journal.ts";
import { recoverJournal } from "./journal-recovery.ts";
import { JournalCorruptError, segmentName } from "./journal-segments.ts";

const FIRST = segmentName(1);

/** Three batches of several entries each, and what is there after each of them. */
function threeBatches(): { files: MemoryJournal; sizes: number[]; found: Found[] } {
  const desk = new JournalDesk(undefined, 1 << 20);
  const sizes: number[] = [];
  const found: Found[] = [];
  for (let round = 1; round <= 3; round++) {
    desk.accept(0, round, round * 5);
    desk.state(1, round, round, 3 * round);
    if (round > 1) desk.done(1, 256, round - 1);
    desk.publish(0);
    desk.publish(1);
    desk.pump();
    sizes.push(desk.files.read(FIRST).length);
    found.push(foundIn(desk.files));
  }
  return { files: desk.files, sizes, found };
}

describe("a journal that was cut off", () => {
  test("at every byte of its last batch, has what was on disk before", () => {
    const { files, sizes, found } = threeBatches();
    const whole = files.read(FIRST);
    for (let bytes = sizes[1]; bytes < sizes[2]; bytes++) {
      const cut = files.with(FIRST, whole.slice(0, bytes));
      expect(foundIn(cut), `${bytes} bytes`).toEqual(found[1]);
      expect(recoverJournal(cut).read.segments[0].tornBytes).toBe(bytes - sizes[1]);
    }
    expect(foundIn(files)).toEqual(found[2]);
  });

  test("with its last batch there in length and not in content, has what was before", () => {
    const { files, sizes, found } = threeBatches();
    for (let bytes = sizes[1]; bytes < sizes[2]; bytes += 8) {
      const torn = files.read(FIRST).fill(0, bytes);
      expect(foundIn(files.with(FIRST, torn))).toEqual(found[1]);
    }
  });

  test("goes on in another segment, which says how far the one before counts", () => {
    const { files, sizes, found } = threeBatches();
    const cut = files.with(FIRST, files.read(FIRST).slice(0, sizes[2] - 3));
    const desk = new JournalDesk(cut);
    expect(foundIn(cut)).toEqual(found[1]);
    desk.accept(0, 9);
    desk.publish(0);
    desk.pump();
    expect(cut.list()).toEqual([FIRST, segmentName(2)]);
    expect(foundIn(cut).messages).toEqual([...found[1].messages, "256:9"].sort());
  });

  test("at every byte of a new segment's header, is as if the segment had not been made", () => {
    const { files, found } = threeBatches();
    const desk = new JournalDesk(files);
    desk.accept(0, 9);
    desk.publish(0);
    desk.pump();
    const second = files.read(segmentName(2));
    for (let bytes = 0; bytes < 64; bytes++) {
      const cut = files.with(segmentName(2), second.slice(0, bytes));
      expect(recoverJournal(cut).read.stillborn).toBe(segmentName(2));
      expect(foundIn(cut)).toEqual(found[2]);
    }
  });
});

describe("a journal that was changed", () => {
  test("anywhere before its last batch, is refused with the file and the place", () => {
    const { files, sizes } = threeBatches();
    const whole = files.read(FIRST);
    for (let byte = 0; byte < sizes[1]; byte++) {
      for (const bit of [0, 7]) {
        const changed = whole.slice();
        changed[byte] ^= 1 << bit;
        let error: unknown;
        try {
          foundIn(files.with(FIRST, changed));
        } catch (caught) {
          error = caught;
        }
        expect(error, `byte ${byte}`).toBeInstanceOf(JournalCorruptError);
        expect((error as JournalCorruptError).file).toBe(FIRST);
        expect((error as Error).message).toContain(`${FIRST} is damaged at byte`);
      }
    }
  });

  test("in any way, says so by its error or finds less, and never more", () => {
    const { files, found } = threeBatches();
    const whole = files.read(FIRST);
    const known = new Set(found.flatMap(({ messages }) => messages));
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 }),
        fc.nat(whole.length),
        (changes, length) => {
          const changed = whole.slice(0, length);
          for (const [byte, value] of changes) if (byte < length) changed[byte] = value;
          try {
            for (const message of foundIn(files.with(FIRST, changed)).messages)
              expect(known.has(message)).toBe(true);
          } catch (error) {
            if (!(error instanceof JournalCorruptError)) throw error;
          }
        },
      ),
      { numRuns: 2000 },
    );
  });

  test("after a good stop, in its last batch too", () => {
    const desk = new JournalDesk(undefined, 1 << 20);
    desk.accept(0, 1);
    desk.publish(0);
    desk.pump();
    const end = desk.files.read(FIRST).length;
    desk.writer.stop();
    expect(desk.control[JOURNAL_STATE]).toBe(JournalState.STOPPED);
    expect(recoverJournal(desk.files).stopped).toBe(true);
    const changed = desk.files.read(FIRST);
    changed[end - 1] ^= 1;
    expect(() => foundIn(desk.files.with(FIRST, changed))).toThrow(JournalCorruptError);
  });

  test("by the loss of a segment, is refused", () => {
    const desk = new JournalDesk(undefined, 256);
    for (let sequence = 1; sequence < 4; sequence++) {
      desk.accept(0, sequence, 200);
      desk.publish(0);
      desk.pump();
    }
    desk.files.files.delete(segmentName(2));
    expect(() => foundIn(desk.files)).toThrow("segment 2 before it is missing");
  });
});

describe("the writer", () => {
  test("gives nothing back before it is on disk, and wakes who waits for it", () => {
    const desk = new JournalDesk();
    let synced = 0;
    desk.files.fault = (step) => {
      if (step.do === "sync") {
        synced++;
        expect(desk.isOnDisk(0)).toBe(false);
        expect(desk.woken).toEqual([]);
      }
      return undefined;
    };
    desk.accept(0, 1);
    desk.publish(0);
    desk.pump();
    // The segment's header, and the batch.
    expect(synced).toBe(2);
    expect(desk.isOnDisk(0)).toBe(true);
    expect(desk.woken).toEqual([0]);
  });

  test("puts what ends a message behind the message, whichever of the rings comes first", () => {
    const desk = new JournalDesk();
    desk.done(0, 257, 1);
    desk.accept(1, 1);
    desk.publish(1);
    desk.publish(0);
    desk.pump();
    expect(foundIn(desk.files).messages).toEqual([]);
  });

  test.each([
    ["a full disk", 28, "append"],
    ["a full disk in the middle of a batch", 28, "append half"],
    ["a disk that does not sync", 5, "sync"],
  ] as const)(
    "survives %s: nothing is forgotten, and all is written when it can be",
    (_, errno, how) => {
      const desk = new JournalDesk(undefined, 1 << 20);
      desk.accept(0, 1);
      desk.publish(0);
      desk.pump();
      const [step, half] = how.split(" ");
      desk.files.fault = (each) =>
        each.do === step ? { errno, half: half !== undefined } : undefined;
      desk.accept(0, 2);
      desk.state(1, 4, 1, 40);
      desk.publish(0);
      desk.publish(1);
      for (let i = 0; i < 3; i++) expect(desk.writer.pump()).toBe(false);
      expect(desk.writer.isFailing).toBe(true);
      expect(desk.control[JOURNAL_STATE]).toBe(JournalState.FAILING);
      expect(desk.control[JOURNAL_ERRNO]).toBe(errno);
      expect(desk.isOnDisk(0)).toBe(false);
      // What a process that died now would find.
      expect(foundIn(desk.files).messages).toContain("256:1");
      desk.files.fault = () => undefined;
      desk.pump();
      expect(desk.writer.isFailing).toBe(false);
      expect(desk.control[JOURNAL_STATE]).toBe(JournalState.RUNNING);
      expect(desk.isOnDisk(0)).toBe(true);
      expect(foundIn(desk.files)).toMatchObject({
        messages: ["256:1", "256:2"],
        states: { 4: "1*40" },
      });
    },
  );

  test("keeps its disk use within bounds of what counts, whatever was written", () => {
    const desk = new JournalDesk(undefined, 16 * 1024);
    desk.accept(0, 1);
    desk.opened(77);
    desk.outcome(1, 77, 3, 1);
    let most = 0;
    for (let round = 0; round < 2000; round++) {
      for (let agent = 0; agent < 20; agent++) desk.state(1, agent, round & 0xff, 100);
      desk.accept(0, 100 + round);
      desk.done(1, 256, 100 + round);
      desk.publish(0);
      desk.publish(1);
      desk.pump();
      let bytes = 0;
      for (const name of desk.files.list()) bytes += desk.files.read(name).length;
      most = Math.max(most, bytes);
    }
    // 2,000 rounds of more than 2 KiB; what counts is 3 KiB.
    expect(most).toBeLessThan(7 * 16 * 1024);
    expect(foundIn(desk.files)).toEqual({
      states: Object.fromEntries(
        [...Array(20).keys()].map((agent) => [agent, `${1999 & 0xff}*100`]),
      ),
      messages: ["256:1"],
      operations: { 77: ["3:1"] },
    });
  });
});

test("whatever is handed over, a reader finds what a model has, at every moment and across restarts", () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant("accept" as const), thread: fc.nat(1), length: fc.nat(300) }),
    fc.record({ do: fc.constant("done" as const), thread: fc.nat(1), which: fc.nat(20) }),
    fc.record({
      do: fc.constant("state" as const),
      agent: fc.nat(5),
      first: fc.nat(255),
      length: fc.integer({ min: 1, max: 300 }),
    }),
    fc.record({ do: fc.constant("ended" as const), agent: fc.nat(5) }),
    fc.record({ do: fc.constant("opened" as const), operation: fc.nat(3) }),
    fc.record({ do: fc.constant("outcome" as const), operation: fc.nat(3), agent: fc.nat(5) }),
    fc.record({ do: fc.constant("closed" as const), operation: fc.nat(3) }),
    fc.record({ do: fc.constant("commit" as const) }),
    fc.record({ do: fc.constant("restart" as const) }),
    fc.record({ do: fc.constant("trouble" as const), at: fc.nat(6), half: fc.boolean() }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      let desk = new JournalDesk(undefined, 1024);
      let sequence = 0;
      const states = new Map<number, string>();
      const messages = new Set<string>();
      const operations = new Map<number, Map<number, number>>();
      const commit = (): void => {
        desk.publish(0);
        desk.publish(1);
        desk.pump();
        if (desk.writer.isFailing) {
          desk.files.fault = () => undefined;
          desk.pump();
        }
        expect(foundIn(desk.files)).toEqual({
          states: Object.fromEntries(states),
          messages: [...messages].sort(),
          operations: Object.fromEntries(
            [...operations].map(([operation, outcomes]) => [
              operation,
              [...outcomes].map(([agent, outcome]) => `${agent}:${outcome}`).sort(),
            ]),
          ),
        });
      };
      for (const each of steps) {
        switch (each.do) {
          case "accept":
            desk.accept(each.thread, ++sequence, each.length);
            messages.add(`${256 + each.thread}:${sequence}`);
            break;
          case "done": {
            const message = [...messages][each.which];
            if (message === undefined) break;
            const [origin, number] = message.split(":").map(Number);
            desk.done(each.thread, origin, number);
            messages.delete(message);
            break;
          }
          case "state":
            desk.state(1, each.agent, each.first, each.length);
            states.set(each.agent, `${each.first}*${each.length}`);
            break;
          case "ended":
            desk.ended(1, each.agent);
            states.delete(each.agent);
            break;
          case "opened":
            desk.opened(each.operation);
            if (!operations.has(each.operation)) operations.set(each.operation, new Map());
            break;
          case "outcome":
            desk.outcome(0, each.operation, each.agent, 1);
            operations.get(each.operation)?.set(each.agent, 1);
            break;
          case "closed":
            desk.closed(each.operation);
            operations.delete(each.operation);
            break;
          case "commit":
            commit();
            break;
          case "restart":
            commit();
            desk = new JournalDesk(desk.files, 1024);
            break;
          case "trouble": {
            let left = each.at;
            desk.files.fault = (step) =>
              step.do !== "close" && left-- === 0 ? { errno: 28, half: each.half } : undefined;
          }
        }
      }
      desk.files.fault = () => undefined;
      commit();
    }),
    { numRuns: 300 },
  );
});
