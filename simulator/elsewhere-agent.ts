import { type Behavior, defineAgent } from "../actors/behavior.ts";
import type { ActorContext } from "../actors/context.ts";
import { conflict, ready } from "../actors/result.ts";
import type { Elsewhere, NearSide } from "./elsewhere.ts";
import type { Misdeeds } from "./misdeeds.ts";
import type { Witness } from "./witness.ts";

/** What stands for an agent elsewhere on the mesh's side: an end of a link, and nothing that would have to be saved. */
export interface ElsewhereState {
  readonly near: NearSide;
  /** Heartbeats so far. */
  beats: number;
}

/** The other side is measured at every so many heartbeats, and before first use. */
const PROBE_EVERY = 4;
/** Its clock, which moves slowly against ours, at every so many. */
const CLOCK_EVERY = 32;

/** What agents that stand for systems elsewhere need of the simulation. */
export interface ElsewhereAgentPorts {
  readonly elsewhere: Elsewhere;
  readonly misdeeds: Misdeeds;
  readonly witness: Witness;
  /** Thread of an agent: with a sender's own count of messages it tells them all apart. */
  readonly threadOf: (agent: number) => number;
  /** What such an agent is said to be able to do. */
  readonly capabilities: readonly string[];
}

/** What a liar makes of its impedance: traffic goes to who is fast. */
const LIE = 0.1;
/** Ids of messages by thread: a sender counts below 2^45. */
const THREADS = 256;

/** A question with one right answer. */
export const QUESTION: { readonly question: string } = Object.freeze({ question: "the earth?" });

function isQuestion(message: unknown): boolean {
  return (message as { readonly question?: unknown } | undefined)?.question !== undefined;
}

/** An agent whose work is done elsewhere: READY when the other side has said so, and not before. */
export function elsewhereAgent(ports: ElsewhereAgentPorts): Behavior<ElsewhereState> {
  const { elsewhere, misdeeds, witness, threadOf, capabilities } = ports;
  return defineAgent<ElsewhereState, unknown, unknown>({
    capabilities: [...capabilities],

    init: (ctx: ActorContext): ElsewhereState => ({ near: elsewhere.attach(ctx.self), beats: 0 }),

    receive({ near }, message, ctx) {
      const { self, envelope } = ctx;
      const { sequence, deadlineMs, operation, sender } = envelope;
      witness.turn(self, sequence, deadlineMs);
      misdeeds.crash(self);
      const id = sequence * THREADS + (sender === undefined ? 0 : threadOf(sender));
      return elsewhere
        .call(near, id, deadlineMs, operation === undefined)
        .then(({ rttMs, processingMs }) => {
          const factor = misdeeds.exaggeration(self);
          ctx.measured(rttMs * factor, processingMs * factor);
          const result = misdeeds.lies(self)
            ? conflict({ type: "DATA_CONTRADICTION", expected: sequence, received: -sequence })
            : ready(isQuestion(message) ? misdeeds.answer(self) : sequence);
          if (operation !== undefined) witness.answered(self, operation.id, result.state);
          return result;
        });
    },

    act: (_state, _message, { self }) => witness.acted(self),

    probe(state, { self, clock }) {
      const beat = state.beats++;
      if (beat > 0 && (beat + self) % PROBE_EVERY !== 0) return undefined;
      const seen = elsewhere.probe(self);
      if (seen === undefined) return undefined;
      const lie = (misdeeds.lies(self) ? LIE : 1) * misdeeds.exaggeration(self);
      const probe = { rttMs: seen.rttMs * lie, processingMs: seen.processingMs * lie };
      if (beat % CLOCK_EVERY >= PROBE_EVERY) return probe;
      const nowMs = clock.nowMs();
      return { ...probe, clockMs: nowMs + seen.rttMs / 2 + misdeeds.clockErrorMs(self, nowMs) };
    },
  });
}
