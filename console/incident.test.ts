import { afterEach, assert, beforeEach, test } from "vitest";
import { systemClock } from "../runtime/machine/clock.ts";
import { Host, type Said } from "../test/host.ts";
import type { IncidentReport } from "./catalog/incident-command.ts";

const host = new Host();
beforeEach(async () => {
  await host.open();
  sector({});
});
afterEach(() => host.close());

interface State {
  /** Active agents of its two clusters, of four each. */
  readonly active?: readonly [number, number];
  /** How long its coordinator has said nothing, ms. */
  readonly silentMs?: number;
  readonly answers?: boolean;
  readonly errors?: readonly string[];
}

/** How sector 2 is. */
function sector({ active = [4, 4], silentMs = 1_000, answers = true, errors = [] }: State): void {
  const nowMs = systemClock.nowMs();
  Object.assign(host.mesh, {
    sectors: () => [{ sectorId: "sector-2", lastUpdatedMs: nowMs - silentMs }],
    clusters: (address: string) => {
      host.mesh.ref(`${address}/cluster-1/agent-1`);
      return active.map((activeCount, at) => ({
        clusterId: `${address}/cluster-${at + 1}`,
        activeCount,
        agentCount: 4,
        lastUpdatedMs: nowMs,
      }));
    },
    why: async (address: string) => ({
      address,
      workerAnswers: answers,
      ...(!answers && { blockedBy: { address: "sector-2/cluster-1/agent-3", sinceMs: 5_000 } }),
    }),
    roles: {
      coordinator: () => ({ heldBy: "worker-2", home: "worker-2", backup: "worker-1" }),
    },
    incidents: () =>
      errors.map((error) => ({ atMs: nowMs - 1, subject: "sector-2/cluster-1/agent-1", error })),
  });
}

async function report(...words: string[]): Promise<IncidentReport> {
  return (await host.json("incident", "sector-2", ...words)) as unknown as IncidentReport;
}

/** Commands of the report with what became of them. */
function commandsOf({ steps }: IncidentReport): string[] {
  return steps.flatMap(({ commands }) => commands.map(({ state, typed }) => `${state} ${typed}`));
}

test("a sector that is well is said to respond, and nothing is wanted", async () => {
  const { code, out }: Said = await host.say("incident", "sector-2");
  assert.equal(code, 0);
  assert.match(out, /^1 Is the sector unresponsive\? {2}ok\n {2}worker-2 answers\n/);
  assert.match(out, /sector-2 responds\n$/);
  const found = await report();
  assert.isEmpty(commandsOf(found));
  assert.deepEqual(
    found.steps.map(({ state, decide }) => [state, decide.length]),
    Array(5).fill(["ok", 0]),
  );
});

test("a failing cluster is isolated before it is recovered, and nothing is done without a yes", async () => {
  sector({ active: [4, 1] });
  const { code, out, calls } = await host.say("incident", "sector-2");
  assert.equal(code, 1);
  assert.isEmpty(calls);
  assert.match(out, /sector-2\/cluster-2: 1 of 4 active/);
  assert.match(
    out,
    /wanted circuits trip sector-2\/cluster-2 .*\n {2}wanted heal sector-2\/cluster-2 /,
  );
  assert.match(out, /decide when sector-2\/cluster-2 is healthy again: /);
  assert.match(out, /To do what is wanted: incident sector-2 --yes/);
});

test("with a yes it is done in that order, and told", async () => {
  sector({ active: [4, 1] });
  const found = await report("--yes");
  assert.lengthOf(commandsOf(found), 2);
  for (const command of commandsOf(found)) assert.match(command, /^done /);
  assert.deepEqual(
    host.mesh.circuits.list().map(({ target, reason }) => [target, reason]),
    [["sector-2/cluster-2", "incident sector-2"]],
  );
  assert.match(host.mesh.calls[0], /^heal sector-2\/cluster-2/);
});

test("a command that fails is told, and the walk goes on", async () => {
  sector({ active: [4, 1] });
  const broken = async (): Promise<never> => {
    throw new Error("no");
  };
  Object.assign(host.mesh, { restart: broken, heal: broken });
  const found = await report("--yes");
  assert.match(commandsOf(found)[1], /^failed /);
  assert.equal(found.steps[2].commands[1].error, "no");
  assert.lengthOf(found.steps, 5);
  assert.isFalse(found.resolved);
});

test("when most clusters fail the sector is isolated as a whole, and its recovery is left to a person", async () => {
  sector({
    active: [0, 1],
    errors: ["Error: no route\n at x", "Error: no route\n at y", "Error: z"],
  });
  const found = await report("--yes");
  const [isolation, recovery, ...more] = commandsOf(found);
  assert.match(isolation, /^done circuits trip sector-2 /);
  assert.match(recovery, /^person heal sector-2$/);
  assert.isEmpty(more);
  assert.include(found.steps[3].found, "2 × Error: no route");
  assert.isEmpty(host.mesh.calls.filter((call) => call.startsWith("restart")));
});

test("a worker that hangs is named with who holds it, and begins anew", async () => {
  sector({ answers: false, silentMs: 60_000 });
  const found = await report("--yes");
  assert.include(found.steps[0].found, "worker-2 is held by sector-2/cluster-1/agent-3 for 5.0s");
  assert.deepEqual(commandsOf(found), ["done heal worker-2"]);
  assert.isFalse(found.resolved);
});

test("a backup that has taken over is told, and the sector given back", async () => {
  const coordinator = () => ({ heldBy: "worker-1", home: "worker-2", backup: "worker-1" });
  Object.assign(host.mesh, { roles: { coordinator } });
  const { out } = await host.say("incident", "sector-2");
  assert.match(out, /worker-1 coordinates it; its home is worker-2, its backup worker-1\n/);
  assert.match(out, /the backup has taken over\n {2}wanted heal sector-2 /);
});

test("a heal that heals not is no success", async () => {
  sector({ active: [4, 1] });
  Object.assign(host.mesh, { heal: async () => ({ healthy: false, dryRun: false }) });
  const found = await report("--yes");
  assert.match(commandsOf(found)[1], /^failed heal/);
});

test("a coordinator that is silent on a worker that answers is recovered", async () => {
  sector({ silentMs: 60_000 });
  const found = await report("--yes");
  assert.match(commandsOf(found)[0], /^done heal sector-2$/);
});

test("a dry run of a yes tells whom it would touch", async () => {
  sector({ active: [4, 1] });
  const { out, calls } = await host.say("incident", "sector-2", "--yes", "--dry-run");
  assert.match(out, /incident: touches 8 of 24 agents/);
  assert.isEmpty(calls);
});

host.refuses([
  [["incident"], /<target> is missing/],
  [["incident", "sector-2/cluster-1"], /expected a sector such as sector-12/],
]);
test("a sector that is not there is told", async () => {
  const { code, talk } = await host.say("incident", "sector-9");
  assert.equal(code, 1);
  assert.match(talk, /sector-9/);
});
