/** Commands that look at the mesh as a whole: status, tree, top. All read shared memory and nothing else. */
import { type MeshCommand, meshCommand } from "../command/command.ts";
import { choice, text, wholeNumber } from "../command/values.ts";
import { type PlaceReport, placeReport, renderPlace } from "../reports/place-report.ts";
import { renderStatus, type StatusDocument, statusDocument } from "../reports/status.ts";
import { showTop } from "../reports/top.ts";
import { renderFrame, TOP_SORTS, topFrame } from "../reports/top-frame.ts";
import { renderTree, type TreeNode, treeOf } from "../reports/tree.ts";
import { UsageError } from "../terminal/exit.ts";

/** `status [target]`: the operator's box, or how one place of the mesh is. */
export const statusCommand: MeshCommand = meshCommand({
  name: "status",
  help: "Show how the mesh is, or one sector or cluster: agents, impedance, conflicts, what stands out.",
  parameters: {
    target: {
      schema: text("an address such as sector-7 or sector-7/cluster-4").optional(),
      help: "how this sector or cluster is (default: the whole mesh)",
      place: "positional",
      complete: "address",
    },
  },
  examples: ["status", "status --json", "status sector-7"],
  changes: false,
  check: ({ target }) => {
    if (target === undefined || /^sector-\d+(\/cluster-\d+)?$/.test(target)) return;
    const got = JSON.stringify(target);
    throw new UsageError(
      `status: target: expected sector-7 or sector-7/cluster-4, got ${got}`,
      "status",
    );
  },
  run: ({ mesh }, { target }): StatusDocument | PlaceReport =>
    target === undefined ? statusDocument(mesh.status()) : placeReport(mesh, target),
  render: (data, paint) =>
    "target" in data ? renderPlace(data, paint) : renderStatus(data, paint),
});

/** `tree`: sectors, clusters and agents with their health. */
export const treeCommand: MeshCommand = meshCommand({
  name: "tree",
  help: "Show the tree of the mesh, or of one sector or cluster.",
  details:
    "Without an address it shows the sectors; of a sector its clusters, of a cluster its agents.",
  parameters: {
    address: {
      schema: text("an address such as sector-7 or sector-7/cluster-4").optional(),
      help: "where to start (default: the whole mesh)",
      place: "positional",
      complete: "address",
    },
    depth: {
      schema: wholeNumber(1, 3).optional(),
      help: "levels to show below it (default: 1)",
      value: "N",
    },
  },
  examples: ["tree", "tree sector-7 --depth 2", "tree sector-7/cluster-4"],
  changes: false,
  run: ({ mesh }, { address, depth }): TreeNode => {
    if (address !== undefined && !/^(orchestrator|sector-\d+(\/cluster-\d+)?)$/.test(address)) {
      throw new UsageError(
        `tree: address: expected sector-7 or sector-7/cluster-4, got ${JSON.stringify(address)}`,
        "tree",
        "address",
      );
    }
    return treeOf(mesh, address === "orchestrator" ? undefined : address, depth ?? 1);
  },
  render: renderTree,
});

/** `top`: the slowest, busiest or least reliable agents, live. */
export const topCommand: MeshCommand = meshCommand({
  name: "top",
  help: "Watch the mesh live, full screen, once a second.",
  details:
    "Keys: i impedance, l latency, p processing, u queue, r reliability, d drift, space to hold, " +
    "q to leave. Where the output is not a terminal, and with --json, it prints one picture.",
  parameters: {
    sort: {
      schema: choice(TOP_SORTS).optional(),
      help: `one of ${TOP_SORTS.join(", ")} (default: impedance)`,
      value: "key",
      complete: TOP_SORTS,
    },
    within: {
      schema: text("an address such as sector-7 or sector-7/cluster-4").optional(),
      help: "only this sector or cluster",
      value: "address",
      complete: "address",
    },
    limit: {
      schema: wholeNumber(1, 1_000).optional(),
      help: "agents to list (default: what fits on the screen)",
      value: "N",
    },
  },
  examples: ["top", "top --sort queue --within sector-7"],
  changes: false,
  run: ({ mesh }, { sort, within, limit }) => topFrame(mesh, sort ?? "impedance", within, limit),
  render: renderFrame,
  show: showTop,
});
