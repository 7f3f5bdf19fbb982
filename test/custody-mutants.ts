// Mistakes in custody, commit and succession that their exploration must find, in the code of the build.
import type { Mutant } from "./stepped-code.ts";

export const custodyMutants: readonly Mutant[] = [
  {
    name: "done before the commit",
    on: 0,
    edits: [
      {
        file: "runtime/dispatch/dispatcher.js",
        from: "custody.stamp(slot, SlotState.DONE, this.ledger.cycle)",
        to: "custody.stamp(slot, SlotState.DONE, 0)",
      },
    ],
  },
  {
    name: "a commit in two stores: the snapshot counts at once",
    on: 0,
    edits: [
      {
        file: "runtime/dispatch/checkpoints.js",
        from: "SlotState.CHECKPOINT, ledger.cycle)",
        to: "SlotState.CHECKPOINT, 0)",
      },
    ],
  },
  {
    name: "a message to itself counts at once",
    on: 1,
    edits: [
      {
        file: "runtime/dispatch/inbox.js",
        from: "SlotState.QUEUED, ledger.cycle)",
        to: "SlotState.QUEUED, 0)",
      },
    ],
  },
  {
    name: "memory used again before the commit",
    on: 0,
    edits: [
      {
        file: "runtime/dispatch/dispatcher.js",
        from: "this.#done[this.#doneCount++] = slot;",
        to: "this.view.custody.free(slot);",
      },
    ],
  },
  {
    name: "sent and done in one cycle, and waits again",
    on: 1,
    edits: [{ file: "mailbox/custody.js", from: "sentInThisCycle ? SlotState.DONE :", to: "" }],
  },
  {
    name: "done in a cycle that was not committed, and not put back",
    on: 0,
    edits: [
      {
        file: "mailbox/custody.js",
        from: "return happened ? SlotState.FREE : SlotState.QUEUED;",
        to: "return SlotState.FREE;",
      },
    ],
  },
  {
    name: "what was sent in a cycle that was not committed is delivered",
    on: 1,
    edits: [
      {
        file: "mailbox/custody.js",
        from: "if (!happened)\n            return SlotState.FREE;",
        to: "if (!happened && state !== SlotState.QUEUED) return SlotState.FREE;",
      },
    ],
  },
  {
    name: "the older of two snapshots",
    on: 2,
    edits: [
      {
        file: "mailbox/custody.js",
        from: "return stamp > otherStamp ||",
        to: "return stamp < otherStamp ||",
      },
    ],
  },
  {
    name: "custody not asked how far the lane was read",
    on: 0,
    edits: [
      {
        file: "runtime/dispatch/succession.js",
        from: "if (((position - accepted) | 0) > 0)",
        to: "if (false)",
      },
    ],
  },
  {
    name: "stamped before it is whole",
    on: 0,
    edits: [
      {
        file: "runtime/dispatch/dispatcher.js",
        from: "const { words } = custody;",
        to: "const { words } = custody; custody.stamp(slot, SlotState.QUEUED, 0);",
      },
    ],
  },
  {
    name: "accepted after the last commit and not counted",
    on: 0,
    edits: [
      {
        file: "runtime/dispatch/succession.js",
        from: "ledger.counts[Count.ACCEPTED]++;",
        to: ";",
      },
    ],
  },
  {
    name: "the number of the committed cycle used again",
    on: 0,
    edits: [
      {
        file: "mailbox/ledger.js",
        from: "this.cycle = committed + 1;",
        to: "this.cycle = committed;",
      },
    ],
  },
  {
    name: "counts written to the side that is committed",
    on: 0,
    edits: [
      {
        file: "mailbox/ledger.js",
        from: "CONTROL_COUNTS_F64 + parity(this.cycle)",
        to: "CONTROL_COUNTS_F64 + parity(this.cycle + 1)",
      },
    ],
  },
  {
    name: "a reader of counts that does not look again",
    on: 3,
    edits: [
      {
        file: "mailbox/ledger.js",
        from: "if (control[CONTROL_COMMITTED_F64] === committed)",
        to: "if (true)",
      },
    ],
  },
];
