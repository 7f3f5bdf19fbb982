import assert from "node:assert/strict";
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { connect } from "@nats-io/transport-node";
import type { ActorRef } from "../actors/ref.ts";
import type { TellFigures, TellOrder } from "./agent-tell.ts";
import { perSecond } from "./exchange.ts";
import { type Bench, type Measured, parameter } from "./harness.ts";
import { linkMesh } from "./link-mesh.ts";
import type { LinkQuestion } from "./link-process.ts";
import { NatsServer } from "./nats-server.ts";
import { FIRST_TASK_NUMBER, taskMessage } from "./payload.ts";
import { moduleExecArgv, moduleUrl, nowMs } from "./threads.ts";

/*
 *   agent of node one ──▶ its main ──[ frames of 256, nats-server ]──▶ main of node two ──▶ agent
 *        teller        ◀──────────────── finished ────────────────             told, proves each
 */
const MESSAGES = parameter("link messages", { smoke: 5_000, full: 1_000_000 });
const WARM = parameter("link warm-up messages", { smoke: 1_024, full: 50_000 });
const LIMIT_MS = 120_000;
/** Messages that the bare client has not been told the server has, at most. */
const FLUSH_EVERY = 4_096;

async function ours(measured: Measured): Promise<void> {
  await using server = await NatsServer.start();
  const two = otherSide({ url: server.url, side: "mesh" });
  try {
    await using mesh = await linkMesh(server.url, "one");
    await two.ready;
    const agents = [1, 2].map((sector) => `sector-${sector}/cluster-1/agent-1`);
    const here = agents.find((address) => mesh.nodes?.hostOf(address) === "one") as string;
    const there = agents.find((address) => mesh.nodes?.hostOf(address) === "two") as string;
    const target = mesh.ref(there) as TellOrder["target"];
    const order: TellOrder = { target, warm: WARM, measured: MESSAGES };
    const teller = mesh.ref(here) as ActorRef<TellOrder, TellFigures>;
    const answer = await mesh.ask(teller, order, { timeoutMs: LIMIT_MS });
    assert.ok(answer.state === 1, `the teller answered ${answer.state}`);
    assert.equal(answer.value.handled, WARM + MESSAGES);
    assert.equal(mesh.status().lost, 0);
    measured("perSecond", perSecond(MESSAGES, answer.value.ms));
  } finally {
    two.process.kill("SIGKILL");
  }
}

/** One publication a message, as JSON; at most once. */
async function bareClient(measured: Measured): Promise<void> {
  await using server = await NatsServer.start();
  const two = otherSide({ url: server.url, side: "client" });
  const connection = await connect({ servers: server.url });
  try {
    await two.ready;
    const publish = async (from: number, to: number): Promise<void> => {
      for (let number = from; number < to; number++) {
        connection.publish("bench", JSON.stringify(taskMessage(FIRST_TASK_NUMBER + number)));
        if (number % FLUSH_EVERY === 0) await connection.flush();
      }
      // Behind all that was published before it.
      const { data } = await connection.request("handled", "", { timeout: LIMIT_MS });
      assert.equal(Number(new TextDecoder().decode(data)), to);
    };
    await publish(0, WARM);
    const startMs = nowMs();
    await publish(WARM, WARM + MESSAGES);
    measured("perSecond", perSecond(MESSAGES, nowMs() - startMs));
  } finally {
    await connection.close();
    two.process.kill("SIGKILL");
  }
}

function otherSide(question: LinkQuestion): { process: ChildProcess; ready: Promise<void> } {
  const child = fork(fileURLToPath(moduleUrl("link-process")), [JSON.stringify(question)], {
    execArgv: [...moduleExecArgv()],
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  const ready = new Promise<void>((resolve, reject) => {
    child.once("message", () => resolve());
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`the other side ended with ${code}`)));
  });
  // Who ends it does not wait for it.
  ready.catch(() => {});
  return { process: child, ready };
}

export const link: Bench = {
  name: "link",
  question:
    "How many messages of 256 bytes a second go from an agent of one node to one of another, at least once?",
  metrics: {
    perSecond: { unit: "1/s", better: "more", goal: 100_000 },
  },
  ours,
  peers: { "NATS client": bareClient },
};
