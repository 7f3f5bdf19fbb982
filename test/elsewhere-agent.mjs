// An agent that stands for a system whose clock is an hour ahead, at a distance that varies from probe to probe.
import { defineAgent, ready } from "../dist/index.js";

const AHEAD_MS = 3_600_000;

export default defineAgent({
  init: () => ({ probes: 0 }),
  receive(_state, _message, ctx) {
    const { localArrivalMs, arrivalMs } = ctx.envelope.operation;
    return ready({ local: localArrivalMs, arrival: arrivalMs });
  },
  probe(state, ctx) {
    // All of it on the way there: the worst that a round trip can hide.
    const rttMs = 2 + 40 * (state.probes++ % 3);
    return { rttMs, processingMs: 0, clockMs: ctx.clock.nowMs() + rttMs + AHEAD_MS };
  },
});
