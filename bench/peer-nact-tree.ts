import assert from "node:assert/strict";
import { dispatch, type Ref, spawn, start, stop } from "nact";

/** Passed down by branches, handled by leaves; `from` is where the acknowledgement goes. */
interface Operation {
  readonly operation: number;
  readonly from: Ref<Ack>;
}

interface Ack {
  readonly acks: number;
}

/** Shape of a tree: branches under the root, branches under each of them, …, leaves under the last. */
export type TreeShape = readonly number[];

/** Milliseconds of each of `rounds` messages down a tree of nact actors and their acknowledgements up. */
export async function treeByNact(
  shape: TreeShape,
  warm: number,
  rounds: number,
): Promise<Float64Array> {
  const system = start();
  let handled = 0;
  let done: (acks: number) => void = () => {};
  const onHandled = (): void => {
    handled++;
  };
  try {
    const client = spawn(
      system,
      (_: undefined, ack: Ack) => {
        done(ack.acks);
        return undefined;
      },
      "client",
    );
    const root = spawnNode(system, "root", shape, onHandled);
    const agents = shape.reduce((product, children) => product * children, 1);
    const times = new Float64Array(rounds);
    for (let round = -warm; round < rounds; round++) {
      const startMs = performance.now();
      const acks = await new Promise<number>((resolve) => {
        done = resolve;
        dispatch(root, { operation: round, from: client });
      });
      if (round >= 0) times[round] = performance.now() - startMs;
      assert.equal(acks, agents);
    }
    assert.equal(handled, agents * (warm + rounds));
    return times;
  } finally {
    stop(system);
  }
}

interface Gathering {
  readonly children: readonly Ref<Operation | Ack>[];
  from: Ref<Ack> | undefined;
  open: number;
  acks: number;
}

function spawnNode(
  parent: Ref<never>,
  name: string,
  shape: TreeShape,
  onHandled: () => void,
): Ref<Operation | Ack> {
  if (shape.length === 0) {
    const leaf = (state: undefined, message: Operation | Ack): undefined => {
      if ("from" in message) {
        onHandled();
        dispatch(message.from, { acks: 1 });
      }
      return state;
    };
    return spawn(parent, leaf, name);
  }
  const [count, ...below] = shape;
  const branch = (
    state: Gathering,
    message: Operation | Ack,
    ctx: { self: Ref<Ack> },
  ): Gathering => {
    if ("from" in message) {
      state.from = message.from;
      state.open = count;
      state.acks = 0;
      const { operation } = message;
      for (const child of state.children) dispatch(child, { operation, from: ctx.self });
      return state;
    }
    state.acks += message.acks;
    if (--state.open === 0 && state.from) dispatch(state.from, { acks: state.acks });
    return state;
  };
  return spawn(parent, branch, name, {
    initialStateFunc: (ctx): Gathering => ({
      children: Array.from({ length: count }, (_, i) =>
        spawnNode(ctx.self as Ref<never>, `child-${i}`, below, onHandled),
      ),
      from: undefined,
      open: 0,
      acks: 0,
    }),
  });
}
