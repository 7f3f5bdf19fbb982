import { describe, expect, test } from "vitest";
import { createTopology } from "../coordination/topology.ts";
import { Seats, seatsBytes, VACANT } from "./seats.ts";

const topology = createTopology({ sectors: 2, clustersPerSector: 2, agentsPerCluster: 3 });

function seats(): Seats {
  const made = new Seats(new SharedArrayBuffer(seatsBytes(topology)), topology);
  made.begin((sector) => sector + 1);
  return made;
}

describe("seats", () => {
  test("begin with the sector's own thread and each cluster's first agent, in term 1", () => {
    const made = seats();
    expect(made.coordinator(1)).toEqual({ holder: 2, term: 1 });
    expect(made.lead(3)).toEqual({ holder: 0, term: 1 });
    expect(made.adopterOf(3)).toBe(-1);
  });

  test("go to whoever names the term in force; who names an earlier one is fenced", () => {
    const made = seats();
    expect(made.promoteCoordinator(0, 1, 2)).toBe(2);
    expect(made.promoteCoordinator(0, 1, 1)).toBe(0);
    expect(made.coordinator(0)).toEqual({ holder: 2, term: 2 });
    expect(made.promoteCoordinator(0, 2, 255)).toBe(3);
    expect(made.coordinator(0)).toEqual({ holder: 255, term: 3 });
    expect(made.sectorTerm(1)).toBe(1);
  });

  test("can be empty, and are each their own", () => {
    const made = seats();
    expect(made.promoteLead(2, 1, VACANT)).toBe(2);
    expect(made.lead(2).holder).toBe(VACANT);
    expect(made.lead(1)).toEqual({ holder: 0, term: 1 });
    expect(made.leadTerm(2)).toBe(2);
    made.adopt(2, 3);
    expect([0, 1, 2, 3].map((cluster) => made.adopterOf(cluster))).toEqual([-1, -1, 3, -1]);
    made.adopt(2, -1);
    expect(made.adopterOf(2)).toBe(-1);
  });

  test("a term far on is still told from the holder", () => {
    const made = seats();
    for (let term = 1; term < 5000; term++) made.promoteLead(0, term, term % 3);
    expect(made.lead(0)).toEqual({ holder: 4999 % 3, term: 5000 });
  });

  test("need their memory", () => {
    const short = new SharedArrayBuffer(seatsBytes(topology) - 4);
    expect(() => new Seats(short, topology)).toThrow("buffer: expected at least 40 bytes, got 36");
  });
});
