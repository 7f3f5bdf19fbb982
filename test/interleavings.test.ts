// Every interleaving of the protocols of shared memory, with a death at any step: small sizes here; see
// `npm run prove -- --full interleavings` for the large ones. And the mistakes that this must find.
import { describe, expect, test } from "vitest";
import { Explorer } from "./explorer.ts";
import { explored } from "./interleavings.ts";

/** More states than any mistake needs to be found in; only against hanging. */
const MUTANT_STATES = 400_000;

for (const { name, small, mutants } of explored) {
  describe(name, () => {
    test.each(small)("holds in every interleaving of $name", ({ name: size, make, maxStates }) => {
      const found = new Explorer(make(), maxStates === undefined ? {} : { maxStates }).run();
      process.stdout.write(`${size}: ${found.states} states, ${found.depth} deep\n`);
      expect(found.fault).toBeUndefined();
      if (maxStates === undefined) expect(found.whole).toBe(true);
      expect(found.ends).toBeGreaterThan(0);
    });

    test.each(mutants)("would not hold with: $name", ({ edits, on }) => {
      const found = new Explorer(small[on].make(edits), { maxStates: MUTANT_STATES }).run();
      expect(found.fault?.sentence).toEqual(expect.any(String));
      // Found by what it does, not because it does not run.
      expect(found.fault?.sentence).not.toMatch(
        /SyntaxError|ReferenceError|TypeError|repeat its past/,
      );
    });
  });
}
