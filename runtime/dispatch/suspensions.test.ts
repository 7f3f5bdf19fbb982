import { expect, test } from "vitest";
import type { AgentCell } from "./cell.ts";
import { Suspensions } from "./suspensions.ts";

const cell = (name: string): AgentCell => ({ name }) as unknown as AgentCell;

function recorded(): { suspensions: Suspensions; heard: unknown[][] } {
  const heard: unknown[][] = [];
  const suspensions = new Suspensions((who, slot, value, error) => {
    heard.push([(who as unknown as { name: string }).name, slot, value ?? String(error)]);
  });
  return { suspensions, heard };
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("a wait that is used again resumes who waits now", async () => {
  const { suspensions, heard } = recorded();
  suspensions.begin(cell("one"), 1, Promise.resolve("first"));
  await settled();
  suspensions.begin(cell("two"), 2, Promise.reject(new Error("second")));
  suspensions.begin(cell("three"), 3, Promise.resolve("third"));
  await settled();
  expect(heard.sort()).toEqual([
    ["one", 1, "first"],
    ["three", 3, "third"],
    ["two", 2, "Error: second"],
  ]);
});

test("a thenable that settles twice, or a promise with a `then` of its own, resumes nobody twice", async () => {
  const { suspensions, heard } = recorded();
  let again: ((value: string) => void) | undefined;
  const twice = {
    // biome-ignore lint/suspicious/noThenProperty: what is tested
    then(onValue: (value: string) => void) {
      again = onValue;
      onValue("once");
    },
  };
  suspensions.begin(cell("one"), 1, twice as PromiseLike<string>);
  await settled();
  const rebel = Promise.resolve("native");
  // biome-ignore lint/suspicious/noThenProperty: what is tested
  rebel.then = () => {
    throw new Error("not to be called");
  };
  suspensions.begin(cell("two"), 2, rebel);
  again?.("twice");
  await settled();
  again?.("thrice");
  await settled();
  expect(heard).toEqual([
    ["one", 1, "once"],
    ["two", 2, "native"],
  ]);
});

test("a rejection without a reason is one all the same", async () => {
  const { suspensions, heard } = recorded();
  suspensions.begin(cell("one"), 1, Promise.reject(undefined));
  await settled();
  expect(heard).toEqual([["one", 1, "Error: rejected without a reason"]]);
});
