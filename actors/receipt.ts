/**
 * What became of a `tell` at its sender. `accepted` is the promise of delivery (docs/semantics.md);
 * `waiting` is backpressure: await the receipt before sending more.
 */
export type ReceiptStatus = "accepted" | "waiting" | "dropped" | "rejected";

/**
 * Awaiting it resolves to the final status: `accepted`, `dropped` or `rejected`. That of a durable message rejects
 * when the journal cannot be written (`MESH_JOURNAL_DISK`).
 */
export interface Receipt extends PromiseLike<ReceiptStatus> {
  readonly status: ReceiptStatus;
}

function settled(status: Exclude<ReceiptStatus, "waiting">): Receipt {
  const promise = Promise.resolve(status);
  return Object.freeze({
    status,
    // biome-ignore lint/suspicious/noThenProperty: a receipt is awaitable by design
    then: promise.then.bind(promise),
  }) as Receipt;
}

/** Shared singletons: an accepted message allocates no receipt. */
export const ACCEPTED: Receipt = settled("accepted");
export const DROPPED: Receipt = settled("dropped");
export const REJECTED: Receipt = settled("rejected");

/** A receipt that is `waiting` until `settle` is called with the final status. */
export class WaitingReceipt implements Receipt {
  status: ReceiptStatus = "waiting";
  readonly #promise: Promise<ReceiptStatus>;
  #resolve!: (status: ReceiptStatus) => void;
  #reject!: (error: Error) => void;

  constructor() {
    this.#promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** What the receipt stands for cannot be promised: whoever awaits it gets `error`. */
  fail(error: Error): void {
    this.status = "rejected";
    // Who does not look at a receipt is not to be ended by it.
    this.#promise.catch(() => {});
    this.#reject(error);
  }

  settle(status: Exclude<ReceiptStatus, "waiting">): void {
    this.status = status;
    this.#resolve(status);
  }

  // biome-ignore lint/suspicious/noThenProperty: a receipt is awaitable by design
  then<R = ReceiptStatus, E = never>(
    fulfilled?: ((status: ReceiptStatus) => R | PromiseLike<R>) | null,
    rejected?: ((reason: unknown) => E | PromiseLike<E>) | null,
  ): Promise<R | E> {
    return this.#promise.then(fulfilled, rejected);
  }
}
