/** The buttons that change the mesh. Each says first what it would do, and does it on a yes. */
import { ask } from "./ask-dialog.ts";
import { byId, element, fill } from "./dom.ts";
import type { Status } from "./model.ts";
import type { CommandEntry, Session } from "./session.ts";
import { count, milliseconds, share } from "./words.ts";

const VERBS = ["sync", "observe", "orient", "decide", "act", "record"];
const STRATEGIES = ["wave", "parallel", "priority-first"];

/** What the buttons need to know. */
export interface ActsContext {
  readonly session: Session;
  readonly status: () => Status | undefined;
}

/**
 * Shows the buttons whose commands this mesh has; what it gives shows, by a status, the one that there is use for now.
 */
export function openActs(
  commands: readonly CommandEntry[],
  context: ActsContext,
): (status: Status) => void {
  const { session } = context;
  const has = (name: string): boolean =>
    commands.some((command) => command.name === name && session.may(name, command.role));
  const open = (name: string, act: () => void): void => {
    const button = byId(name);
    button.hidden = !has(name);
    button.onclick = act;
  };
  open("cascade", () => askCascade(context));
  open("freeze", () => askFreeze(context));
  open("thaw", () => askThaw(context));
  byId("thaw").hidden = true;
  return ({ state, frozen = [] }) => {
    byId("freeze").hidden = !has("freeze") || state === "frozen";
    byId("thaw").hidden = !has("thaw") || frozen.length === 0;
  };
}

function askCascade({ session }: ActsContext): void {
  const verb = chooser(VERBS);
  const strategy = chooser(STRATEGIES);
  const select = element("input", { type: "text", value: "all", spellcheck: "false" });
  const outlook = element("p", { class: "quiet", role: "status" }, "…");
  const typed = element("p", {});
  let asked = 0;
  const look = async (): Promise<void> => {
    const mine = ++asked;
    fill(
      typed,
      element(
        "code",
        {},
        `cascade ${verb.value} --strategy ${strategy.value} --select ${select.value}`,
      ),
    );
    try {
      const told = (await session.run("forecast", { select: select.value })) as Forecast;
      if (mine === asked) outlook.textContent = sentenceOf(told);
    } catch (error) {
      if (mine === asked) outlook.textContent = (error as Error).message;
    }
  };
  for (const input of [verb, strategy, select]) input.addEventListener("change", () => void look());
  void look();
  ask({
    title: "Run a cascade",
    confirm: "Run",
    isSeen: true,
    body: [
      labelled("verb", verb),
      labelled("strategy", strategy),
      labelled("select", select),
      typed,
      outlook,
    ],
    act: async () => {
      const args = { verb: verb.value, strategy: strategy.value, select: select.value };
      const told = (await session.run("cascade", args)) as Cascade;
      return (
        `${told.status}: ${count(told.ready)} of ${count(told.addressed)} READY, ` +
        `${count(told.conflict)} in CONFLICT, after ${milliseconds(told.p50Ms)}`
      );
    },
  });
}

/** What a dry run of a command says, in a line that fills itself when it is known. */
function radiusOf(session: Session, command: string): HTMLElement {
  const line = element("p", { class: "quiet", role: "status" }, "…");
  session.run(command, { dryRun: true }).then(
    (data) => {
      line.textContent = sentenceOfRadius(data as Partial<Radius>);
    },
    // Not every command can be run dry; what it does is said above.
    () => line.remove(),
  );
  return line;
}

function sentenceOfRadius({ agents, inFlight, notes = [] }: Partial<Radius>): string {
  const touched = agents?.touched;
  const whom =
    touched === undefined ? "" : `Touches ${count(touched)} of ${count(agents?.total)} agents`;
  const met = inFlight === undefined ? "" : `, ${count(inFlight)} messages are in flight`;
  return [`${whom}${met}.`, ...notes].join(" ");
}

interface Radius {
  readonly agents: { readonly touched: number; readonly total: number };
  readonly inFlight: number;
  readonly notes: readonly string[];
}

function askFreeze({ session, status }: ActsContext): void {
  const now = status();
  const active = now === undefined ? "all" : `all ${count(now.agents.active)} active`;
  const inFlight =
    now === undefined ? "what is in flight" : `${count(now.messages.inFlight)} messages in flight`;
  ask({
    title: "Freeze the mesh?",
    confirm: "Freeze",
    danger: true,
    body: [
      element("p", {}, `It stops ${active} agents at their next message boundary.`),
      element(
        "p",
        {},
        `${inFlight} stay in custody, timers stand still, nothing new is begun, and the state is ` +
          "preserved where the mesh has a data folder. Thaw takes it back.",
      ),
      radiusOf(session, "freeze"),
      element("p", {}, element("code", {}, "freeze")),
    ],
    act: async () => {
      const told = (await session.run("freeze")) as Frozen;
      const where = told.preserved?.file ?? told.file;
      return `MESH FROZEN: ${count(told.agents)} agents paused${where === undefined ? "" : `; state in ${where}`}`;
    },
  });
}

function askThaw({ session, status }: ActsContext): void {
  const waiting = status()?.messages.inFlight;
  ask({
    title: "Thaw the mesh?",
    confirm: "Thaw",
    body: [
      element(
        "p",
        {},
        `Its agents go on where they stopped, with ${waiting === undefined ? "all" : count(waiting)} ` +
          "messages that wait for them.",
      ),
      radiusOf(session, "thaw"),
      element("p", {}, element("code", {}, "thaw")),
    ],
    act: async () => {
      const told = (await session.run("thaw")) as Frozen;
      return `thawed: ${count(told.agents)} agents go on`;
    },
  });
}

interface Forecast {
  readonly scheduled: number;
  readonly selected: number;
  readonly skipped: number;
  readonly expectedReady: number;
  readonly availableMs: number;
  readonly quorumProbability: number;
}

interface Cascade {
  readonly status: string;
  readonly ready: number;
  readonly addressed: number;
  readonly conflict: number;
  readonly p50Ms: number;
}

interface Frozen {
  readonly agents?: number;
  readonly file?: string;
  readonly preserved?: { readonly file?: string };
}

function sentenceOf(told: Forecast): string {
  return (
    `Reaches ${count(told.scheduled)} of ${count(told.selected)} agents, skips ${count(told.skipped)} ` +
    `that could not be READY in time; T would be in ${milliseconds(told.availableMs)}. The quorum is ` +
    `${share(told.quorumProbability)} probable.`
  );
}

function chooser(words: readonly string[]): HTMLSelectElement {
  return element("select", {}, ...words.map((word) => element("option", { value: word }, word)));
}

function labelled(name: string, input: HTMLElement): HTMLElement {
  return element("label", {}, element("span", { class: "quiet" }, name), input);
}
