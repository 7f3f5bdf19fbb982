import { assert, describe, test } from "vitest";
import { addressOf } from "../coordination/address.ts";
import { createTopology } from "../coordination/topology.ts";
import { layCircuits } from "./circuits.ts";
import { addressOfAgent, clustersOf, layOut, neighbourOf } from "./layout.ts";
import { fittedScale, Viewport } from "./viewport.ts";

const MESH = { sectors: 100, clustersPerSector: 10, agentsPerCluster: 30 };
const ODD = { sectors: 7, clustersPerSector: 3, agentsPerCluster: 11 };
const DESK = { width: 1_020, height: 484 };
const PHONE = { width: 732, height: 1_180 };

describe("the layout", () => {
  for (const size of [MESH, ODD, { sectors: 1, clustersPerSector: 1, agentsPerCluster: 1 }]) {
    for (const room of [DESK, PHONE]) {
      const name = `${Object.values(size).join(" × ")} in ${room.width} × ${room.height}`;
      test(`of ${name} gives each agent a place of its own`, () => {
        const { places, agents, width, height } = layOut(size, room);
        assert.equal(new Set(places).size, places.length);
        for (const [agent, place] of places.entries()) {
          assert.isBelow(place, width * height);
          assert.equal(agents[place], agent);
        }
        assert.equal(agents.filter((agent) => agent >= 0).length, places.length);
      });
    }
  }

  test("keeps clusters and sectors together, and apart from others", () => {
    const layout = layOut(MESH, DESK);
    for (const sector of [0, 37, 99]) {
      const { x, y } = layout.cornerOf(sector);
      for (let agent = sector * 300; agent < (sector + 1) * 300; agent++) {
        const px = layout.places[agent] % layout.width;
        const py = Math.floor(layout.places[agent] / layout.width);
        assert.isTrue(px >= x && px < x + layout.sectorWidth);
        assert.isTrue(py >= y && py < y + layout.sectorHeight);
      }
    }
  });

  test("is wide in a wide room and high in a high one, with cells as large as fit", () => {
    const desk = layOut(MESH, DESK);
    assert.isAbove(desk.width, desk.height);
    assert.equal(Math.floor(Math.min(DESK.width / desk.width, DESK.height / desk.height)), 3);
    const phone = layOut(MESH, PHONE);
    assert.isAbove(phone.height, phone.width);
  });

  test("names agents as the mesh does", () => {
    const topology = createTopology(ODD);
    for (let agent = 0; agent < topology.agents; agent++)
      assert.equal(addressOfAgent(ODD, agent), addressOf(topology, agent));
  });

  test("arrows pass over gaps and stop at the edge", () => {
    const layout = layOut(MESH, DESK);
    assert.equal(neighbourOf(layout, 0, 1, 0), 1);
    // From the last agent of a row to the next cluster.
    assert.equal(neighbourOf(layout, 4, 1, 0), 30);
    assert.equal(neighbourOf(layout, 0, -1, 0), 0);
    assert.equal(neighbourOf(layout, 0, 0, -1), 0);
    for (let agent = 0, steps = 0; ; steps++) {
      const next = neighbourOf(layout, agent, 0, 1);
      assert.isBelow(steps, layout.height);
      if (next === agent) break;
      assert.equal(neighbourOf(layout, next, 0, -1), agent);
      agent = next;
    }
  });
});

describe("breakers as cells", () => {
  test("cover their cluster, sector or mesh; the strictest counts", () => {
    const cells = new Uint8Array(7 * 3 * 11);
    layCircuits(
      [
        { target: "sector-2", state: "HALF_OPEN" },
        { target: "sector-2/cluster-3", state: "OPEN" },
        { target: "sector-9/cluster-1x", state: "CLOSED" },
        { target: "worker-1", state: "OPEN" },
      ],
      ODD,
      cells,
    );
    const of = (cluster: number): number[] => [...cells.slice(cluster * 11, cluster * 11 + 11)];
    assert.deepEqual(of(2), Array(11).fill(0));
    assert.deepEqual(of(3), Array(11).fill(1));
    assert.deepEqual(of(5), Array(11).fill(2));
    assert.deepEqual(of(6), Array(11).fill(0));
    layCircuits([{ target: "orchestrator", state: "OPEN" }], ODD, cells);
    assert.isTrue(cells.every((byte) => byte === 2));
  });

  test("an address covers its clusters", () => {
    assert.deepEqual(clustersOf(ODD, "sector-1/cluster-2/agent-5"), { first: 1, count: 1 });
    assert.deepEqual(clustersOf(ODD, "sector-3"), { first: 6, count: 3 });
    assert.isUndefined(clustersOf(ODD, "worker-1"));
  });
});

describe("the viewport", () => {
  test("fits in whole pixels where that costs little", () => {
    assert.equal(fittedScale(3.2), 3);
    assert.equal(fittedScale(3.9), 3.9);
    assert.equal(fittedScale(0.4), 0.4);
  });

  test("zooms around a point, which stays where it is", () => {
    const view = new Viewport();
    view.resize(DESK, { width: 317, height: 160 });
    const before = view.cellAt(500, 200);
    for (let i = 0; i < 20; i++) view.zoom(1.2, 500, 200);
    assert.equal(view.scale, 64);
    assert.deepEqual(view.cellAt(500, 200), before);
    for (let i = 0; i < 60; i++) view.zoom(1 / 1.2, 500, 200);
    assert.equal(view.scale, 1);
    view.fit();
    assert.equal(view.scale, 3);
  });

  test("a picture cannot be dragged out of sight, and a cell is brought into view", () => {
    const view = new Viewport();
    view.resize(DESK, { width: 317, height: 160 });
    view.pan(100_000, 100_000);
    assert.isBelow(view.x, DESK.width);
    assert.isBelow(view.y, DESK.height);
    view.fit();
    view.zoom(20, 0, 0);
    view.reveal(300, 150);
    const x = view.x + 300 * view.scale;
    const y = view.y + 150 * view.scale;
    assert.isTrue(x >= 0 && x + view.scale <= DESK.width);
    assert.isTrue(y >= 0 && y + view.scale <= DESK.height);
  });
});
