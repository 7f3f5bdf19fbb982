import { afterAll, assert, beforeAll, test } from "vitest";
import type { RecordedOperation } from "../runtime/api/trace-api.ts";
import { Host } from "../test/host.ts";

const host = new Host();
beforeAll(() => host.open());
afterAll(() => host.close());

const ENDED: RecordedOperation = {
  operationId: "abc-def-1",
  verb: "sync",
  strategy: "wave",
  createdMs: 1_000,
  endedMs: 3_500,
  end: "reported",
  selected: 1_234,
  ready: 1_230,
  acted: 1_230,
  conflict: 3,
  failed: 1,
  skipped: 0,
};

test("history tells how operations went, and which other node had them", async () => {
  const asked: unknown[] = [];
  Object.assign(host.mesh, {
    traces: {
      history: async (limit?: number) => {
        asked.push(limit);
        return [ENDED, { ...ENDED, operationId: "abc-def-0", elsewhere: "node-2" }];
      },
    },
  });
  const { code, out } = await host.say("history");
  assert.equal(code, 0);
  assert.match(out, /abc-def-1 +sync +wave +2\.5s +1,230 +1,234 +reported +–/);
  assert.match(out, /abc-def-0 .* node-2/);
  const { operations } = await host.json("history", "--limit", "7");
  assert.lengthOf(operations as unknown[], 2);
  assert.deepInclude((operations as unknown[])[0], { ...ENDED });
  assert.deepEqual(asked, [undefined, 7]);
});

host.refuses([[["history", "--limit", "0"], /limit: .*1.*10,?000/]]);
