/** Tells somebody elsewhere of what has happened, once each: signed, tried again with back-off, in a bounded queue. */
import type { Clock, Log, Random } from "../actors/ports.ts";
import { type BackOff, backOffMs, retryAfterMs } from "./back-off.ts";
import { HttpPool, originOf } from "./http-pool.ts";
import type { Signer } from "./request-signature.ts";

/** Where notices go. */
export interface NoticeTarget {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly sign: Signer | undefined;
}

/** Notices on their way at once; further ones are dropped, with a line in the log. */
const MAX_NOTICES = 1000;
const ATTEMPTS = 10;
const BACK_OFF: BackOff = { firstMs: 500, mostMs: 60_000 };
const TIMEOUT_MS = 10_000;

/** The notices of one sender. */
export class WebhookNotices {
  readonly #target: NoticeTarget;
  readonly #ports: { readonly clock: Clock; readonly random: Random; readonly log: Log };
  readonly #pool = new HttpPool({ connections: 4, maxResponseBytes: 65_536 });
  readonly #waits = new Set<NodeJS.Timeout>();
  #under = 0;
  #closed = false;

  constructor(
    target: NoticeTarget,
    ports: { readonly clock: Clock; readonly random: Random; readonly log: Log },
  ) {
    this.#target = target;
    this.#ports = ports;
  }

  /** Sends one; its receiver knows by `id` whether it has had it before. */
  send(id: string, notice: unknown): void {
    if (this.#under >= MAX_NOTICES) {
      this.#ports.log.warn({ notice: id }, `dropped: ${MAX_NOTICES} notices are on their way`);
      return;
    }
    this.#under++;
    this.#attempt(id, JSON.stringify(notice), 1);
  }

  /** Gives up what is on its way. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const wait of this.#waits) clearTimeout(wait);
    this.#waits.clear();
    await this.#pool.close();
  }

  async #attempt(id: string, body: string, attempt: number): Promise<void> {
    const { clock, random, log } = this.#ports;
    let why: string;
    let askedMs: number | undefined;
    try {
      const { status, retryAfter } = await this.#post(id, body);
      if (status >= 200 && status < 300) {
        this.#under--;
        return;
      }
      why = `status ${status}`;
      askedMs = retryAfterMs(retryAfter, clock.nowMs());
    } catch (error) {
      why = (error as Error).message || String((error as NodeJS.ErrnoException).code);
    }
    if (this.#closed) return;
    if (attempt >= ATTEMPTS) {
      this.#under--;
      log.warn({ notice: id, why, to: originOf(this.#target.url) }, "nobody took the notice");
      return;
    }
    const wait = setTimeout(
      () => {
        this.#waits.delete(wait);
        this.#attempt(id, body, attempt + 1);
      },
      Math.min(BACK_OFF.mostMs, askedMs ?? backOffMs(BACK_OFF, attempt, random.next())),
    );
    wait.unref();
    this.#waits.add(wait);
  }

  #post(
    id: string,
    body: string,
  ): Promise<{ readonly status: number; readonly retryAfter: string | undefined }> {
    const { url, headers, sign } = this.#target;
    const timestampS = Math.floor(this.#ports.clock.nowMs() / 1000);
    return this.#pool.send({
      method: "POST",
      url,
      body,
      timeoutMs: TIMEOUT_MS,
      headers: {
        "content-type": "application/json",
        ...headers,
        "idempotency-key": id,
        "webhook-id": id,
        "webhook-timestamp": String(timestampS),
        ...(sign !== undefined && { "webhook-signature": sign(id, timestampS, body) }),
      },
    });
  }
}
