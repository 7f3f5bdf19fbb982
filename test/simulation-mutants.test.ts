// Bugs put into the runtime on purpose, each of a kind that has been made before: the simulator must find each.
import { assert, describe, test } from "vitest";
import { controlOf } from "../mailbox/lanes.ts";
import { CONTROL_PARKED } from "../mailbox/layout.ts";
import { REPORT_MAPS } from "../mailbox/operation-frame.ts";
import type { Dispatcher } from "../runtime/dispatch/dispatcher.ts";
import type { Headquarters } from "../runtime/headquarters.ts";
import type { FaultProfile } from "../simulator/faults.ts";
import type { Sabotage, SimulationOptions } from "../simulator/simulation.ts";
import type { Invariant } from "../simulator/witness.ts";
import { profile, simulateSmall } from "./simulated.ts";

/** Seeds that are tried until one finds the bug. */
const SEEDS = 30;

interface Mutant {
  readonly name: string;
  /** Any of these tells of it. */
  readonly found: readonly Invariant[];
  readonly sabotage: Sabotage;
  readonly faults?: FaultProfile;
  readonly options?: Partial<SimulationOptions>;
}

/** True every so many times. */
function every(count: number): () => boolean {
  let calls = 0;
  return () => ++calls % count === 0;
}

/** Lets a part of main's house look at another clock than all others do. */
function atAnotherTime(headquarters: Headquarters, timeOf: (nowMs: number) => number): void {
  const { guards, dispatcher } = headquarters;
  const { ports } = dispatcher;
  const wrong = { ...ports, clock: { nowMs: () => timeOf(ports.clock.nowMs()) } };
  for (const part of [guards.circuits, guards.modes]) {
    const tick = part.tick.bind(part) as (...counts: number[]) => void;
    part.tick = (...counts: number[]) => {
      (dispatcher as { ports: Dispatcher["ports"] }).ports = wrong;
      tick(...counts);
      (dispatcher as { ports: Dispatcher["ports"] }).ports = ports;
    };
  }
}

const FATAL: FaultProfile = { ...profile("crashes"), workerDeathsAnHour: 3600 };
const ABSENT: FaultProfile = { ...profile("crashes"), workerOutagesAnHour: 1200 };

const MUTANTS: readonly Mutant[] = [
  {
    name: "a link that forgets what it has taken",
    found: ["once"],
    sabotage: {
      elsewhere: ({ receiver, done }) => {
        receiver.take = ({ payload }) => [payload];
        done.has = () => false;
      },
    },
  },
  {
    name: "a memory of what was done that forgets, under a link that does not",
    found: ["once"],
    sabotage: {
      elsewhere: ({ done }) => {
        done.has = () => false;
      },
    },
  },
  {
    name: "a successor that skips the first message that it should deliver again",
    found: ["lost", "settles"],
    sabotage: {
      thread: ({ inbox, epoch }) => {
        const deliver = inbox.deliver.bind(inbox);
        let skips = epoch > 1 ? 1 : 0;
        inbox.deliver = (slot) => {
          if (skips-- <= 0) deliver(slot);
        };
      },
    },
  },
  {
    name: "a successor that does not see all of its custody",
    found: ["conservation", "monotone", "lost"],
    sabotage: {
      thread: ({ view: { custody } }) => {
        const recover = custody.recover.bind(custody);
        custody.recover = (committed) => {
          const found = recover(committed);
          return { ...found, messages: found.messages.slice(1) };
        };
      },
    },
  },
  {
    name: "a clock that is behind where deadlines are looked at",
    found: ["deadline"],
    sabotage: {
      thread: (dispatcher) => {
        const { clock } = dispatcher.ports;
        const slow = { nowMs: () => clock.nowMs() - 20 };
        (dispatcher as { ports: Dispatcher["ports"] }).ports = { ...dispatcher.ports, clock: slow };
      },
    },
    options: {
      load: {
        cascadeEveryMs: 0,
        scatterEveryMs: 0,
        askEveryMs: 20,
        delegateEveryMs: 0,
        tellEveryMs: 15,
      },
    },
  },
  {
    name: "a commit that now and then leaves its counts behind",
    found: ["conservation", "monotone"],
    sabotage: {
      thread: ({ ledger }) => {
        const prepare = ledger.prepare.bind(ledger);
        const forgets = every(50);
        ledger.prepare = () => {
          if (!forgets()) prepare();
        };
      },
    },
  },
  {
    name: "a publication that wakes nobody",
    found: ["sleeper"],
    sabotage: {
      thread: ({ view: { lanes }, plan }) => {
        const publish = lanes.publish.bind(lanes);
        lanes.publish = () => {
          const controls = Array.from({ length: plan.threads }, (_, thread) =>
            controlOf(plan.memory.control, thread),
          );
          const asleep = controls.filter((control) => control[CONTROL_PARKED] === 1);
          publish();
          for (const control of asleep) control[CONTROL_PARKED] = 1;
        };
      },
    },
  },
  {
    name: "a mailbox that lets a message pass those before it",
    found: ["order"],
    sabotage: {
      thread: ({ mailboxes }) => {
        const push = mailboxes.push.bind(mailboxes);
        mailboxes.push = (agent, priority, slot, bytes) =>
          mailboxes.depth[agent] > 0
            ? mailboxes.pushFront(agent, priority, slot, bytes)
            : push(agent, priority, slot, bytes);
      },
    },
    options: {
      load: {
        cascadeEveryMs: 0,
        scatterEveryMs: 0,
        askEveryMs: 0,
        delegateEveryMs: 0,
        tellEveryMs: 2,
      },
    },
  },
  {
    name: "a snapshot that is not taken at every turn",
    found: ["lost", "once", "order"],
    sabotage: {
      thread: ({ agents: { checkpoints } }) => {
        const take = checkpoints.take.bind(checkpoints);
        const forgets = every(5);
        checkpoints.take = (cell) => {
          if (!forgets()) take(cell);
        };
      },
    },
  },
  {
    name: "a report that counts an agent that has not answered",
    found: ["accounted", "sound"],
    sabotage: {
      headquarters: ({ gathers }) => {
        const onReport = gathers.onReport.bind(gathers);
        gathers.onReport = (ring, word) => {
          ring.words[word + REPORT_MAPS] |= 1 << 3;
          onReport(ring, word);
        };
      },
    },
  },
  {
    name: "a restart that only ends what it should start again",
    found: ["healing"],
    sabotage: {
      thread: ({ agents }) => {
        agents.restart = (agent) => {
          agents.suspend(agent);
          return undefined;
        };
      },
    },
    faults: { ...profile("none"), crashes: 0.01 },
    options: { forMs: 40_000 },
  },
  {
    name: "a log that writes again what it has written already",
    found: ["recorded"],
    sabotage: {
      disk: (log) => {
        const { append } = log;
        log.append = (entries) => append(entries);
      },
    },
    faults: { ...profile("byzantine"), diskFaultsAnHour: 3600, diskFaultMs: 1000 },
  },
  {
    name: "a breaker whose clock is half a minute ahead",
    found: ["circuits"],
    sabotage: {
      headquarters: (headquarters) => atAnotherTime(headquarters, (nowMs) => nowMs + 30_000),
    },
    faults: FATAL,
    options: { forMs: 20_000 },
  },
  {
    name: "a breaker that takes an answered probe for recovery",
    found: ["circuits"],
    sabotage: {
      headquarters: ({ listeners, guards: { circuits } }) => {
        listeners.on("circuit", ({ action, targetId }) => {
          if (action === "HALF_OPEN") circuits.reset(targetId);
        });
      },
    },
    faults: FATAL,
    options: { forMs: 60_000 },
  },
  {
    name: "a mode that is taken without being due for long",
    found: ["modes"],
    sabotage: {
      headquarters: (headquarters) => atAnotherTime(headquarters, (nowMs) => 5 * nowMs),
    },
    faults: ABSENT,
  },
  {
    name: "a mode that counts every second agent",
    found: ["modes"],
    sabotage: {
      headquarters: ({ guards: { modes } }) => {
        const tick = modes.tick.bind(modes);
        modes.tick = (active, total) => tick(active / 2, total);
      },
    },
  },
  {
    name: "a mode that nobody hears of",
    found: ["modes"],
    sabotage: {
      headquarters: ({ listeners, dispatcher: { view } }) => {
        listeners.on("mode", () => {
          view.routes.words.fill(0);
        });
      },
    },
    faults: ABSENT,
    options: { forMs: 20_000 },
  },
];

describe("is found:", () => {
  for (const { name, found, sabotage, faults, options } of MUTANTS) {
    test(name, async () => {
      for (let seed = 1; seed <= SEEDS; seed++) {
        const { violation } = await simulateSmall(seed, {
          ...(faults !== undefined && { faults }),
          ...options,
          sabotage,
        });
        if (violation === undefined) continue;
        assert.include(found, violation.invariant, `seed ${seed}: ${violation.detail}`);
        assert.equal(violation.seed, seed);
        return;
      }
      assert.fail(`not one of ${SEEDS} seeds finds it`);
    });
  }
});
