import fc from "fast-check";
import { expect, test } from "vitest";
import { Siblings } from "./siblings.ts";

test("a parent's children are those it spawned and who have not left, the youngest first", () => {
  const step = fc.record({ parent: fc.integer({ min: 0, max: 3 }), child: fc.nat(19) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
      const siblings = new Siblings(100, 120);
      const parents = new Map<number, number>();
      const model = new Map<number, number[]>();
      for (const { parent, child: place } of steps) {
        const child = 100 + place;
        const spawnedBy = parents.get(child);
        if (spawnedBy === undefined) {
          siblings.add(parent, child);
          parents.set(child, parent);
          model.set(parent, [child, ...(model.get(parent) ?? [])]);
        } else {
          siblings.remove(spawnedBy, child);
          parents.delete(child);
          model.set(
            spawnedBy,
            (model.get(spawnedBy) ?? []).filter((each) => each !== child),
          );
        }
        for (let each = 0; each < 4; each++) {
          expect(siblings.youngestFirst(each)).toEqual(model.get(each) ?? []);
        }
      }
    }),
  );
});
