// What a behavior says of the weight of messages is what its lead is planned with, on main and on the workers.
import { assert, test } from "vitest";
import { call, createMesh, SMALL } from "./mesh.ts";

const MODULE = `data:text/javascript,${encodeURIComponent(`
  globalThis.weighed = [];
  export default {
    init: () => 0,
    receive: () => ({ state: 1, value: globalThis.weighed }),
    weigh(message) {
      globalThis.weighed.push(message.words);
      return message.words;
    },
  };
`)}`;

test("an operation's payload is weighed by the agents that get it, and by main that forecasts", async () => {
  await using mesh = await createMesh({ ...SMALL, agent: MODULE });
  const here = (globalThis as unknown as { readonly weighed: number[] }).weighed;
  await mesh.forecast({ payload: { words: 3 } });
  assert.include(here, 3);
  await mesh.delegate({ words: 5 });
  assert.include(here, 5);
  await mesh.scatterGather({ payload: { words: 7 }, at: "in 100ms" });
  await mesh.scatterGather({ payload: { words: 9 }, payloadWeight: 2, at: "in 100ms" });
  for (const agent of ["sector-1/cluster-1/agent-1", "sector-4/cluster-2/agent-5"]) {
    const there = (await call(mesh, agent, {})) as readonly number[];
    assert.include(there, 7);
    assert.notInclude(there, 9, "whose sender has said it");
  }
});
