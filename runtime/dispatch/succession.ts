import { addressOf } from "../../coordination/address.ts";
import { isOver, NOT_STARTED, OFFLINE, STOPPED } from "../../coordination/agent-state.ts";
import { FLAG_LOST } from "../../coordination/registry.ts";
import {
  FRAME_SEQUENCE_F64,
  FRAME_TARGET,
  FRAME_TYPE,
  FrameFlag,
  FrameKind,
  frameFlags,
  frameKind,
} from "../../mailbox/frame.ts";
import {
  CONTROL_CURRENT_SLOT,
  Count,
  SLOT_DEATHS,
  SLOT_FRAME,
  SLOT_LANE,
  SLOT_POSITION,
} from "../../mailbox/layout.ts";
import { DeadLetterCode } from "./dead-letter-code.ts";
import type { Dispatcher } from "./dispatcher.ts";

/** How the previous incarnation of a thread ended. */
export interface Death {
  /** By an order: no message is to blame. */
  readonly blameless: boolean;
  /** Index + 1 of the agent whose turn or `init` ran at that moment; 0 for none. */
  readonly current: number;
}

/** What a dead thread left, ready to be handed out once its agents are up again. */
export interface Estate {
  /** Puts the surviving messages into the mailboxes, in their order. */
  redeliver(): void;
}

/**
 * Takes over from the thread's previous incarnation, whose exit main has seen: finishes or forgets its last
 * publication, rebuilds custody as of its last committed cycle, and finds who may have killed it. For the
 * first incarnation there is nothing, and this does nothing.
 */
export function succeed(dispatcher: Dispatcher, death: Death): Estate {
  const { view, ledger, agents, journal } = dispatcher;
  const { committed } = ledger;
  // Before its lanes: nobody may act on a message of which the journal has not heard.
  journal?.recover(committed);
  view.lanes.recoverProducer(committed);
  view.custody.nextRank = ledger.counts[Count.NEXT_RANK];
  const found = view.custody.recover(committed);
  takeOverLanes(dispatcher, found.messages);
  countAccepted(dispatcher, found.messages);
  const suspects = death.blameless
    ? new Set<number>()
    : findSuspects(dispatcher, found.messages, death.current);
  dispatcher.belongings.adopt(found.belongings);
  dispatcher.sends.keep(found.messages);
  resetRows(dispatcher);
  dispatcher.outbox.adopt(found.outgoing);
  agents.checkpoints.adopt(statesOfTheLiving(dispatcher, found.checkpoints));
  return { redeliver: () => redeliver(dispatcher, found.messages, suspects, death.current - 1) };
}

/** States of children that died with their parent's are given up, or whoever gets their place would find them. */
function statesOfTheLiving(
  dispatcher: Dispatcher,
  checkpoints: ReadonlyMap<number, number>,
): ReadonlyMap<number, number> {
  const { topology } = dispatcher.view;
  const living = new Map<number, number>();
  for (const [agent, slot] of checkpoints) {
    if (agent < topology.spawnBase || dispatcher.belongings.brings(agent)) living.set(agent, slot);
    else dispatcher.giveBack(slot);
  }
  return living;
}

/** Nobody has anything queued or running any more; whoever had ended before stays so. */
function resetRows(dispatcher: Dispatcher): void {
  const { registry, placement, topology, thread } = dispatcher.view;
  for (let row = 0; row < topology.rows; row++) {
    if (placement[row] !== thread) continue;
    registry.queueDepth[row] = 0;
    registry.queueBytes[row] = 0;
    registry.currentSinceMs[row] = 0;
    registry.waitsOn[row] = -1;
    const state = registry.state[row];
    if (state === NOT_STARTED || isOver(state)) continue;
    if (row < topology.spawnBase || dispatcher.belongings.brings(row)) {
      registry.state[row] = OFFLINE;
      continue;
    }
    // Without a copy of its birth a spawned child has died with the state of its parent, who will spawn another if it
    // wants one. Whoever watches it, or asks to, is told so: the flag outlives this thread too.
    registry.state[row] = STOPPED;
    registry.flags[row] |= FLAG_LOST;
  }
}

/** A frame that reached custody must not be taken from its lane again, even if the lane was not told. */
function takeOverLanes(dispatcher: Dispatcher, messages: readonly number[]): void {
  const { words } = dispatcher.view.custody;
  for (const [index, lane] of dispatcher.view.lanes.incoming.entries()) {
    let accepted = lane.ring.accepted;
    for (const slot of messages) {
      if (words[slot + SLOT_LANE] !== lane.id) continue;
      const position = words[slot + SLOT_POSITION];
      if (((position - accepted) | 0) > 0) accepted = position;
    }
    dispatcher.resumeLane(index, accepted);
  }
}

/** What was accepted after the last commit was not counted then. */
function countAccepted(dispatcher: Dispatcher, messages: readonly number[]): void {
  const { view, ledger } = dispatcher;
  const counted = ledger.counts[Count.NEXT_RANK];
  for (const slot of messages) {
    if (view.custody.rankOf(slot) >= counted) ledger.counts[Count.ACCEPTED]++;
  }
  ledger.counts[Count.IN_FLIGHT] = messages.length;
}

/**
 * The message whose turn, or whose consequence, ran when the thread died; if nothing did, those whose turns
 * were suspended. Each is one death nearer to its quarantine from now on, whether or not this thread lives
 * to deliver it.
 */
function findSuspects(
  dispatcher: Dispatcher,
  messages: readonly number[],
  current: number,
): ReadonlySet<number> {
  const { view } = dispatcher;
  const { words, doubles } = view.custody;
  const running = view.control[CONTROL_CURRENT_SLOT];
  const suspects = new Set<number>();
  for (const slot of messages) {
    const agent = words[slot + SLOT_FRAME + FRAME_TARGET];
    const sequence = doubles[((slot + SLOT_FRAME) >>> 1) + FRAME_SEQUENCE_F64] % 2 ** 32;
    const suspended =
      view.registry.currentSinceMs[agent] > 0 && view.registry.currentMessage[agent] === sequence;
    if (current === 0 ? !suspended : slot !== running) continue;
    suspects.add(slot);
    words[slot + SLOT_DEATHS]++;
  }
  return suspects;
}

function redeliver(
  dispatcher: Dispatcher,
  messages: readonly number[],
  suspects: ReadonlySet<number>,
  culprit: number,
): void {
  const { view, ledger, plan, inbox, burials, operations, ports } = dispatcher;
  const { words } = view.custody;
  for (const slot of messages) {
    const at = slot + SLOT_FRAME;
    words[at + FRAME_TYPE] |= FrameFlag.REDELIVERED << 16;
    const isOperation = frameKind(words[at + FRAME_TYPE]) === FrameKind.OPERATION;
    if (isOperation) operations.recover(slot, ledger.committed);
    if (suspects.has(slot)) {
      const deaths = words[slot + SLOT_DEATHS];
      const agent = isOperation ? culprit : words[at + FRAME_TARGET];
      const address = addressOf(view.topology, agent);
      ports.log.warn({ actor: address, deaths }, "worker died while this agent had a turn");
      if (deaths >= plan.maxDeliveries) {
        if (!isOperation) {
          burials.bury(slot, DeadLetterCode.POISON);
          continue;
        }
        // Only the agent that it kills is left out; its siblings still get the operation.
        operations.exclude(slot, agent);
      }
    }
    if ((frameFlags(words[at + FRAME_TYPE]) & FrameFlag.VOLATILE) !== 0) {
      burials.bury(slot, DeadLetterCode.VOLATILE);
      continue;
    }
    ledger.counts[Count.REDELIVERED]++;
    if (isOperation) {
      operations.begin(slot);
    } else {
      inbox.deliver(slot);
    }
  }
  dispatcher.touch();
}
