import { arrival } from "./arrival.ts";
import { askCross } from "./ask-cross.ts";
import { askLocal } from "./ask-local.ts";
import { cascade } from "./cascade.ts";
import { codec } from "./codec.ts";
import { durable } from "./durable.ts";
import { flood } from "./flood.ts";
import { freeze } from "./freeze.ts";
import { hang } from "./hang.ts";
import type { Bench } from "./harness.ts";
import { heartbeatCross } from "./heartbeat-cross.ts";
import { heartbeatThread } from "./heartbeat-thread.ts";
import { idle } from "./idle.ts";
import { link } from "./link.ts";
import { operations } from "./operations.ts";
import { punctuality } from "./punctuality.ts";
import { release } from "./release.ts";
import { restart } from "./restart.ts";
import { ring } from "./ring.ts";
import { spawn } from "./spawn.ts";
import { tellCross } from "./tell-cross.ts";
import { tree } from "./tree.ts";
import { trust } from "./trust.ts";
import { watched } from "./watched.ts";
import { workerKill } from "./worker-kill.ts";

/** Every bench there is, in the order in which they run. */
export const BENCHES: readonly Bench[] = [
  ring,
  codec,
  heartbeatThread,
  heartbeatCross,
  tellCross,
  askCross,
  askLocal,
  durable,
  link,
  trust,
  tree,
  cascade,
  release,
  punctuality,
  operations,
  spawn,
  restart,
  workerKill,
  hang,
  flood,
  freeze,
  arrival,
  idle,
  watched,
];
