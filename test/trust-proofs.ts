// Proofs of what must not be believed: messages, and input of any kind.
import { FORGERIES, tryForgery } from "./forgeries.ts";
import { rewriteDuringVerification } from "./hostile-memory.ts";
import { readMalformed } from "./malformed.ts";
import { count, type Proof, type Row } from "./proof.ts";

/** What may be in use more at the end of a reader's cases than after the first tenth, bytes: compiled code. */
const FLAT_BYTES = 16 * 1024 * 1024;

export const forgeries: Proof = {
  name: "forgeries",
  question: "Is a message believed that must not be, or an honest one refused?",
  run: async ({ full, seed, tell }) => {
    const rows: Row[] = [];
    for (const forgery of FORGERIES) {
      const found = tryForgery(forgery, full ? 1_000_000 : 10_000, seed, tell);
      const { tried, accepted, honest, honestRefused, fault, reasons } = found;
      const why = [...reasons].sort(([, a], [, b]) => b - a).slice(0, 4);
      rows.push({
        fault: `a message ${forgery}: refused as ${why.map(([reason]) => reason).join(", ")}`,
        count: `${count(tried, "messages")}, ${count(honest, "honest ones between them")}`,
        outcome:
          fault ??
          `${accepted} accepted, ${honestRefused} honest ${honestRefused === 1 ? "one" : "ones"} refused`,
        holds: fault === undefined && accepted === 0 && honestRefused === 0,
      });
    }
    return rows;
  },
};

export const hostileMemory: Proof = {
  name: "hostile-memory",
  question:
    "Is a message delivered altered when a hostile thread rewrites it while it is verified?",
  run: async ({ full, tell }) => {
    const found = await rewriteDuringVerification(full ? 1_000_000 : 30_000, tell);
    const { sent, delivered, refused, altered } = found;
    return [
      {
        fault: "another thread flips bits of the ring without a pause",
        count: `${count(sent, "frames")} sent, ${count(delivered, "delivered")}, ${count(refused, "batches refused")}`,
        outcome: altered === undefined ? "0 altered" : `altered: ${altered}`,
        holds: altered === undefined && delivered > 0 && refused > 0,
      },
    ];
  },
};

export const malformedInput: Proof = {
  name: "malformed-input",
  question:
    "Does anything but a typed no come of malformed input, or does it take long, or memory?",
  run: async ({ full, seed, tell }) => {
    const counts = await readMalformed(full ? 10_200_000 : 200_000, seed, tell);
    return counts.map(({ name, cases, taken, longestMs, fault, grownBytes }) => ({
      fault: name,
      count: `${count(cases, "cases")}, ${count(taken, "still right")}`,
      outcome:
        fault ??
        `0 crashes; the longest ${Math.ceil(longestMs)} ms; memory ${(grownBytes / 1024 / 1024).toFixed(1)} MiB more`,
      holds: fault === undefined && grownBytes < FLAT_BYTES,
    }));
  },
};
