import { setMaxListeners } from "node:events";
import type { AskOptions } from "../../actors/context.ts";
import { InvalidOptionError, MeshStoppedError } from "../../actors/errors.ts";
import type { Random } from "../../actors/ports.ts";
import type { ActorRef, Target } from "../../actors/ref.ts";
import type { Answer } from "../../actors/result.ts";
import { addressOf } from "../../coordination/address.ts";
import { contradicting } from "../../coordination/disagreement.ts";
import { countCapable, earliestToFinish, NoCapableAgentError } from "../../coordination/routing.ts";
import type {
  AskGroups,
  AskSelection,
  DelegateOptions,
  DelegationResult,
  PipelineOptions,
  PipelineResult,
} from "../api/operation-api.ts";
import { openAsk, resolve } from "../dispatch/cell.ts";
import type { Dispatcher } from "../dispatch/dispatcher.ts";
import type { Later } from "../machine/later.ts";
import type { Forecasts } from "./forecasts.ts";
import type { Selector } from "./selection.ts";
import { type Attempt, type Entry, TaskBook } from "./task-book.ts";

/** Agents asked when nobody says how many (spec 7.1). */
export const SAMPLE = 100;
/** Addresses named of a group of answers. */
const NAMED = 10;
/** Agents tried one after the other before a delegation gives up. */
const MAX_TRIED = 3;
/** With an idempotent task a competitor starts when the first is later than this probability expected. */
const HEDGE_AT = 0.95;
/** How long a delegation waits when nobody says, ms (spec 7.1). */
export const DELEGATE_MS = 300_000;

/** What delegations need of their mesh. */
export interface DelegationPorts {
  readonly dispatcher: Dispatcher;
  readonly forecasts: Forecasts;
  readonly random: Random;
  readonly later: Later;
  readonly isRunning: () => boolean;
  readonly selector: Selector;
  /** These contradict their peers on a question with one right answer. */
  readonly contradicted: (liars: readonly (readonly [agent: number, answer: string])[]) => void;
  /** An ask from outside has ended: what KPIs are kept by. */
  readonly score: (kind: "ask" | "delegate", answer: Answer | undefined, elapsedMs: number) => void;
}

/** Who answered, and what. */
interface Won<V> {
  readonly agent: number;
  readonly answer: Answer<V>;
}

/** Agents that may be given a task, whoever would finish it first at its front; each is taken once. */
interface Candidates {
  /** Capabilities that they have to have, by bit. */
  readonly needs: readonly number[];
  /** −1 when there is no one left. */
  take(): number;
  /** Why there is no one. */
  error(): NoCapableAgentError;
}

/** Work for whoever will have finished it first, questions to a sample, and work from hand to hand. */
export class Delegations {
  readonly #ports: DelegationPorts;
  /** Tasks out at each agent: its row does not show those that are on their way. */
  readonly #out = new Map<number, number>();
  /** What is out, and who has finished what. */
  readonly book: TaskBook = new TaskBook();

  constructor(ports: DelegationPorts) {
    this.#ports = ports;
  }

  /** Asks one agent, from outside. */
  ask<A>(target: Target<unknown, A>, message: unknown, options?: AskOptions): Promise<Answer<A>> {
    const { dispatcher } = this.#ports;
    try {
      this.#now();
      const index = resolve(dispatcher, target as ActorRef | string);
      const { orchestrator } = dispatcher.view.topology;
      return dispatcher.spans.asking(index, () =>
        openAsk(dispatcher, orchestrator, index, message, options, undefined),
      ) as Promise<Answer<A>>;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Asks a sample of a selection, and groups what they answer by value, the largest group first. */
  async askMany<V>(
    selection: AskSelection,
    message: unknown,
    options: AskOptions = {},
  ): Promise<AskGroups<V>> {
    const { sample = SAMPLE, capability, select } = selection;
    if (!Number.isSafeInteger(sample) || sample < 1)
      throw new InvalidOptionError("sample", sample, "a whole number from 1 up");
    const able = this.#ports.selector.routable(
      select,
      capability === undefined ? [] : [capability],
    );
    const asked = this.#draw(able, sample);
    const { signal, forget } = shared(options.signal, asked.length);
    const each: AskOptions = { ...options, ...(signal !== undefined && { signal }) };
    const groups = new Map<
      string,
      { outcome: Answer<V> | { error: string }; agents: string[]; count: number }
    >();
    let responses = 0;
    const answers: (readonly [agent: number, answer: string])[] = [];
    await Promise.all(
      asked.map(async (agent) => {
        const outcome = await this.ask<V>(agent as ActorRef<unknown, V>, message, each).catch(
          (error: Error) => {
            if (options.signal?.aborted === true) throw error;
            return { error: error.message };
          },
        );
        if ("state" in outcome && outcome.state !== 0) responses++;
        const key = keyOf(outcome);
        if ("state" in outcome && outcome.state === 1) answers.push([agent, key]);
        const group = groups.get(key) ?? { outcome, agents: [], count: 0 };
        groups.set(key, group);
        group.count++;
        if (group.agents.length < NAMED) group.agents.push(this.#address(agent));
      }),
    );
    forget();
    if (selection.oneTruth === true) {
      const liars = new Set(contradicting(answers));
      this.#ports.contradicted(answers.filter(([agent]) => liars.has(agent)));
    }
    return {
      asked: asked.length,
      responses,
      groups: [...groups.values()].sort((a, b) => b.count - a.count),
    };
  }

  /** A sample without repetition. */
  #draw(agents: Int32Array, count: number): readonly number[] {
    const left = Int32Array.from(agents);
    const drawn: number[] = [];
    for (let size = left.length; size > 0 && drawn.length < count; size--) {
      const place = Math.floor(this.#ports.random.next() * size);
      drawn.push(left[place]);
      left[place] = left[size - 1];
    }
    return drawn;
  }

  /**
   * Gives a task to the agent that is expected to finish it first. Who cannot take it, or answers
   * CAPABILITY_MISMATCH, is followed by the next best; with `idempotent` a straggler gets a competitor.
   */
  async delegate<V>(task: unknown, options: DelegateOptions = {}): Promise<DelegationResult<V>> {
    const candidates = this.#candidates(task, options);
    const entry = this.book.open(candidates.needs);
    let result: DelegationResult<V> | undefined;
    try {
      result = await this.#delegate<V>(task, options, candidates, entry);
      return result;
    } finally {
      entry.settle(result);
    }
  }

  async #delegate<V>(
    task: unknown,
    options: DelegateOptions,
    candidates: Candidates,
    entry: Entry,
  ): Promise<DelegationResult<V>> {
    const startedMs = this.#now();
    const { timeoutMs = DELEGATE_MS } = options;
    const tried: string[] = [];
    let hedged = false;
    let failure: unknown;
    let mismatched: Won<V> | undefined;
    let moved = -1;
    for (let attempt = 0; attempt < MAX_TRIED; attempt++) {
      const leftMs = startedMs + timeoutMs - this.#now();
      const agent = moved >= 0 ? moved : candidates.take();
      moved = -1;
      if (agent < 0) {
        failure ??= candidates.error();
        break;
      }
      tried.push(this.#address(agent));
      const race = new AbortController();
      entry.at = this.#at(agent, () => {
        moved = candidates.take();
        if (moved >= 0) race.abort(new Error("given to another agent"));
        return moved;
      });
      const first = this.#attempt<V>(agent, task, options, leftMs, race.signal, entry.at);
      const rival =
        options.idempotent === true
          ? this.#rival<V>(agent, first, candidates, task, options, leftMs, race.signal)
          : undefined;
      try {
        const won = await (rival === undefined ? first : firstOf(first, rival.answer));
        race.abort(new Error("another has answered"));
        if (rival?.agent.current !== undefined) {
          hedged = true;
          tried.push(this.#address(rival.agent.current));
        }
        if (isMismatch(won.answer) && attempt + 1 < MAX_TRIED) {
          mismatched = won;
          continue;
        }
        this.#finished(entry, won);
        const elapsedMs = this.#ports.dispatcher.ports.clock.nowMs() - startedMs;
        this.#ports.score("delegate", won.answer, elapsedMs);
        return { agent: this.#address(won.agent), answer: won.answer, elapsedMs, tried, hedged };
      } catch (error) {
        race.abort(error);
        options.signal?.throwIfAborted();
        // By order, and no fault of the agent: it is not one of its tries.
        if (moved >= 0) attempt--;
        else failure = error;
      }
      entry.at = undefined;
    }
    const elapsedMs = this.#ports.dispatcher.ports.clock.nowMs() - startedMs;
    this.#ports.score("delegate", mismatched?.answer, elapsedMs);
    if (mismatched === undefined) throw failure;
    // Everyone who could be asked has said that they cannot: that is the answer.
    const { agent, answer } = mismatched;
    return { agent: this.#address(agent), answer, elapsedMs, tried, hedged };
  }

  #at(agent: number, move: () => number): Attempt {
    const { forecasts, dispatcher } = this.#ports;
    const { nowMs } = dispatcher;
    const expectedMs = forecasts.leadMs(agent, HEDGE_AT, 1, nowMs, this.#out.get(agent) ?? 0);
    return { agent, startedMs: nowMs, expectedMs, ask: 0, move };
  }

  #finished({ needs, at }: Entry, { agent, answer }: Won<unknown>): void {
    const { registry } = this.#ports.dispatcher.view;
    if (at === undefined || answer.state !== 1) return;
    this.book.finished(needs, registry.class[agent], this.#now() - at.startedMs);
  }

  /** Passes a message from stage to stage: each stage gets what the one before answered. */
  async pipeline<V>(
    message: unknown,
    stages: readonly string[],
    options: PipelineOptions = {},
  ): Promise<PipelineResult<V>> {
    if (!Array.isArray(stages) || stages.length === 0)
      throw new InvalidOptionError("stages", stages, "at least one address, class or capability");
    const startedMs = this.#now();
    const { timeoutMs = 5000, signal } = options;
    const passed: PipelineResult["stages"][number][] = [];
    let answer: Answer = { state: 1, value: message };
    for (const to of stages) {
      if (answer.state !== 1) break;
      const leftMs = startedMs + timeoutMs - this.#now();
      const done: DelegationResult = await this.delegate(answer.value, {
        to,
        timeoutMs: Math.max(0, leftMs),
        ...(signal !== undefined && { signal }),
      });
      answer = done.answer;
      passed.push({ agent: done.agent, state: answer.state, elapsedMs: done.elapsedMs });
    }
    const elapsedMs = this.#ports.dispatcher.ports.clock.nowMs() - startedMs;
    return { answer: answer as Answer<V>, stages: passed, elapsedMs };
  }

  #now(): number {
    const { dispatcher, isRunning } = this.#ports;
    if (!isRunning()) throw new MeshStoppedError();
    dispatcher.nowMs = dispatcher.ports.clock.nowMs();
    return dispatcher.nowMs;
  }

  #candidates(
    task: unknown,
    { to = "best_available", requiresCapabilities = [] }: DelegateOptions,
  ): Candidates {
    const { selector, dispatcher } = this.#ports;
    const selection = to === "best_available" ? undefined : to;
    const able = selector.able(selection, requiresCapabilities);
    const bits = selector.bitsFor(selection, requiresCapabilities);
    const tried = new Set<number>();
    const isFree = (agent: number): boolean =>
      !tried.has(agent) && selector.isRoutable(agent, bits);
    const { registry } = dispatcher.view;
    return {
      needs: bits,
      take: () => {
        const agent = earliestToFinish(registry, able, {
          isRoutable: isFree,
          predictMs: (row) => this.#finishMs(row, task),
        });
        if (agent >= 0) tried.add(agent);
        return agent;
      },
      error: () =>
        new NoCapableAgentError(
          requiresCapabilities.join(", ") || to,
          "the mesh",
          countCapable(registry, able, isFree),
        ),
    };
  }

  #finishMs(agent: number, task: unknown): number {
    const { forecasts, dispatcher } = this.#ports;
    const weight = forecasts.weightFor(agent, task);
    return forecasts.leadMs(agent, 0.5, weight, dispatcher.nowMs, this.#out.get(agent) ?? 0);
  }

  async #attempt<V>(
    agent: number,
    task: unknown,
    options: DelegateOptions,
    timeoutMs: number,
    race: AbortSignal,
    at?: Attempt,
  ): Promise<Won<V>> {
    const signal = options.signal === undefined ? race : AbortSignal.any([options.signal, race]);
    const { priority, ttlMs, requiresCapabilities } = options;
    const { dispatcher } = this.#ports;
    const { orchestrator } = dispatcher.view.topology;
    const asked: AskOptions = {
      timeoutMs,
      signal,
      ...(priority !== undefined && { priority }),
      ...(ttlMs !== undefined && { ttlMs }),
      // Who was chosen for them looks again: what it can do may have changed on the way.
      ...(requiresCapabilities?.length && { requiresCapabilities }),
    };
    const onOpen = (ask: number): void => {
      if (at !== undefined) at.ask = ask;
    };
    this.#out.set(agent, (this.#out.get(agent) ?? 0) + 1);
    try {
      this.#now();
      const answer = (await openAsk(
        dispatcher,
        orchestrator,
        agent,
        task,
        asked,
        undefined,
        onOpen,
      )) as Answer<V>;
      return { agent, answer };
    } finally {
      const left = (this.#out.get(agent) ?? 1) - 1;
      if (left === 0) this.#out.delete(agent);
      else this.#out.set(agent, left);
    }
  }

  /**
   * Starts a competitor once the first is later than expected; its agent is known from then on. There is none when
   * nobody else is left, nor for a first that has failed: the next attempt is not to wait for it.
   */
  #rival<V>(
    first: number,
    answerOfFirst: Promise<unknown>,
    candidates: Candidates,
    task: unknown,
    options: DelegateOptions,
    leftMs: number,
    race: AbortSignal,
  ): {
    readonly agent: { current: number | undefined };
    readonly answer: Promise<Won<V>>;
  } {
    const { forecasts, dispatcher, later } = this.#ports;
    const agent: { current: number | undefined } = { current: undefined };
    const waitMs = forecasts.leadMs(
      first,
      HEDGE_AT,
      forecasts.weightFor(first, task),
      dispatcher.nowMs,
    );
    const answer = new Promise<Won<V>>((settle, reject) => {
      const callOff = later(waitMs, () => {
        this.#now();
        const rival = candidates.take();
        if (rival < 0) {
          reject(candidates.error());
          return;
        }
        agent.current = rival;
        this.#attempt<V>(rival, task, options, leftMs - waitMs, race).then(settle, reject);
      });
      race.addEventListener("abort", callOff, { once: true });
      answerOfFirst.catch((error) => {
        if (agent.current !== undefined) return;
        callOff();
        reject(error);
      });
    });
    return { agent, answer };
  }

  #address(agent: number): string {
    return addressOf(this.#ports.dispatcher.view.topology, agent);
  }
}

/** The first answer that is one; the last failure when there is none. */
function firstOf<T>(first: Promise<T>, rival: Promise<T>): Promise<T> {
  return Promise.any([first, rival]).catch((error: AggregateError) => {
    throw error.errors[0];
  });
}

/** A signal that so many may listen to, where the given one would warn of a leak. */
function shared(
  signal: AbortSignal | undefined,
  listeners: number,
): { readonly signal: AbortSignal | undefined; readonly forget: () => void } {
  if (signal === undefined) return { signal, forget: () => {} };
  const own = new AbortController();
  setMaxListeners(listeners + 1, own.signal);
  const abort = (): void => own.abort(signal.reason);
  if (signal.aborted) abort();
  else signal.addEventListener("abort", abort, { once: true });
  return { signal: own.signal, forget: () => signal.removeEventListener("abort", abort) };
}

function isMismatch(answer: Answer): boolean {
  return answer.state === -1 && answer.conflict.type === "CAPABILITY_MISMATCH";
}

/** The same for answers that mean the same. */
function keyOf(outcome: Answer | { readonly error: string }): string {
  if ("error" in outcome) return `error ${outcome.error}`;
  switch (outcome.state) {
    case 1:
      return `1 ${JSON.stringify(outcome.value)}`;
    case -1:
      return `-1 ${JSON.stringify(outcome.conflict)}`;
    case 0:
      return "0";
  }
}
