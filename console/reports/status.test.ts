import { assert, describe, test } from "vitest";
import { modeOf } from "../../coordination/operating-mode.ts";
import type { TrustStatus } from "../../runtime/api/trust-api.ts";
import { REFUSALS } from "../../runtime/trust/trust-plan.ts";
import { FakeMesh } from "../../test/fake-mesh.ts";
import { paint } from "../terminal/paint.ts";
import { renderStatus, statusDocument } from "./status.ts";

const PLAIN = paint(false);

function statusOf(change: FakeMesh["status_"]) {
  const mesh = new FakeMesh();
  mesh.status_ = change;
  return statusDocument(mesh.status());
}

describe("the box of spec 7.1", () => {
  test("has the lines of the specification, number for number", () => {
    const status = statusOf({
      agents: { total: 30_000, active: 29_847, degraded: 100, offline: 50, quarantined: 3 },
      sectors: { total: 100, healthy: 100 },
      meanImpedance: 127,
      conflictsLastHour: 23,
      lastCascadeMs: 12_420_000,
    });
    assert.equal(
      renderStatus(status, PLAIN),
      [
        "┌────────────────────────────────────────┐",
        "│ MESH-30K STATUS                        │",
        "├────────────────────────────────────────┤",
        "│ Agents: 29,847 / 30,000 active (99.5%) │",
        "│ Sectors: 100/100 healthy               │",
        "│ Mean Impedance: 127ms                  │",
        "│ Conflicts (last hour): 23              │",
        "│ Mode: FULL                             │",
        "│ Last cascade: 3h 27m ago               │",
        "└────────────────────────────────────────┘",
      ].join("\n"),
    );
  });

  test("tells of signatures only when some were refused", () => {
    const trust = {
      ...{ level: "all", meshId: "", root: "", kept: false, signed: 9, verified: 7 },
      refused: Object.fromEntries(REFUSALS.map((reason) => [reason, 0])),
    } as TrustStatus;
    assert.notInclude(renderStatus(statusOf({ trust }), PLAIN), "Trust");
    const refused = { ...trust.refused, signature: 2 };
    const box = renderStatus(statusOf({ trust: { ...trust, refused } }), PLAIN);
    assert.include(box, "Trust: all, 7 batches verified, 2 refused");
  });

  test("of a mesh in which nothing has happened yet", () => {
    const lines = renderStatus(statusOf({}), PLAIN).split("\n");
    assert.include(lines[6], "Conflicts (last hour): 0");
    assert.include(lines[7], "Mode: FULL");
    assert.include(lines[8], "Last cascade: never");
  });

  test("widens for a longer line, with every line as wide as the others", () => {
    const agents = { total: 3e6, active: 3e6, degraded: 0, offline: 0, quarantined: 0 };
    const lines = renderStatus(statusOf({ agents }), PLAIN).split("\n");
    assert.include(lines[3], "3,000,000 / 3,000,000 active (100.0%) │");
    assert.equal(new Set(lines.map((line) => line.length)).size, 1);
  });

  test("is as wide in colour as without", () => {
    const coloured = renderStatus(statusOf({}), paint(true));
    assert.include(coloured, "\x1b[32mFULL");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are what is taken away
    assert.equal(coloured.replaceAll(/\x1b\[\d+m/g, ""), renderStatus(statusOf({}), PLAIN));
  });
});

describe("the mode of spec 6.3", () => {
  const cases: [number, string][] = [
    [1_000, "FULL"],
    [950, "FULL"],
    [949, "DEGRADED_LIGHT"],
    [800, "DEGRADED_LIGHT"],
    [799, "DEGRADED_MODERATE"],
    [600, "DEGRADED_MODERATE"],
    [599, "DEGRADED_SEVERE"],
    [300, "DEGRADED_SEVERE"],
    [299, "EMERGENCY"],
    [0, "EMERGENCY"],
  ];
  for (const [active, mode] of cases) {
    test(`${active} of 1,000 active is ${mode}`, () => assert.equal(modeOf(active, 1_000), mode));
  }

  test("is the mesh's own when it has one", () => {
    assert.equal(statusOf({ mode: "EMERGENCY" }).mode, "EMERGENCY");
  });
});

test("the document has agents first, workers as a number and their details beside", () => {
  const document = statusOf({});
  assert.equal(Object.keys(document)[0], "agents");
  assert.equal(document.workers, 2);
  assert.deepEqual(
    document.workerDetails.map(({ name }) => name),
    ["worker-1", "worker-2"],
  );
  assert.include(document, {
    lost: 0,
    heartbeats: 12_345,
    conflictsLastHour: 0,
    lastCascadeMs: null,
  });
});
