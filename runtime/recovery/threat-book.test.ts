import { expect, test } from "vitest";
import type { Threat } from "../api/threat-api.ts";
import { ThreatBook } from "./threat-book.ts";

test("what the mesh is held for stays in the book, however many rogue agents are found", () => {
  const ignore = (): void => {};
  const log = { debug: ignore, info: ignore, warn: ignore, error: ignore };
  const book = new ThreatBook({
    log,
    nowMs: () => 0,
    onIncident: ignore,
    onThreat: ignore,
  });
  const held = book.enter({ kind: "orchestrator_compromise", subject: "ada", evidence: "rate" });
  for (let agent = 0; agent < 300; agent++)
    book.enter({ kind: "rogue_agent", subject: `agent-${agent}`, evidence: "contradicts" });
  expect(book.list()).toHaveLength(256);
  expect(book.open("orchestrator_compromise")?.id).toBe(held.threat.id);
  // The oldest of them went, the newest are there.
  expect(book.open("rogue_agent", "agent-44")).toBeUndefined();
  expect(book.open("rogue_agent", "agent-45")).toBeDefined();
  // What is over goes before anything that is open.
  book.close(book.open("rogue_agent", "agent-299") as Threat, { state: "over" });
  book.enter({ kind: "rogue_agent", subject: "one more", evidence: "contradicts" });
  expect(book.open("rogue_agent", "agent-45")).toBeDefined();
  expect(book.list()).toHaveLength(256);
});
