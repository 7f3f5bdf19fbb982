// Bugs put into the runtime on purpose, each of a kind that has been made before: the simulator must find each.
import { assert, describe, test } from "vitest";
import { controlOf } from "../mailbox/lanes.ts";
import { CONTROL_PARKED } from "../mailbox/layout.ts";
import { REPORT_MAPS } from "../mailbox/operation-frame.ts";
import type { Dispatcher } from "../runtime/dispatch/dispatcher.ts";
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
