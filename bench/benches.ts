import { codec } from "./codec.ts";
import type { Bench } from "./harness.ts";
import { heartbeatCross } from "./heartbeat-cross.ts";
import { heartbeatThread } from "./heartbeat-thread.ts";
import { ring } from "./ring.ts";

/** Every bench there is, in the order in which they run. */
export const BENCHES: readonly Bench[] = [ring, codec, heartbeatThread, heartbeatCross];
