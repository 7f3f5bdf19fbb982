// Mistakes in rings, lanes and doorbells that their exploration must find, in the code of the build.
import type { Mutant } from "./stepped-code.ts";

export const ringMutants: readonly Mutant[] = [
  {
    name: "tail before body",
    on: 1,
    edits: [
      {
        file: "mailbox/ring.js",
        from: "this.#claimed = end;",
        to: "this.#claimed = end; Atomics.store(this.words, RING_TAIL, end);",
      },
    ],
  },
  {
    name: "accepted before it is in custody",
    on: 1,
    edits: [
      {
        file: "mailbox/ring.js",
        from: "if (!reader.onFrame(this, word, end))",
        to: "words[RING_ACCEPTED] = end; if (!reader.onFrame(this, word, end))",
      },
    ],
  },
  {
    name: "memory given back before it is read",
    on: 0,
    edits: [
      {
        file: "mailbox/ring.js",
        from: "if (!reader.onFrame(this, word, end))",
        to: "Atomics.store(words, RING_HEAD, end); if (!reader.onFrame(this, word, end))",
      },
    ],
  },
  {
    name: "the prepared tail before its cycle",
    on: 4,
    edits: [
      {
        file: "mailbox/ring.js",
        from: "this.doubles[RING_NEXT_CYCLE_F64] = cycle;",
        to: "this.words[RING_NEXT_TAIL] = this.#claimed; this.doubles[RING_NEXT_CYCLE_F64] = cycle;",
      },
    ],
  },
  {
    name: "a prepared publication left for the next cycle of that number",
    on: 3,
    edits: [{ file: "mailbox/ring.js", from: "this.doubles[RING_NEXT_CYCLE_F64] = 0;", to: "" }],
  },
  {
    name: "a successor that does not finish the publication",
    on: 1,
    edits: [
      {
        file: "mailbox/ring.js",
        from: "Atomics.store(this.words, RING_TAIL, tail);",
        to: "tail;",
      },
    ],
  },
  {
    name: "a successor that publishes what was not committed",
    on: 1,
    edits: [
      {
        file: "mailbox/ring.js",
        from: "if (this.doubles[RING_NEXT_CYCLE_F64] === committedCycle && committedCycle > 0) {",
        to: "if (this.doubles[RING_NEXT_CYCLE_F64] > 0) {",
      },
    ],
  },
  {
    name: "one cell more than there is",
    on: 0,
    edits: [
      {
        file: "mailbox/ring.js",
        from: "if (((end - this.#headSeen) | 0) > this.#cells)\n                return FULL;",
        to: "if (((end - this.#headSeen) | 0) > this.#cells + 1) return FULL;",
      },
    ],
  },
  {
    name: "padding without its length",
    on: 2,
    edits: [
      {
        file: "mailbox/ring.js",
        from: "this.words[word + FRAME_LENGTH] = padding * CELL_BYTES;",
        to: "",
      },
    ],
  },
  {
    name: "no look for work between lying down and sleeping",
    on: 1,
    edits: [{ file: "mailbox/lanes.js", from: "if (!lane.ring.empty)", to: "if (false)" }],
  },
  {
    name: "the bell before the publication",
    on: 1,
    edits: [
      {
        file: "mailbox/lanes.js",
        from: "this.#out[i].publish();\n            ringDoorbell(this.#controls[this.#outThread[i]]);",
        to: "ringDoorbell(this.#controls[this.#outThread[i]]); this.#out[i].publish();",
      },
    ],
  },
  {
    name: "a successor that wakes only who looks asleep",
    on: 1,
    edits: [
      {
        file: "mailbox/lanes.js",
        from: "wakeUp(this.#controls[this.#outThread[i]]);",
        to: "ringDoorbell(this.#controls[this.#outThread[i]]);",
      },
    ],
  },
  {
    name: "a successor that wakes nobody",
    on: 1,
    edits: [
      { file: "mailbox/lanes.js", from: "wakeUp(this.#controls[this.#outThread[i]]);", to: "" },
    ],
  },
  {
    name: "batches counted across incarnations",
    on: 4,
    edits: [
      {
        file: "mailbox/lanes.js",
        from: "epoch === this.#epoch ? this.#sequence + 1 : 1",
        to: "this.#sequence + 1",
      },
    ],
  },
  {
    name: "published before the commit",
    on: 1,
    edits: [
      {
        file: "runtime/dispatch/dispatcher.js",
        from:
          'ledger.commit();\n        ports.failpoint?.("commit-done");\n' +
          "        journal?.publish();\n        view.lanes.publish();",
        to: "view.lanes.publish(); ledger.commit();",
      },
    ],
  },
  {
    name: "prepared after the commit",
    on: 1,
    edits: [
      {
        file: "runtime/dispatch/dispatcher.js",
        from:
          "prepare(ledger.cycle);\n        journal?.prepare(ledger.cycle);\n" +
          '        ports.failpoint?.("commit-prepared");\n        ledger.commit();',
        to: "incoming; ledger.commit(); view.lanes.prepare(ledger.committed);",
      },
    ],
  },
];
