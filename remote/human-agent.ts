// Agents that are people. What one is asked lands in the inbox of the mesh and is put aside, so that many questions
// wait at once; when somebody has decided it is taken up again and answered. The question's id follows from the
// message, or is the asker's: asked again, after the death of a worker or of the process, it is the same item.
import { type Behavior, defineAgent } from "../actors/behavior.ts";
import type { ActorContext } from "../actors/context.ts";
import { MeshError } from "../actors/errors.ts";
import { conflict, type Result, ready } from "../actors/result.ts";
import type {
  AgentDesk,
  AgentHost,
  DeskHost,
  HumanAgentOptions,
} from "../runtime/api/agent-api.ts";
import type { InboxItem } from "../runtime/api/conflict-api.ts";
import type { Mesh } from "../runtime/api/mesh-api.ts";
import { seededRandom, systemClock, systemSeed } from "../runtime/machine/clock.ts";
import { decisionOf, type NamedQuestion, readQuestion } from "./human-question.ts";
import { KindOptions } from "./kind-options.ts";
import { createSigner } from "./request-signature.ts";
import { type NoticeTarget, WebhookNotices } from "./webhook-notices.ts";

const MEMBERS: readonly (keyof HumanAgentOptions)[] = [
  "withinMs",
  "kind",
  "remindEveryMs",
  "notify",
  "capabilities",
];

/** Questions that may wait at one person; under the bound of what an agent may put aside. */
const MAX_WAITING = 512;
/** A year: what people decide on may take long. */
const LONGEST_MS = 366 * 86_400_000;
/** The agent's word to itself that something put aside may be taken up. */
const WAKE = "mesh-30k: taken up again";
/** Reminders that are due are looked for this often at least, ms. */
const LOOK_MS = 1000;

/** What a person's agent remembers: only until it is answered. */
interface HumanState {
  /** Asked, and not decided. */
  readonly waiting: Set<string>;
  /** Decided, or why it could not be asked; to be answered when it is taken up. */
  readonly settled: Map<string, InboxItem | MeshError>;
}

interface HumanSettings {
  readonly withinMs: number | undefined;
  readonly kind: string;
  readonly remindEveryMs: number | undefined;
  readonly notify: NoticeTarget | undefined;
  readonly capabilities: readonly string[];
}

/** Makes agents that are people; InvalidOptionError names the option. */
export function createAgent(options: HumanAgentOptions, host: AgentHost): Behavior {
  const { withinMs, kind, capabilities } = readSettings(options);
  return defineAgent<HumanState, unknown, unknown>({
    capabilities,
    init: () => ({ waiting: new Set(), settled: new Map() }),
    receive(state, message, ctx) {
      // How long turns take says nothing of how long the person does.
      ctx.measured(Number.NaN, Number.NaN);
      if (message === WAKE) {
        ctx.unstashAll();
        return ready();
      }
      const { question, replyTo } = readQuestion(message, kind, withinMs, ctx);
      const settled = state.settled.get(question.itemId);
      if (settled !== undefined) {
        state.settled.delete(question.itemId);
        return answer(settled, replyTo, ctx);
      }
      // What is for many cannot be put aside: its turn waits.
      if (ctx.envelope.operation !== undefined)
        return (host.call(question) as Promise<InboxItem>).then((item) =>
          answer(item, replyTo, ctx),
        );
      putAside(state, question, host, ctx);
      return undefined;
    },
  }) as Behavior;
}

function putAside(
  state: HumanState,
  question: NamedQuestion,
  host: AgentHost,
  ctx: ActorContext,
): void {
  const { itemId } = question;
  if (!state.waiting.has(itemId)) {
    if (state.waiting.size >= MAX_WAITING)
      throw new MeshError("MESH_INBOX_FULL", `${MAX_WAITING} questions wait for this person`);
    state.waiting.add(itemId);
    const settle = (outcome: InboxItem | MeshError): void => {
      state.waiting.delete(itemId);
      state.settled.set(itemId, outcome);
      // Who asked may have given up; what is decided stays in the inbox's log.
      if (state.settled.size > MAX_WAITING)
        state.settled.delete(state.settled.keys().next().value as string);
      wake(ctx);
    };
    (host.call(question) as Promise<InboxItem>).then(settle, settle);
  }
  const { deadlineMs } = ctx.envelope;
  ctx.stash();
  // Taken up at its deadline, it is seen to be over.
  if (Number.isFinite(deadlineMs))
    ctx.timers.once(Math.max(0, deadlineMs - ctx.clock.nowMs()) + 1, WAKE);
}

/** By an incarnation that has ended nothing is taken up: its successor asks again. */
function wake(ctx: ActorContext): void {
  try {
    ctx.tell(ctx.self, WAKE, { volatile: true });
  } catch (error) {
    if ((error as MeshError).code !== "MESH_INCARNATION_ENDED") throw error;
  }
}

function answer(
  outcome: InboxItem | MeshError,
  replyTo: string | undefined,
  ctx: ActorContext,
): Result {
  if (outcome instanceof Error) throw outcome;
  const decision = decisionOf(outcome);
  ctx.measured(0, Math.max(0, decision.decidedMs - outcome.openedMs));
  if (replyTo !== undefined) ctx.tell(replyTo, decision);
  // A no is an answer to who asks, and keeps nobody READY for an operation.
  if (decision.approved || ctx.envelope.operation === undefined) return ready(decision);
  return conflict({ type: "DATA_CONTRADICTION", expected: "approved", received: decision });
}

/** Main's side: puts questions into the inbox, and tells of what becomes of them. */
export function attend(mesh: Mesh, options: HumanAgentOptions, { log }: DeskHost): AgentDesk {
  const { kind, notify, remindEveryMs } = readSettings(options);
  const { inbox } = mesh;
  const ports = { clock: systemClock, random: seededRandom(systemSeed()), log };
  const notices = notify && new WebhookNotices(notify, ports);
  const tell = (event: string, item: InboxItem, number = ""): void => {
    if (item.kind === kind) notices?.send(`${item.itemId}.${event}${number}`, { event, item });
  };
  const ends = (["opened", "reminder", "overdue", "decided"] as const).map((event) =>
    inbox.on(event, (item) => tell(event, item)),
  );
  const remind = async (periodMs: number, sinceMs: number, untilMs: number): Promise<void> => {
    for (const item of await inbox.list()) {
      const number = Math.floor((untilMs - item.openedMs) / periodMs);
      const before = Math.floor((sinceMs - item.openedMs) / periodMs);
      if (number > Math.max(0, before)) tell("reminder", item, `-${number}`);
    }
  };
  let lookedMs = systemClock.nowMs();
  const look = (periodMs: number): void => {
    const nowMs = systemClock.nowMs();
    remind(periodMs, lookedMs, nowMs).catch((error: Error) =>
      log.warn({ error: error.message }, "reminders"),
    );
    lookedMs = nowMs;
  };
  const timer =
    notices === undefined || remindEveryMs === undefined
      ? undefined
      : setInterval(look, LOOK_MS, remindEveryMs).unref();
  return {
    async call(question) {
      const item = await inbox.open(question as NamedQuestion);
      return item.state === "open" ? inbox.decision(item.itemId) : item;
    },
    async close() {
      clearInterval(timer);
      for (const end of ends) end();
      await notices?.close();
    },
  };
}

function readSettings(options: HumanAgentOptions): HumanSettings {
  const read = new KindOptions("agent.human", options, MEMBERS);
  const has = (name: string): boolean => read.raw(name) !== undefined;
  return {
    withinMs: has("withinMs") ? read.number("withinMs", 0, 1, LONGEST_MS) : undefined,
    kind: read.text("kind") ?? "ask",
    remindEveryMs: has("remindEveryMs")
      ? read.number("remindEveryMs", 0, LOOK_MS, LONGEST_MS)
      : undefined,
    notify: readNotify(read.within("notify", ["url", "secret", "headers"])),
    capabilities: read.names("capabilities", ["human"]),
  };
}

function readNotify(read: KindOptions | undefined): NoticeTarget | undefined {
  if (read === undefined) return undefined;
  const secret = read.secret("secret");
  return {
    url: read.required("url"),
    headers: read.headers("headers"),
    sign: secret === undefined ? undefined : createSigner("agent.human.notify.secret", secret),
  };
}
