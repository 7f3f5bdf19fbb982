import { Session } from "node:inspector";

/** How long a thread may take to show its stack, ms. */
const STACK_MS = 1500;
/** Calls shown, innermost first. */
const MAX_CALLS = 20;

interface Frame {
  readonly functionName: string;
  readonly location: {
    readonly scriptId: string;
    readonly lineNumber: number;
    readonly columnNumber: number;
  };
}

interface Told {
  readonly id?: number;
  readonly method?: string;
  readonly params?: {
    readonly callFrames?: readonly Frame[];
    /** Of `Debugger.scriptParsed`. */
    readonly scriptId?: string;
    readonly url?: string;
  };
}

/**
 * Where the JavaScript of a worker thread is at this moment, also when it never returns to its event loop: its
 * inspector interrupts it for some milliseconds. `at f (file:///…:12:3)`, innermost first; undefined when it is not
 * running JavaScript, or is gone. One at a time: threads are attached to as a whole.
 */
export function stackOfThread(threadId: number): Promise<readonly string[] | undefined> {
  const next = turn.then(() => sample(threadId));
  turn = next.catch(() => undefined);
  return next;
}

let turn: Promise<unknown> = Promise.resolve();

async function sample(threadId: number): Promise<readonly string[] | undefined> {
  const session = new Session();
  session.connect();
  try {
    return await paused(session, threadId);
  } finally {
    session.disconnect();
  }
}

function paused(session: Session, threadId: number): Promise<readonly string[] | undefined> {
  return new Promise((resolve, reject) => {
    let sessionId = "";
    const urls = new Map<string, string>();
    const timer = setTimeout(() => end(undefined), STACK_MS);
    const tell = (method: string, params: object = {}): void => {
      const message = JSON.stringify({ id: 1, method, params });
      session.post("NodeWorker.sendMessageToWorker", { sessionId, message });
    };
    const end = (stack: readonly string[] | undefined): void => {
      clearTimeout(timer);
      if (sessionId !== "") tell("Debugger.disable");
      session.post("NodeWorker.disable", () => resolve(stack));
    };
    session.on("NodeWorker.attachedToWorker", ({ params }) => {
      // `workerId` counts the attached; the thread's own number stands in the title.
      if (params.workerInfo.title !== `[worker ${threadId}]`) return;
      sessionId = params.sessionId;
      tell("Debugger.enable");
      tell("Debugger.pause");
    });
    session.on("NodeWorker.receivedMessageFromWorker", ({ params }) => {
      if (params.sessionId !== sessionId) return;
      const told = JSON.parse(params.message) as Told;
      if (told.method === "Debugger.scriptParsed")
        urls.set(told.params?.scriptId ?? "", told.params?.url ?? "");
      if (told.method !== "Debugger.paused") return;
      tell("Debugger.resume");
      end((told.params?.callFrames ?? []).slice(0, MAX_CALLS).map((frame) => written(frame, urls)));
    });
    session.post("NodeWorker.enable", { waitForDebuggerOnStart: false }, (error) => {
      if (error === null) return;
      clearTimeout(timer);
      reject(error);
    });
  });
}

function written({ functionName, location }: Frame, urls: ReadonlyMap<string, string>): string {
  const url = urls.get(location.scriptId);
  const place = `${url || "(no file)"}:${location.lineNumber + 1}:${location.columnNumber + 1}`;
  return functionName === "" ? `at ${place}` : `at ${functionName} (${place})`;
}
