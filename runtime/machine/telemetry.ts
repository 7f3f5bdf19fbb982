/**
 * OpenTelemetry, over its API alone. Where no SDK has been registered in a thread, nothing of it is loaded there: the
 * API keeps what is registered under a symbol of the global object, and that is all that is looked at, once.
 */
import type { Attributes, Context, Span, SpanKind, TimeInput } from "@opentelemetry/api";

export type { Attributes, Context, Span } from "@opentelemetry/api";

/** Where every version 1 of the API keeps what an SDK has registered. */
const REGISTERED = Symbol.for("opentelemetry.js.api.1");
const NAME = "mesh-30k";

/** Bytes of a context on its way: 16 of the trace, 8 of the span, 1 of flags, as in W3C's traceparent. */
export const CONTEXT_BYTES = 25;
const TRACE_ID_BYTES = 16;
const SPAN_ID_END = 24;

/** What a span is to whom it is told: see OpenTelemetry's SpanKind. */
export type SpanRole = "internal" | "server" | "client" | "producer" | "consumer";

/** A span as it begins. */
export interface SpanStart {
  readonly name: string;
  readonly role?: SpanRole;
  readonly attributes?: Attributes;
  /** Ms of the mesh clock; now when absent. */
  readonly startMs?: number;
}

type Api = typeof import("@opentelemetry/api");

/** The telemetry of this thread; undefined when nobody has registered an SDK in it. */
export async function openTelemetry(): Promise<Telemetry | undefined> {
  const registered = (globalThis as { [REGISTERED]?: { readonly trace?: unknown } })[REGISTERED];
  if (registered?.trace === undefined) return undefined;
  return new Telemetry(await import("@opentelemetry/api"));
}

/** Spans and contexts of this thread. Times are ms of the mesh clock. */
export class Telemetry {
  readonly #api: Api;

  constructor(api: Api) {
    this.#api = api;
  }

  /** The context that is active, with its span; undefined when none is, or it is not recorded. */
  active(): Context | undefined {
    const context = this.#api.context.active();
    return this.#api.trace.getSpan(context)?.isRecording() === true ? context : undefined;
  }

  /** The same as bytes that travel; also of a span that is recorded elsewhere. */
  activeBytes(): Uint8Array | undefined {
    const { trace, context, TraceFlags } = this.#api;
    const span = trace.getSpan(context.active())?.spanContext();
    if (span === undefined || (span.traceFlags & TraceFlags.SAMPLED) === 0) return undefined;
    if (!trace.isSpanContextValid(span)) return undefined;
    const bytes = new Uint8Array(CONTEXT_BYTES);
    bytes.set(Buffer.from(span.traceId, "hex"));
    bytes.set(Buffer.from(span.spanId, "hex"), TRACE_ID_BYTES);
    bytes[SPAN_ID_END] = span.traceFlags;
    return bytes;
  }

  /** The context that came as these bytes. */
  contextOf(bytes: Uint8Array): Context {
    const { trace, ROOT_CONTEXT } = this.#api;
    const hex = Buffer.from(bytes).toString("hex");
    return trace.setSpanContext(ROOT_CONTEXT, {
      traceId: hex.slice(0, TRACE_ID_BYTES * 2),
      spanId: hex.slice(TRACE_ID_BYTES * 2, SPAN_ID_END * 2),
      traceFlags: bytes[SPAN_ID_END],
      isRemote: true,
    });
  }

  /** Begins a span in a context, by default the active one. */
  begin({ name, role, attributes, startMs }: SpanStart, parent?: Context): Span {
    const { trace, context } = this.#api;
    const options = {
      kind: this.#kindOf(role),
      ...(attributes !== undefined && { attributes }),
      ...(startMs !== undefined && { startTime: timeOf(startMs) }),
    };
    return trace.getTracer(NAME).startSpan(name, options, parent ?? context.active());
  }

  /** The context in which a span is the active one. */
  contextWith(span: Span, parent?: Context): Context {
    return this.#api.trace.setSpan(parent ?? this.#api.context.active(), span);
  }

  /** Calls `task` in a context, which what it awaits keeps. */
  within<T>(context: Context, task: () => T): T {
    return this.#api.context.with(context, task);
  }

  /** Calls `task` in no context: what goes on by itself is part of nothing. */
  outside<T>(task: () => T): T {
    return this.#api.context.with(this.#api.ROOT_CONTEXT, task);
  }

  /** `task` as it would be called here and now, wherever it is called. */
  bound<T>(task: () => T): () => T {
    return this.#api.context.bind(this.#api.context.active(), task);
  }

  /** Notes what went wrong. */
  fail(span: Span, error: unknown): void {
    if (error instanceof Error) span.recordException(error);
    this.failed(span, String((error as Error)?.message ?? error));
  }

  /** Notes in a sentence that what was wanted did not come about. */
  failed(span: Span, message: string): void {
    span.setStatus({ code: this.#api.SpanStatusCode.ERROR, message });
  }

  /** Ends a span at a moment that may be past. */
  end(span: Span, endMs?: number): void {
    span.end(endMs === undefined ? undefined : timeOf(endMs));
  }

  /** Notes a moment of a span. */
  event(span: Span, name: string, atMs: number | undefined): void {
    if (atMs !== undefined) span.addEvent(name, timeOf(atMs));
  }

  #kindOf(role: SpanRole = "internal"): SpanKind {
    const { SpanKind } = this.#api;
    switch (role) {
      case "internal":
        return SpanKind.INTERNAL;
      case "server":
        return SpanKind.SERVER;
      case "client":
        return SpanKind.CLIENT;
      case "producer":
        return SpanKind.PRODUCER;
      case "consumer":
        return SpanKind.CONSUMER;
    }
  }
}

/** Seconds and nanoseconds: a plain number would be taken for a reading of `performance.now` when it is small. */
function timeOf(ms: number): TimeInput {
  const seconds = Math.floor(ms / 1_000);
  return [seconds, Math.round((ms - seconds * 1_000) * 1e6)];
}
