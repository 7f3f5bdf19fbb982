/**
 * A conversation with a mesh (spec 7.2): plain words, one after another. What only looks is done at once. What changes
 * the mesh is shown as the commands that one would type, with all that they touch, and waits for a yes; any other
 * answer but a yes takes it back.
 *
 *     words ──▶ clauses ──▶ who "they" are ──▶ understand ──▶ looks: done │ changes: shown, asked ──▶ yes: done
 */

import type { AvoidedRoute } from "../runtime/api/operation-api.ts";
import { type IncidentReport, isIncidentReport } from "./catalog/incident-command.ts";
import { notUnderstood } from "./catalog/say-command.ts";
import { isWhyReport, type WhyReport } from "./catalog/why-command.ts";
import type { Command } from "./command/command.ts";
import { writtenCommand } from "./command/written-command.ts";
import { LanguageModelError } from "./grammar/language-model.ts";
import { type Understanding, understand } from "./grammar/understand.ts";
import { type PlaceReport, suspectsOf } from "./reports/place-report.ts";
import { sentenceOf } from "./terminal/exit.ts";
import type { Paint } from "./terminal/paint.ts";

/** A command with its arguments, checked. */
export interface Call {
  readonly command: Command;
  readonly args: Readonly<Record<string, unknown>>;
}

/** What a conversation needs of the face it is held at. */
export interface DialoguePorts {
  readonly commands: readonly Command[];
  readonly paint: Paint;
  readonly print: (text: string) => void;
  /** Runs a command and prints its data; gives the data and its exit code. */
  readonly perform: (call: Call) => Promise<{ readonly data: unknown; readonly exitCode: number }>;
  /** Runs a command and prints nothing. */
  readonly ask: (call: Call) => Promise<unknown>;
  /** What somebody else takes a sentence for that the grammar does not understand; LanguageModelError. */
  readonly propose?: (
    sentence: string,
    commands: readonly Command[],
  ) => Promise<Understanding | undefined>;
}

const YES = new RegExp(
  "^(?:yes|yeah|yep|yup|y|sure|ok|okay|do it|do so|do that|go ahead|please do|make it so|" +
    String.raw`confirm|confirmed|affirmative|of course|absolutely|proceed)(?:[\s,]+(?:please|do it|` +
    String.raw`do that|go ahead|sure))*(?=$|[\s,.!])`,
  "i",
);
const NO = new RegExp(
  "^(?:(?:no|nope|nah|not now|never ?mind|cancel|forget it|leave it|abort|better " +
    String.raw`not)(?=$|[\s,.!])|(?:n|don't|do not|stop)[\s.!]*$)`,
  "i",
);
const BETWEEN = /(?:\s*[;,]\s*(?:and\s+)?(?:then\s+)?|\s+and\s+then\s+|\s+and\s+|\s+then\s+)/i;
/** Agents that an offer names at most. */
const MOST_NAMED = 10;

/** One conversation; its memory is the last place, its slow agents, and what it has offered. */
export class Dialogue {
  readonly #ports: DialoguePorts;
  #offered: readonly Call[] = [];
  #place: string | undefined;
  #agents: readonly string[] = [];
  /** What is asked about an offer that follows from a look. */
  #question = "";

  constructor(ports: DialoguePorts) {
    // What boots a mesh, or does without one, is done outside.
    const commands = ports.commands.filter((command) => command.needs === "mesh" || command.inRepl);
    this.#ports = { ...ports, commands };
  }

  /** True while a yes would do something. */
  get waitsForYes(): boolean {
    return this.#offered.length > 0;
  }

  /** Whether a sentence means something here, after what was said before. */
  understands(sentence: string): boolean {
    return this.#heard(sentence).length > 0;
  }

  /** Remembers what a command that was typed told, so that "they" can be asked about next; offers nothing. */
  noted(call: Call, data: unknown): void {
    this.#remember(call, data);
    this.#offered = [];
  }

  /** Takes a sentence; gives the exit code of what was done, 1 when it was not understood. */
  async take(sentence: string): Promise<number> {
    const offered = this.#offered;
    this.#offered = [];
    if (offered.length > 0) {
      const no = NO.exec(sentence);
      if (no !== null) {
        this.#ports.print("Nothing was changed.");
        const rest = withoutOpening(sentence.slice(no[0].length));
        return rest === "" ? 0 : this.#hear(rest);
      }
      const yes = YES.exec(sentence);
      const more = yes && this.#besides(sentence.slice(yes[0].length), offered);
      if (more !== null && more !== undefined) return this.#accept(offered, more);
    }
    return this.#hear(sentence);
  }

  /**
   * What is said besides a yes. "Yeah, route around, and show me …" says again what was offered, and more. Whatever
   * else follows may be a condition: then it was no yes, and undefined.
   */
  #besides(rest: string, offered: readonly Call[]): string | undefined {
    const isMore = /^[\s,.!]*and\s/i.test(rest);
    const clauses = rest
      .split(BETWEEN)
      .map(withoutOpening)
      .filter((clause) => clause !== "");
    const repeats = (clause: string): boolean =>
      this.#meaningsOf(clause).some(({ command }) =>
        offered.some((call) => call.command.name === command),
      );
    if (clauses.length === 0) return "";
    if (!isMore && !repeats(clauses[0])) return undefined;
    return clauses.filter((clause) => !repeats(clause)).join(" and ");
  }

  async #accept(offered: readonly Call[], more: string): Promise<number> {
    for (const call of offered) {
      const { exitCode } = await this.#ports.perform(call);
      if (exitCode !== 0) return exitCode;
    }
    if (offered.length > 1) this.#ports.print("Done.");
    return more === "" ? 0 : this.#hear(more);
  }

  async #hear(sentence: string): Promise<number> {
    const meanings = this.#heard(sentence);
    if (meanings.length > 0) return this.#follow(meanings);
    const { commands, paint, print } = this.#ports;
    const proposal = await this.#proposed(sentence);
    if (proposal !== undefined) return this.#follow([proposal]);
    print(notUnderstood(understand(sentence, commands), paint));
    return 1;
  }

  /** What a model proposes, shown as one would type it before anything is done. */
  async #proposed(sentence: string): Promise<Understanding | undefined> {
    const { commands, paint, print, propose } = this.#ports;
    try {
      const proposal = await propose?.(sentence, commands);
      if (proposal === undefined || proposal.changes) return proposal;
      const { command, args } = this.#callOf(proposal);
      print(`the model proposes: ${paint.bold(writtenCommand(command, args))}`);
      return proposal;
    } catch (error) {
      if (!(error instanceof LanguageModelError)) throw error;
      print(sentenceOf(error));
      return undefined;
    }
  }

  /**
   * What a sentence means as a whole, or clause by clause; nothing when any part was not understood. A look is a look
   * whatever else was said besides: then its clauses are heard first.
   */
  #heard(sentence: string): readonly Understanding[] {
    const whole = this.#meaningsOf(sentence);
    if (whole.some(({ changes }) => changes)) return whole;
    const clauses = sentence
      .split(BETWEEN)
      .map(withoutOpening)
      .filter((clause) => clause !== "");
    if (whole.length > 0 && clauses.length === 1) return whole;
    const meanings = clauses.map((clause) => this.#meaningsOf(clause));
    // Half a sentence is not done: what was not understood may have been a condition.
    if (!meanings.every(({ length }) => length > 0)) return whole;
    const each = new Map(meanings.flat().map((meaning) => [JSON.stringify(meaning), meaning]));
    return [...each.values()];
  }

  async #follow(meanings: readonly Understanding[]): Promise<number> {
    const changes: Call[] = [];
    for (const meaning of meanings) {
      const call = this.#callOf(meaning);
      if (meaning.changes) {
        changes.push(call);
        continue;
      }
      const { data, exitCode } = await this.#ports.perform(call);
      this.#remember(call, data);
      if (isWhyReport(data)) await this.#offerCures(data);
      // An incident that is not over is no failure of who asked: it ends in an offer.
      if (exitCode !== 0 && !(isIncidentReport(data) && this.waitsForYes)) return exitCode;
    }
    if (changes.length > 0) await this.#offer("Shall I do this?", changes);
    else if (this.#offered.length > 0) await this.#offer(this.#question, this.#offered);
    return 0;
  }

  /** Shows what would be done and touched; a yes does it. */
  async #offer(question: string, calls: readonly Call[]): Promise<void> {
    const { print, paint, ask } = this.#ports;
    for (const call of calls) {
      print(`  ${paint.bold(writtenCommand(call.command, call.args))}`);
      const radius = await ask({ ...call, args: { ...call.args, dryRun: true } });
      // A command that plans by itself has words of its own for it.
      const shown = call.command.render(radius, paint).replaceAll("\n", "\n    ");
      print(`    ${shown}`);
    }
    print(`${question} (yes or no)`);
    this.#offered = calls;
  }

  #remember(call: Call, data: unknown): void {
    if (isIncidentReport(data)) {
      this.#place = data.target;
      this.#offered = this.#wantedOf(data);
      this.#question = "Shall I do this?";
      return;
    }
    if (call.command.name !== "status" || !isPlaceReport(data)) {
      const { address, agents } = call.args;
      if (typeof address === "string" && address.includes("/agent-")) this.#agents = [address];
      else if (Array.isArray(agents)) this.#agents = agents.map(String);
      return;
    }
    this.#place = data.target;
    const suspects = suspectsOf(data, MOST_NAMED);
    this.#agents = suspects.map(({ address }) => address);
    const route = this.#ports.commands.find(({ name }) => name === "route");
    if (route === undefined) return;
    this.#question = "Shall I route around them for now?";
    this.#offered = suspects.map(({ address, reason }) => ({
      command: route,
      args: { action: "avoid", target: address, reason },
    }));
  }

  /**
   * What a sentence means, "they" and "there" being whom it was about last; nothing when it was not understood. What
   * can be said of one only is said of each.
   */
  #meaningsOf(sentence: string): readonly Understanding[] {
    const { commands } = this.#ports;
    const first = (spoken: readonly string[]): Understanding | undefined =>
      spoken.map((each) => understand(each, commands)).find(({ understood }) => understood);
    const together = first([sentence, ...spokenOf(sentence, this.#agents.join(" and "), THEY)]);
    if (together !== undefined) return [together];
    const apart = this.#agents.map((agent) => first(spokenOf(sentence, agent, THEY)));
    if (apart.length > 1 && apart.every((meaning) => meaning !== undefined)) return apart;
    const there = first(spokenOf(sentence, this.#place ?? "", THERE));
    return there === undefined ? [] : [there];
  }

  /**
   * What puts wrongly assigned tasks right: the class gets no more of them, what it has goes to others, and whoever was
   * routed around for being stuck is so no longer.
   */
  async #offerCures({ rootCauses }: WhyReport): Promise<void> {
    const { commands, ask } = this.#ports;
    const [route, reassign] = ["route", "reassign"].map((wanted) =>
      commands.find(({ name }) => name === wanted),
    );
    if (rootCauses.length === 0 || route === undefined || reassign === undefined) return;
    const { routes } = (await ask({ command: route, args: { action: "list" } })) as {
      readonly routes: readonly AvoidedRoute[];
    };
    const stuck = [...new Set(rootCauses.flatMap(({ agents }) => agents))];
    const avoided = routes.filter(({ target }) => stuck.includes(target));
    this.#question = "Shall I reassign the task and fix the capability mapping?";
    this.#offered = [
      ...rootCauses.map(({ agentClass, capability, suited }) => ({
        command: route,
        args: {
          action: "avoid",
          target: agentClass,
          capability,
          reason: `these agents do not finish it; it is work of ${suited}`,
        },
      })),
      { command: reassign, args: { agents: stuck } },
      ...avoided.map(({ target }) => ({ command: route, args: { action: "allow", target } })),
    ];
  }

  /** What the runbook of an incident wants done. */
  #wantedOf({ steps }: IncidentReport): readonly Call[] {
    return steps
      .flatMap(({ commands }) => commands.filter(({ state }) => state === "wanted"))
      .flatMap(({ command: name, arguments: args }) => {
        const command = this.#ports.commands.find((known) => known.name === name);
        return command === undefined ? [] : [{ command, args }];
      });
  }

  #callOf(meaning: Understanding): Call {
    const command = this.#ports.commands.find(({ name }) => name === meaning.command) as Command;
    return { command, args: meaning.arguments };
  }
}

const THEY = new RegExp(
  String.raw`\b(?:they(?='re\b)|they|them|those(?: agents| two)?|these(?: agents)?|both(?: of ` +
    String.raw`them)?|the slow (?:ones|agents)|it|that one|the agents?)\b`,
  "gi",
);
const THERE = /\b(?:there|it|that sector|this sector|that cluster|this cluster|that|this)\b/gi;

/** The sentence with a name in the place of a pronoun, and with the name at its end. */
function spokenOf(sentence: string, name: string, pronouns: RegExp): readonly string[] {
  if (name === "") return [];
  const spoken = sentence.replaceAll(/\bthey're\b/gi, "they are").replaceAll(pronouns, name);
  return [spoken, `${sentence} ${name}`];
}

function withoutOpening(clause: string): string {
  return clause.replace(/^[\s,.!]+(?:and\s+)?|^and\s+/i, "").trim();
}

function isPlaceReport(data: unknown): data is PlaceReport {
  return typeof data === "object" && data !== null && "target" in data && "notable" in data;
}
