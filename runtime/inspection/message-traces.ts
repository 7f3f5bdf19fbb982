import { MeshError, UnknownActorError } from "../../actors/errors.ts";
import { addressOf, indexOfAddress } from "../../coordination/address.ts";
import { kindOf } from "../../coordination/topology.ts";
import type { TracedMessage } from "../../mailbox/message-trace.ts";
import type { Hop, Trace, Traces } from "../api/trace-api.ts";
import type { ThreadView } from "../plan/memory.ts";
import { findMessage, isOutside, messageIdOf } from "../plan/message-id.ts";
import { walkCauses } from "./causal-walk.ts";

/** Effects of a message that are listed. */
const MOST_EFFECTS = 20;
const OUTSIDE = "outside";

/** Follows messages to where they began, and to what they led to. */
export class MessageTraces implements Traces {
  readonly #view: ThreadView;
  readonly operation: Traces["operation"];
  readonly history: Traces["history"];

  /** `of` operations follows those, which are remembered elsewhere. */
  constructor(view: ThreadView, of: Pick<Traces, "operation" | "history">) {
    this.#view = view;
    this.operation = of.operation;
    this.history = of.history;
  }

  of(target: string): Trace {
    const view = this.#view;
    const last = target.includes("#") ? findMessage(view, target) : this.#lastTo(target);
    if (last === undefined)
      throw new MeshError(
        "MESH_NOT_TRACED",
        `trace: nothing is remembered of ${target}: each thread keeps its last sends only`,
      );
    const { path, reachedOrigin } = walkCauses(view, this.#idOf(last));
    const hops: Hop[] = [];
    for (const message of path.toReversed()) hops.push(this.#hopOf(message, hops.at(-1)?.sentMs));
    return {
      target,
      hops,
      reachedOrigin,
      effects: view.traces
        .effectsOf(last.thread, last.sequence, MOST_EFFECTS)
        .map((effect) => this.#hopOf(effect, last.createdMs)),
      elapsedMs: last.createdMs - (hops[0]?.sentMs ?? last.createdMs),
    };
  }

  #lastTo(address: string): TracedMessage | undefined {
    const { topology, traces } = this.#view;
    const index = indexOfAddress(topology, address);
    const kind = index < 0 ? undefined : kindOf(topology, index);
    if (kind !== "agent" && kind !== "spawned")
      throw new UnknownActorError(
        address,
        "the address of an agent, or the id of a message such as sector-1/cluster-1/agent-1#4711",
      );
    return traces.lastTo(index);
  }

  #hopOf(message: TracedMessage, sinceMs: number | undefined): Hop {
    const { topology } = this.#view;
    const { source, target, createdMs } = message;
    return {
      messageId: this.#idOf(message),
      from: isOutside(topology, source) ? OUTSIDE : addressOf(topology, source),
      to: addressOf(topology, target),
      sentMs: createdMs,
      afterMs: sinceMs === undefined ? 0 : createdMs - sinceMs,
    };
  }

  #idOf({ source, sequence }: TracedMessage): string {
    return messageIdOf(this.#view.topology, source, sequence);
  }
}
