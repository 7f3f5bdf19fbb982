/**
 * The line between agents and main's side of them: an agent of a worker calls, main's desk for its module answers. At
 * most once, over the port whose end says that the thread is gone: who waits for an answer does not outlive its thread,
 * and what main says after it nobody hears.
 */
import type { MessagePort } from "node:worker_threads";
import { MeshError } from "../../actors/errors.ts";
import type { AgentDesk } from "../api/agent-api.ts";

/** What a worker sends. */
interface Call {
  readonly kind: "call";
  readonly id: number;
  /** Place of the module among the mesh's; {@link MAIN_DESK} for main's own. */
  readonly module: number;
  readonly request: unknown;
}

/** What main answers; an error loses its class on the way, so it goes as a code and a sentence. */
interface Reply {
  readonly kind: "reply";
  readonly id: number;
  readonly value?: unknown;
  readonly error?: { readonly code: string; readonly sentence: string };
}

/** Where main itself is called. */
export const MAIN_DESK = -1;

interface Waiter {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** The worker's end. Calls that wait are bounded by those who make them: turns, and what they stash. */
export class DeskLine {
  readonly #port: MessagePort;
  readonly #waiting = new Map<number, Waiter>();
  #lastId = 0;

  constructor(port: MessagePort) {
    this.#port = port;
    port.on("message", (reply: Reply) => {
      if (reply.kind === "reply") this.#hear(reply);
    });
    // A thread that ends does not stay for an answer.
    port.unref();
  }

  call(module: number, request: unknown): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const id = ++this.#lastId;
      this.#port.postMessage({ kind: "call", id, module, request } satisfies Call);
      this.#waiting.set(id, { resolve, reject });
    });
  }

  #hear({ id, value, error }: Reply): void {
    const waiter = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error === undefined) waiter?.resolve(value);
    else waiter?.reject(new MeshError(error.code, error.sentence));
  }
}

/** Main's end: answers the calls of one incarnation of a thread when the desks are there. */
export function serveDesks(
  port: MessagePort,
  desks: Promise<readonly AgentDesk[]>,
  own: AgentDesk = {},
): void {
  port.on("message", async ({ kind, id, module, request }: Call) => {
    if (kind !== "call") return;
    let reply: Reply;
    try {
      const desk = module === MAIN_DESK ? own : (await desks)[module];
      if (desk?.call === undefined)
        throw new MeshError("MESH_NO_DESK", `module ${module} has nobody on main to call`);
      reply = { kind: "reply", id, value: await desk.call(request) };
    } catch (error) {
      const { code = "MESH_DESK", message } = error as MeshError;
      reply = { kind: "reply", id, error: { code, sentence: message } };
    }
    port.postMessage(reply);
  });
  port.unref();
}
