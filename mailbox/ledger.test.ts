import fc from "fast-check";
import { expect, test } from "vitest";
import {
  CONTROL_COMMITTED_F64,
  CONTROL_COUNTS_F64,
  CONTROL_WORDS,
  COUNT_COUNT,
  COUNTS_STRIDE,
} from "./layout.ts";
import { Ledger, readCounts } from "./ledger.ts";

function newControl(): Float64Array {
  return new Float64Array(CONTROL_WORDS / 2);
}

test("the successor of a thread that died anywhere counts on from the last commit", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(20), { maxLength: 12 }), fc.nat(COUNT_COUNT), (cycles, partly) => {
      const control = newControl();
      let ledger = new Ledger(control);
      expect(ledger.committed).toBe(0);
      let total = 0;
      for (const [i, count] of cycles.entries()) {
        for (let place = 0; place < COUNT_COUNT; place++) ledger.counts[place] += count;
        // Every third cycle dies, in the middle of what it prepares.
        if (i % 3 === 2) {
          const at = CONTROL_COUNTS_F64 + (ledger.cycle % 2) * COUNTS_STRIDE;
          for (let place = 0; place < partly; place++) control[at + place] = ledger.counts[place];
          ledger = new Ledger(control);
        } else {
          ledger.prepare();
          ledger.commit();
          total += count;
        }
        expect([...new Ledger(control).counts]).toEqual(Array(COUNT_COUNT).fill(total));
        expect(ledger.committed).toBe(control[CONTROL_COMMITTED_F64]);
      }
    }),
  );
});

test("a reader that is overtaken by commits never holds the counts of two cycles", () => {
  for (let at = 0; at < 40; at++) {
    const control = newControl();
    const ledger = new Ledger(control);
    const commitOne = (): void => {
      ledger.counts.fill(ledger.cycle);
      ledger.prepare();
      ledger.commit();
    };
    commitOne();
    // The writer commits one cycle and prepares another while the reader is at its `at`-th look.
    let looks = 0;
    const racing = new Proxy(control, {
      get: (target, key) => {
        if (looks++ === at) {
          commitOne();
          ledger.counts.fill(ledger.cycle);
          ledger.prepare();
        }
        return Reflect.get(target, key, target);
      },
    });
    const counts = new Float64Array(COUNT_COUNT);
    readCounts(racing, counts);
    expect(new Set(counts).size, `overtaken at look ${at}`).toBe(1);
  }
});

test("both sides of the counts lie in the thread's control block, in lines of their own", () => {
  expect(COUNT_COUNT).toBeLessThanOrEqual(COUNTS_STRIDE);
  expect((CONTROL_COUNTS_F64 * 8) % 128).toBe(0);
  expect((COUNTS_STRIDE * 8) % 128).toBe(0);
  expect((CONTROL_COUNTS_F64 + 2 * COUNTS_STRIDE) * 2).toBeLessThanOrEqual(CONTROL_WORDS);
});
