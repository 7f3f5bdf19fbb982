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
      /** A child that this actor spawned has failed; what the supervisor decided. */
      readonly type: "child-failed";
      readonly actor: ActorRef;
      readonly error: string;
      readonly decision: "restart" | "stop" | "quarantine" | "escalate";
    };
