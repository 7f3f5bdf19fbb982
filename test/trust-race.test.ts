import { expect, test } from "vitest";
import { rewriteDuringVerification } from "./hostile-memory.ts";

test("no frame is delivered altered while a hostile thread rewrites the ring during its verification", async () => {
  const { sent, delivered, refused, flips, altered } = await rewriteDuringVerification(900);
  expect(altered).toBeUndefined();
  expect(sent).toBeGreaterThanOrEqual(900);
  expect(delivered).toBeGreaterThan(0);
  expect(refused).toBeGreaterThan(0);
  expect(flips).toBeGreaterThan(1_000);
});
