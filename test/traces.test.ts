// Which message brought which about, across workers, as mesh.traces and the command tell it.
import { afterAll, beforeAll, expect, test } from "vitest";
import { meshCommandNamed, runOnMesh } from "../console/command/line.ts";
import { COMMANDS } from "../console/commands.ts";
import { paint } from "../console/terminal/paint.ts";
import type { Mesh } from "../index.ts";
import { settled, startMesh } from "./mesh.ts";

const A = "sector-1/cluster-1/agent-1";
const B = "sector-3/cluster-1/agent-1";
const C = "sector-4/cluster-2/agent-5";

let mesh: Mesh;
beforeAll(async () => {
  mesh = await startMesh("wary");
  mesh.tell(A, { do: "pass", path: [B, C], value: "x" });
  await settled(mesh);
});
afterAll(() => mesh.stop({ deadlineMs: 0 }));

test("the last message of an agent is followed to where it began, with the time of each hop", () => {
  const { hops, reachedOrigin, effects, elapsedMs } = mesh.traces.of(C);
  expect(hops.map(({ from, to }) => [from, to])).toEqual([
    ["outside", A],
    [A, B],
    [B, C],
  ]);
  expect(reachedOrigin).toBe(true);
  expect(effects).toEqual([]);
  expect(hops[0].afterMs).toBe(0);
  for (const { afterMs } of hops.slice(1)) expect(afterMs).toBeGreaterThan(0);
  const [second, third] = [hops[1].afterMs, hops[2].afterMs];
  expect(elapsedMs).toBeCloseTo(second + third, 6);
});

test("a message is found by its id, and tells what it led to", () => {
  const [, middle] = mesh.traces.of(C).hops;
  const trace = mesh.traces.of(middle.messageId);
  expect(trace.hops.map(({ to }) => to)).toEqual([A, B]);
  expect(trace.effects.map(({ from, to }) => [from, to])).toEqual([[B, C]]);
});

test("the latest of several is the one that is told", async () => {
  mesh.tell(C, { do: "pass", path: [], value: "y" });
  await settled(mesh);
  expect(mesh.traces.of(C).hops.map(({ from, to }) => [from, to])).toEqual([["outside", C]]);
});

test("what is not remembered, and what is none, is told as such", () => {
  expect(() => mesh.traces.of("sector-2/cluster-1/agent-1")).toThrow(/nothing is remembered/);
  expect(() => mesh.traces.of(`${A}#999999999999`)).toThrow(/nothing is remembered/);
  expect(() => mesh.traces.of("sector-1")).toThrow(/expected the address of an agent/);
});

test("the command shows it, one hop a line", async () => {
  const command = meshCommandNamed(COMMANDS, "trace");
  const data = await runOnMesh(COMMANDS, mesh, "trace", { target: B }, AbortSignal.timeout(9_000));
  const lines = command.render(data, paint(false)).split("\n");
  expect(lines[1]).toMatch(new RegExp(`^..:..:..\\....Z +0ms +outside +${A} +outside#\\d+$`));
  expect(lines[2]).toMatch(new RegExp(`ms +${A} +${B} +${A}#\\d+$`));
  expect(lines.slice(4).join("\n")).toMatch(new RegExp(`It led to\\n.*\\n.* ${B} +${C} `));
});
