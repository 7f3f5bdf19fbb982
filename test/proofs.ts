// The proofs that `npm run prove` runs, each as rows of fault, count and outcome.

import { journalStorm } from "../simulator/journal-storm.ts";
import { killDurable } from "./durable-kills.ts";
import { durableSubjects, hastyLog } from "./durable-subjects.ts";
import { Explorer } from "./explorer.ts";
import { type Explored, explored } from "./interleavings.ts";
import { randomOf } from "./mesh.ts";
import { PLAYBOOKS, play, watchDays } from "./operator-trials.ts";
import { cutPower, killWriter, whyNoDisks } from "./power-cut.ts";
import { count, number, type Proof, type Row, type Trial } from "./proof.ts";
import { sweepSeeds } from "./swept-seeds.ts";
import { attackTiming, honestHalfHour, type TimingTrial } from "./timing-trials.ts";
import { forgeries, hostileMemory, malformedInput } from "./trust-proofs.ts";
import { killWorkers } from "./worker-kills.ts";

/** What became of all cases of a protocol. */
interface Explorations {
  /** States of the cases that were explored to the end, and how many of these there were. */
  readonly whole: number;
  readonly cases: number;
  /** States of those that were stopped at their bound. */
  readonly partial: number;
  readonly depth: number;
  readonly mortal: boolean;
  readonly fault: string | undefined;
}

function explore({ name, small, full }: Explored, { full: isFull, tell }: Trial): Explorations {
  const sum = { whole: 0, cases: 0, partial: 0, depth: 0, mortal: false };
  let fault: string | undefined;
  const cases = isFull ? [...small.filter(({ maxStates }) => !maxStates), ...full] : small;
  for (const { name: size, make, maxStates } of cases) {
    const protocol = make();
    sum.mortal ||= protocol.roles.some(({ deaths }) => deaths > 0);
    const found = new Explorer(protocol, maxStates === undefined ? {} : { maxStates }).run();
    if (found.whole) {
      sum.whole += found.states;
      sum.cases++;
    } else sum.partial += found.states;
    sum.depth = Math.max(sum.depth, found.depth);
    fault ??= found.fault && `${found.fault.sentence}: ${found.fault.trace}`;
    tell(`${name} ${size}: ${found.states} states, ${found.depth} deep, whole ${found.whole}`);
  }
  return { ...sum, fault };
}

const interleavings: Proof = {
  name: "interleavings",
  question: "Does every interleaving hold? The code of the build is what is stepped.",
  run: async (trial) => {
    const rows: Row[] = [];
    for (const protocol of explored) {
      const startMs = performance.now();
      const { whole, cases, partial, depth, mortal, fault } = explore(protocol, trial);
      const seconds = Math.round((performance.now() - startMs) / 1000);
      const stopped =
        partial === 0 ? "" : `, and ${number.format(partial)} of cases that were stopped`;
      rows.push({
        fault: `${protocol.name}: any order of steps${mortal ? ", a thread dying at any" : ""}`,
        count: `${count(whole, "states")}, all of ${cases} cases${stopped}; ${depth} deep, in ${seconds} s`,
        outcome: fault ?? "0 errors",
        holds: fault === undefined,
      });
      const { mutants, small } = protocol;
      const found = mutants.filter(
        ({ on, edits }) => new Explorer(small[on].make(edits), { maxStates: 400_000 }).run().fault,
      ).length;
      rows.push({
        fault: `${protocol.name}: a mistake made on purpose`,
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
  run: async ({ full, seed }) => {
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
  run: async ({ full, seed }) => {
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
  run: async ({ full, seed }) => {
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

const durableKills: Proof = {
  name: "durable-kills",
  question: "Does a mesh with a data folder come back with all it promised, however often it dies?",
  run: async ({ full, seed }) => {
    const kills = full ? 100 : 10;
    const { promised, lost, unfinished, faults } = await killDurable(kills, seed, randomOf(seed));
    return [
      {
        fault: "kill -9 of a mesh under durable load, again and again over one folder",
        count: `${count(kills, "kills")}, ${count(promised, "messages promised")}`,
        outcome:
          faults.length === 0
            ? `${lost} lost, 0 twice, 0 out of order; ${count(unfinished, "found unfinished and done")}`
            : `${lost} lost; ${faults.slice(0, 3).join("; ")}`,
        holds: lost === 0 && faults.length === 0 && promised > 0,
      },
    ];
  },
};

const simulatedSeeds: Proof = {
  name: "simulated-seeds",
  question: "Does what must always hold do so in simulated storms (docs/simulator.md)?",
  run: async ({ full, seed, seeds = full ? 10_000 : 100, tell }) => {
    const { run, happened, smallest } = await sweepSeeds(seed, seeds, tell);
    const faults = Object.entries(happened).map(([name, times]) => count(times, name));
    return [
      {
        fault: `a storm: ${faults.join(", ")}`,
        count: `${count(run, "seeds")} from ${seed}, 60 agents for 20 s each`,
        outcome:
          smallest === null ? "0 invariants broken" : `seed ${smallest.seed}: ${smallest.why}`,
        holds: smallest === null && run === seeds,
      },
    ];
  },
};

const operatorDays: Proof = {
  name: "operator-days",
  question: "Is a compromised operator found, and nobody else taken for one?",
  run: async ({ full, seed, tell }) => {
    const rows: Row[] = [];
    const variants = full ? 100 : 10;
    for (const playbook of PLAYBOOKS) {
      const played = Array.from({ length: variants }, (_, nth) => play(playbook, seed + nth));
      const found = played.filter(({ alarm }) => alarm?.rule === playbook.rule);
      const steps = found.map((each) => each.steps);
      const range = `${Math.min(...steps)} to ${Math.max(...steps)}`;
      rows.push({
        fault: `playbook: ${playbook.name}`,
        count: count(variants, "variants"),
        outcome: `${found.length} found by the rule ${playbook.rule}, at act ${range} of up to ${played[0].of}`,
        holds: found.length === variants,
      });
      tell(`${playbook.rule}: ${found.length} of ${variants}`);
    }
    const runs = full ? 20 : 1;
    const sum = { days: 0, acts: 0, freezes: 0, alarms: [] as string[] };
    for (let nth = 0; nth < runs; nth++) {
      const { days, acts, freezes, alarms } = watchDays(30, seed + nth);
      sum.days += days;
      sum.acts += acts;
      sum.freezes += freezes;
      sum.alarms.push(...alarms);
      tell(`days, seed ${seed + nth}: ${alarms.length} alarms`);
    }
    rows.push({
      fault:
        "an ordinary operator-day: incidents, healing, freezes, rollouts, drills, mass scale, keys, reviews",
      count: `${count(sum.days, "days")}, ${count(sum.acts, "acts")}`,
      outcome:
        sum.alarms.length === 0
          ? "0 false freezes, 0 false alarms"
          : `${sum.freezes} false freezes; ${sum.alarms.slice(0, 3).join("; ")}`,
      holds: sum.freezes === 0,
    });
    return rows;
  },
};

const timingAttacks: Proof = {
  name: "timing-attacks",
  question:
    "Are agents found that lie about their timing together, and do the honest go on as before?",
  run: async ({ full, seed, tell }) => {
    const rows: Row[] = [];
    const runs = full ? 50 : 5;
    // The same meshes and operations, with everybody honest: what else would have become of them.
    const honest: TimingTrial[] = [];
    for (let nth = 0; nth < runs; nth++) honest.push(await attackTiming(seed + nth, 1));
    const falsely = honest.filter(({ lockedMs }) => lockedMs !== undefined).length;
    for (const factor of [0.1, 0.3, 3, 10]) {
      const trials: TimingTrial[] = [];
      for (let nth = 0; nth < runs; nth++) trials.push(await attackTiming(seed + nth, factor));
      const found = trials.filter(({ lockedMs = -1 }) => lockedMs > 0 && lockedMs <= 10_000);
      const slowest = Math.max(...found.map(({ lockedMs = 0 }) => lockedMs)) / 1000;
      const falls = trials.map(({ during }, nth) => (honest[nth].during - during) * 100);
      const worst = Math.max(...falls);
      rows.push({
        fault: `a tenth of 600 agents says that it takes ${factor} times as long as it does`,
        count: count(runs, "attacks"),
        outcome:
          `${found.length} locked within 10 s, the last after ${slowest.toFixed(1)} s; ` +
          `READY by T of the honest falls by ${worst.toFixed(2)} points at worst`,
        holds: found.length === runs && worst <= 1 && falsely === 0,
      });
      tell(`${factor}: ${found.length} of ${runs}, ${worst.toFixed(2)} points`);
    }
    const hours = full ? 20 : 2;
    for (const faults of ["none", "default", "network", "crashes"]) {
      const early: string[] = [];
      for (let nth = 0; nth < hours; nth++) {
        const why = await honestHalfHour(seed + nth, faults);
        if (why !== undefined) early.push(`seed ${seed + nth}: ${why}`);
      }
      rows.push({
        fault: `faults "${faults}", and nobody lies: half an hour of 600 agents`,
        count: count(hours, "runs"),
        outcome: early[0] ?? "0 locked, 0 frozen",
        holds: early.length === 0,
      });
      tell(`${faults}: ${early.length} of ${hours}`);
    }
    return rows;
  },
};

const journalStorms: Proof = {
  name: "journal-storms",
  question:
    "Does what was said to be on disk hold when main and its machine die and the disk fails?",
  run: async ({ full, seed, seeds = full ? 2_000 : 200 }) => {
    const sums = { accepted: 0, mainDeaths: 0, workerDeaths: 0, diskFaults: 0, tornBytes: 0 };
    let violation: string | undefined;
    let run = 0;
    for (; run < seeds && violation === undefined; run++) {
      const outcome = await journalStorm({ seed: seed + run, steps: 400 });
      if (outcome.violation !== undefined) violation = `seed ${seed + run}: ${outcome.violation}`;
      for (const name of Object.keys(sums) as (keyof typeof sums)[]) sums[name] += outcome[name];
    }
    const faults = [
      count(sums.mainDeaths, "deaths of main"),
      count(sums.workerDeaths, "of its worker"),
      count(sums.diskFaults, "failed writes"),
      count(sums.tornBytes, "bytes torn off"),
    ];
    return [
      {
        fault: `a simulated storm over a journal: ${faults.join(", ")}`,
        count: `${count(run, "seeds")} from ${seed}, ${count(sums.accepted, "acknowledged")}`,
        outcome: violation ?? "0 lost, 0 twice, 0 out of order",
        holds: violation === undefined && run === seeds && sums.accepted > 0,
      },
    ];
  },
};

export const proofs: readonly Proof[] = [
  interleavings,
  workerKills,
  powerCuts,
  processKills,
  durableKills,
  simulatedSeeds,
  journalStorms,
  forgeries,
  hostileMemory,
  malformedInput,
  operatorDays,
  timingAttacks,
];
