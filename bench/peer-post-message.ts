import type { CargoKind } from "./cargo.ts";
import { type ExchangeSize, exchange, perSecond } from "./exchange.ts";
import type { PostMessageAskData } from "./peer-post-message-ask-worker.ts";
import type { PostMessageData } from "./peer-post-message-worker.ts";
import type { RoundTripSize, RoundTrips } from "./round-trips.ts";

/** Messages a second through a MessageChannel from one worker to another. */
export async function throughputByPostMessage(
  cargo: CargoKind,
  size: ExchangeSize,
): Promise<number> {
  const data: PostMessageData = { cargo, credit: new SharedArrayBuffer(4) };
  return perSecond(size.measured, await exchange("peer-post-message-worker", size, data));
}

/** Asks through a MessageChannel from one worker to another, by bare numbers. */
export function roundTripsByPostMessage(size: RoundTripSize): Promise<RoundTrips> {
  const data: PostMessageAskData = { size };
  return exchange("peer-post-message-ask-worker", { warm: 0, measured: 0 }, data);
}
