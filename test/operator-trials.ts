// Operators, honest and not, before those who watch them: in virtual time, over the real table of commands.
import { type OperatorAlarm, OperatorWatch } from "../trust/operator-watch.ts";
import { FakeMesh } from "./fake-mesh.ts";
import { randomOf } from "./mesh.ts";
import { OperatorDays } from "./operator-days.ts";
import { ADA, type Playbook, playbooksFor, type Step, stepAct } from "./operator-playbooks.ts";

const WHOLE = { sectors: 100, clustersPerSector: 10, agentsPerCluster: 30 };
/** Before an attack its victim has worked for a month. */
const MONTH_MS = 30 * 86_400_000;
/** A Tuesday at three in the afternoon, UTC. */
const NOON_MS = Date.UTC(2026, 10, 24, 15);

const mesh = new FakeMesh({ agent: "", topology: WHOLE }).mesh;

export const PLAYBOOKS: readonly Playbook[] = playbooksFor(WHOLE);

/** Who is watched, as those who enrol operators would say it. */
function watchOfAda(): OperatorWatch {
  const watch = new OperatorWatch();
  watch.enrol("ada", { origins: [ADA.origin, "http 10.0.0.8"], hours: [6, 22] });
  return watch;
}

function take(watch: OperatorWatch, step: Step, atMs: number): OperatorAlarm | undefined {
  if (step.sign !== undefined) return watch.sign({ who: step.who, sign: step.sign }, atMs);
  return watch.act(stepAct(mesh, step), atMs);
}

/** What became of an attack. */
export interface Played {
  readonly playbook: Playbook;
  /** The first alarm that freezes; undefined when there was none. */
  readonly alarm: OperatorAlarm | undefined;
  /** Steps until then, of all. */
  readonly steps: number;
  readonly of: number;
  /** Virtual time from the first step to the alarm, ms. */
  readonly elapsedMs: number;
}

/** Plays an attack on a mesh whose operator has worked for a while as operators do. */
export function play(playbook: Playbook, seed: number): Played {
  const random = randomOf(seed);
  const watch = watchOfAda();
  const days = new OperatorDays(random);
  for (let day = 0; day < 3; day++)
    for (const { atMs, step } of days.day(day, false))
      if (step.who === ADA) take(watch, step, NOON_MS - MONTH_MS + atMs);
  const steps = playbook.steps(random);
  const beginMs = playbook.rule === "hours" ? NOON_MS + 12 * 3_600_000 : NOON_MS;
  let atMs = beginMs;
  for (const [nth, step] of steps.entries()) {
    atMs += step.afterMs;
    const alarm = take(watch, step, atMs);
    if (alarm?.freezes === true)
      return { playbook, alarm, steps: nth + 1, of: steps.length, elapsedMs: atMs - beginMs };
  }
  const elapsedMs = atMs - beginMs;
  return { playbook, alarm: undefined, steps: steps.length, of: steps.length, elapsedMs };
}

/** What a number of ordinary days came to. */
export interface Ordinary {
  readonly days: number;
  readonly acts: number;
  /** Alarms, those that freeze first. */
  readonly alarms: readonly string[];
  readonly freezes: number;
}

/** Watches ordinary days of the same operators, one after the other. */
export function watchDays(days: number, seed: number): Ordinary {
  const watch = watchOfAda();
  // Whoever is called out of bed is enrolled for it.
  watch.enrol("ada", { origins: [ADA.origin] });
  const generator = new OperatorDays(randomOf(seed));
  const alarms: string[] = [];
  let acts = 0;
  let freezes = 0;
  for (let day = 0; day < days; day++) {
    for (const { atMs, step } of generator.day(day, true)) {
      acts++;
      const alarm = take(watch, step, NOON_MS + atMs);
      if (alarm === undefined) continue;
      if (alarm.freezes) freezes++;
      alarms.push(`day ${day}, ${step.who.name}: ${alarm.rule}: ${alarm.why}`);
    }
  }
  return { days, acts, alarms, freezes };
}
