import type { ActorRef } from "./ref.ts";

/** What an actor hears of others' lives; delivered before waiting messages. */
export type Signal =
  | {
      /** A watched actor has ended and will not come back under this incarnation. */
      readonly type: "terminated";
      readonly actor: ActorRef;
      readonly reason: "stopped" | "failed" | "killed" | "lost";
    }
  | {
      /**
       * Two values for the same fact were traced to their origins, and the other one stands on firmer ground: whoever
       * keeps `instead` should keep `value` (spec 5.1, PROVENANCE_TRACE).
       */
      readonly type: "value-superseded";
      readonly conflictId: string;
      readonly value: unknown;
      readonly instead: unknown;
    }
  | {
      /** A child that this actor spawned has failed; what the supervisor decided. */
      readonly type: "child-failed";
      readonly actor: ActorRef;
      readonly error: string;
      readonly decision: "restart" | "stop" | "quarantine" | "escalate";
    };
