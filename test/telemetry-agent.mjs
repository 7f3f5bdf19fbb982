// An agent that passes messages on, and says which span it sees. With `agentOptions: { workers }`, a counter in shared
// memory, so many workers register an SDK, the spans of which they give away when asked.

import { context, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import { defineAgent, ready } from "../dist/index.js";

const exporter = new InMemorySpanExporter();
let registered = false;

export function configure(options) {
  if (options === undefined || Atomics.sub(options.workers, 0, 1) <= 0) return;
  registered = true;
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  const spanProcessors = [new SimpleSpanProcessor(exporter)];
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors }));
}

const spans = () =>
  exporter.getFinishedSpans().map((span) => ({
    name: span.name,
    kind: span.kind,
    traceId: span.spanContext().traceId,
    spanId: span.spanContext().spanId,
    parentId: span.parentSpanContext?.spanId,
    agent: span.attributes["mesh.agent"],
    error: span.status.message,
  }));

export default defineAgent({
  init: () => ({ seen: undefined, lengths: [] }),
  async receive(state, message, ctx) {
    state.seen = trace.getActiveSpan()?.spanContext();
    if (message?.do === undefined) state.lengths.push(message?.length ?? message);
    switch (message?.do) {
      case "spans":
        return ready(spans());
      case "lengths":
        return ready(state.lengths);
      case "registered":
        return ready(registered);
      case "seen":
        return ready(state.seen);
      case "fail":
        throw new Error("told to fail");
      case "own":
        await ctx.timers.sleep(1);
        trace.getTracer("user").startSpan("user work").end();
        return ready();
      default: {
        await ctx.timers.sleep(message?.ms ?? 0);
        const [next, ...path] = message?.path ?? [];
        if (next === undefined) return ready(ctx.address);
        if (message.tell) ctx.tell(next, { ...message, path });
        else return ready((await ctx.ask(next, { ...message, path })).value);
        return ready();
      }
    }
  },
});
