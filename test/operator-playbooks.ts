// What somebody does who has taken over an operator's interface, twelve ways, at the pace of a person or of a script.
import { checkArguments } from "../console/command/command.ts";
import { meshCommandNamed } from "../console/command/line.ts";
import { actOf } from "../console/command/operator-acts.ts";
import { COMMANDS } from "../console/commands.ts";
import type { Mesh, Operator, OperatorSign } from "../index.ts";
import type { OperatorAct, OperatorRule } from "../trust/operator-watch.ts";

/** Somebody at a desk, over the network, with a credential of their own. */
export const ADA: Operator = { name: "ada", origin: "http 10.0.0.7", local: false };
/** The same credential in other hands. */
const STOLEN: Operator = { ...ADA, origin: "http 203.0.113.9" };

/** A command, or what whoever checks credentials sees, so long after the one before. */
export interface Step {
  readonly afterMs: number;
  readonly who: Operator;
  readonly command?: string;
  readonly args?: Readonly<Record<string, unknown>>;
  readonly sign?: OperatorSign["sign"];
}

/** An attack. */
export interface Playbook {
  readonly name: string;
  /** The rule that is to find it at this pace. */
  readonly rule: OperatorRule;
  readonly steps: (random: () => number) => readonly Step[];
}

/** The size of mesh that the steps are written for; of a smaller one they name places that are not there. */
export interface Places {
  readonly sectors: number;
  readonly clustersPerSector: number;
  readonly agentsPerCluster: number;
}

const SECOND_MS = 1000;

/** A command of ada's credential, after some seconds. */
function does(seconds: number, command: string, args: Step["args"] = {}, who = ADA): Step {
  return { afterMs: seconds * SECOND_MS, who, command, args };
}

/** So many commands, each after a pause of that many seconds, half more or half less. */
function many(
  count: number,
  seconds: number,
  random: () => number,
  make: (nth: number) => readonly [command: string, args: Step["args"]],
): Step[] {
  return Array.from({ length: count }, (_, nth) => does(seconds * (0.5 + random()), ...make(nth)));
}

/** The twelve playbooks for a mesh of these places. */
export function playbooksFor({
  sectors,
  clustersPerSector,
  agentsPerCluster,
}: Places): readonly Playbook[] {
  const sector = (nth: number): string => `sector-${1 + (nth % sectors)}`;
  const agent = (nth: number): string => {
    const cluster = Math.floor(nth / agentsPerCluster);
    const place = `sector-${1 + (Math.floor(cluster / clustersPerSector) % sectors)}`;
    return `${place}/cluster-${1 + (cluster % clustersPerSector)}/agent-${1 + (nth % agentsPerCluster)}`;
  };
  return [
    {
      name: "a stolen token, from where its owner never is",
      rule: "origin",
      steps: () => [does(1, "status", {}, STOLEN), does(5, "kill", { target: agent(0) }, STOLEN)],
    },
    {
      name: "signatures of commands are guessed",
      rule: "signatures",
      steps: () =>
        Array.from({ length: 4 }, () => ({
          afterMs: 20_000,
          who: ADA,
          sign: "bad-signature" as const,
        })),
    },
    {
      name: "a hijacked session beside the owner's",
      rule: "sessions",
      steps: () => [
        { afterMs: 0, who: ADA, sign: "login" },
        does(60, "circuits", { action: "trip", target: sector(0) }),
        { afterMs: 30_000, who: { ...ADA, origin: "http 10.0.0.8" }, sign: "login" },
      ],
    },
    {
      name: "a script storms the mesh with commands",
      rule: "rate",
      steps: (random) => many(400, 0.4, random, (nth) => ["restart", { address: agent(nth) }]),
    },
    {
      name: "rights are granted, and used on all at once",
      rule: "grant",
      steps: () => [
        does(1, "keys", { action: "init" }),
        does(20, "broadcast", { message: "obey" }),
      ],
    },
    {
      name: "destruction by night",
      rule: "hours",
      steps: () => [does(1, "status"), does(10, "kill", { target: agent(3) })],
    },
    {
      name: "one agent after another is killed, by hand",
      rule: "kills",
      steps: (random) => many(40, 8, random, (nth) => ["kill", { target: agent(nth) }]),
    },
    {
      name: "sector after sector is put out of service, three ways in turn",
      rule: "removal",
      steps: (random) =>
        many(sectors, 5, random, (nth) =>
          nth % 3 === 0
            ? ["freeze", { scope: sector(nth) }]
            : nth % 3 === 1
              ? ["circuits", { action: "trip", target: sector(nth) }]
              : ["route", { action: "avoid", target: sector(nth) }],
        ),
    },
    {
      name: "keys are revoked one after the other",
      rule: "revocations",
      steps: (random) =>
        many(20, 9, random, (nth) => ["keys", { action: "revoke", scope: agent(7 * nth) }]),
    },
    {
      name: "breakers are closed again and again, and the mode is forced",
      rule: "safeguards",
      steps: (random) =>
        many(40, 6, random, (nth) =>
          nth === 20
            ? ["quarantine", { action: "release", id: "conflict-1" }]
            : ["circuits", { action: "reset", target: sector(nth % 3) }],
        ),
    },
    {
      name: "conflicts are decided en masse, as nobody can who reads them",
      rule: "decisions",
      steps: (random) =>
        many(120, 4.5, random, (nth) => [
          "conflicts",
          { action: "resolve", id: `conflict-${nth}`, outcome: "fine" },
        ]),
    },
    {
      name: "the states of agents are read out, one by one",
      rule: "reads",
      steps: (random) => many(600, 0.8, random, (nth) => ["inspect", { address: agent(nth) }]),
    },
  ];
}

/** What a step is to those who watch operators, as `runOnMesh` has it. */
export function stepAct(mesh: Mesh, { who, command = "", args = {} }: Step): OperatorAct {
  const found = meshCommandNamed(COMMANDS, command);
  return actOf(mesh, found, checkArguments(found, args), who);
}
