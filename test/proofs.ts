// The proofs that `npm run prove` runs, each as rows of fault, count and outcome.

import { durableSubjects, hastyLog } from "./durable-subjects.ts";
import { Explorer } from "./explorer.ts";
import { explored } from "./interleavings.ts";
import { randomOf } from "./mesh.ts";
import { cutPower, killWriter, whyNoDisks } from "./power-cut.ts";
import { killWorkers } from "./worker-kills.ts";

export interface Row {
  readonly fault: string;
  readonly count: string;
  readonly outcome: string;
  /** False when something was lost, torn, doubled or not found. */
  readonly holds: boolean;
}

export interface Proof {
  readonly name: string;
  readonly question: string;
  run(full: boolean, seed: number, tell: (line: string) => void): Promise<readonly Row[]>;
}

const number = new Intl.NumberFormat("en-US");

function count(value: number, noun: string): string {
  return `${number.format(value)} ${noun}`;
}

const interleavings: Proof = {
  name: "interleavings",
  question: "Does every interleaving hold? The code of the build is what is stepped.",
  run: async (full, _seed, tell) => {
    const rows: Row[] = [];
    for (const { name, small, full: large, mutants } of explored) {
      let states = 0;
      let depth = 0;
      let whole = true;
      let mortal = false;
      let fault: string | undefined;
      const startMs = performance.now();
      for (const { name: size, make, maxStates } of full ? [...small, ...large] : small) {
        const protocol = make();
        mortal ||= protocol.roles.some(({ deaths }) => deaths > 0);
        const found = new Explorer(protocol, maxStates === undefined ? {} : { maxStates }).run();
        states += found.states;
        depth = Math.max(depth, found.depth);
        whole &&= found.whole;
        fault ??= found.fault && `${found.fault.sentence}: ${found.fault.trace}`;
        tell(`${name} ${size}: ${found.states} states, ${found.depth} deep, whole ${found.whole}`);
      }
      const seconds = Math.round((performance.now() - startMs) / 1000);
      rows.push({
        fault: `${name}: any order of steps${mortal ? ", a thread dying at any" : ""}`,
        count: `${count(states, "states")}, ${depth} deep, in ${seconds} s${whole ? "" : " (not all whole)"}`,
        outcome: fault ?? "0 errors",
        holds: fault === undefined,
      });
      const found = mutants.filter(
        ({ on, edits }) => new Explorer(small[on].make(edits), { maxStates: 400_000 }).run().fault,
      ).length;
      rows.push({
        fault: `${name}: a mistake made on purpose`,
        count: count(mutants.length, "mutants"),
        outcome: `${found} found`,
        holds: found === mutants.length,
      });
    }
    return rows;
  },
};

const workerKills: Proof = {
  name: "worker-kills",
  question: "Is a message lost, torn, out of order or handled twice when workers die under load?",
  run: async (full, seed) => {
    const kills = full ? 1_000 : 200;
    const counted = await killWorkers(kills, seed);
    const kinds = Object.entries(counted.kills).map(([kind, times]) => `${times} ${kind}`);
    const faults = counted.faults.length;
    return [
      {
        fault: `a worker dies under load: ${kinds.join(", ")}`,
        count: `${count(kills, "deaths")}, ${count(counted.told, "messages")}`,
        outcome:
          faults === 0
            ? `0 lost, 0 torn, 0 out of order, 0 twice; ${count(counted.redelivered, "delivered again")}`
            : `${faults} faults: ${counted.faults.slice(0, 3).join("; ")}`,
        holds: faults === 0 && counted.got === counted.told,
      },
    ];
  },
};

const powerCuts: Proof = {
  name: "power-cuts",
  question: "Is anything lost that was acknowledged when the power of its disk is cut?",
  run: async (full, seed) => {
    const why = whyNoDisks();
    if (why !== undefined)
      return [
        { fault: "power cut", count: "0 cuts", outcome: `not run: ${why.trim()}`, holds: true },
      ];
    const random = randomOf(seed);
    const rows: Row[] = [];
    for (const subject of durableSubjects) {
      const { cuts, acked, lost, faults } = await cutPower(subject, full ? 20 : 3, random);
      rows.push({
        fault: `power cut: ${subject.name}`,
        count: `${count(cuts, "cuts")}, ${count(acked, "acknowledged")}`,
        outcome: `${lost} lost${faults.length > 0 ? `; ${faults.slice(0, 3).join("; ")}` : ""}`,
        holds: lost === 0 && faults.length === 0 && acked > 0,
      });
    }
    const control = await cutPower(hastyLog, 3, random);
    rows.push({
      fault: `power cut: ${hastyLog.name}`,
      count: `${count(control.cuts, "cuts")}, ${count(control.acked, "acknowledged")}`,
      outcome: `${number.format(control.lost)} lost, as it must be`,
      holds: control.lost > 0,
    });
    return rows;
  },
};

const processKills: Proof = {
  name: "process-kills",
  question: "Is anything lost that was acknowledged when the process that writes is killed?",
  run: async (full, seed) => {
    const random = randomOf(seed);
    const rows: Row[] = [];
    for (const subject of durableSubjects) {
      const { cuts, acked, lost, faults } = await killWriter(subject, full ? 100 : 10, random);
      rows.push({
        fault: `kill -9: ${subject.name}`,
        count: `${count(cuts, "kills")}, ${count(acked, "acknowledged")}`,
        outcome: `${lost} lost${faults.length > 0 ? `; ${faults.slice(0, 3).join("; ")}` : ""}`,
        holds: lost === 0 && faults.length === 0 && acked > 0,
      });
    }
    return rows;
  },
};

export const proofs: readonly Proof[] = [interleavings, workerKills, powerCuts, processKills];
