/**
 * Orders to change a module's agents over to another version, from main to the worker that runs them, over the port
 * whose end says that the thread is gone: a thread that ends answers nothing, and its successor begins with the version
 * that holds then.
 */
import type { MessagePort } from "node:worker_threads";

/** What is ordered. */
export interface VersionOrder {
  /** Place of the module among the mesh's. */
  readonly module: number;
  readonly url: string;
  /** To the version of before, whatever that costs; else all or nothing. */
  readonly back: boolean;
  /** The version that runs stays: nothing is kept any more to go back to. */
  readonly settle: boolean;
}

/** What came of it: how many agents, or why not. */
export type VersionReply = { readonly agents: number } | { readonly why: string };

interface Order {
  readonly kind: "version";
  readonly id: number;
  readonly order: VersionOrder;
}

interface Ordered {
  readonly kind: "versioned";
  readonly id: number;
  readonly reply: VersionReply;
}

let lastId = 0;

/** Gives the order; undefined when the thread has ended without an answer. A worker that is too slow has failed. */
export function orderVersion(
  port: MessagePort,
  order: VersionOrder,
  timeoutMs: number,
): Promise<VersionReply | undefined> {
  return new Promise((resolve) => {
    const id = ++lastId;
    const end = (reply: VersionReply | undefined): void => {
      clearTimeout(timer);
      port.off("message", hear);
      port.off("close", gone);
      resolve(reply);
    };
    const hear = (message: Ordered): void => {
      if (message.kind === "versioned" && message.id === id) end(message.reply);
    };
    const gone = (): void => end(undefined);
    const timer = setTimeout(() => end({ why: `no answer within ${timeoutMs} ms` }), timeoutMs);
    port.on("message", hear);
    port.on("close", gone);
    port.postMessage({ kind: "version", id, order } satisfies Order);
    port.unref();
  });
}

/** Carries out the orders that come, one after the other. */
export function serveVersions(
  port: MessagePort,
  change: (order: VersionOrder) => Promise<number>,
): void {
  let last: Promise<unknown> = Promise.resolve();
  port.on("message", ({ kind, id, order }: Order) => {
    if (kind !== "version") return;
    last = last
      .then(() => change(order))
      .then(
        (agents): VersionReply => ({ agents }),
        (error: Error): VersionReply => ({ why: error.message }),
      )
      .then((reply) => port.postMessage({ kind: "versioned", id, reply } satisfies Ordered));
  });
  port.unref();
}
