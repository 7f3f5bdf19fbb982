import type { SendOptions, TellOptions } from "../../actors/context.ts";
import { InvalidOptionError } from "../../actors/errors.ts";
import { DROPPED, type Receipt } from "../../actors/receipt.ts";
import { type Conflict, type ConflictDetail, conflict } from "../../actors/result.ts";
import { addressOf } from "../../coordination/address.ts";
import { capabilitiesOf, hasCapability, MAX_CAPABILITIES } from "../../coordination/capability.ts";
import { EnclosedMessage } from "../../mailbox/enclosed-message.ts";
import { FRAME_SOURCE } from "../../mailbox/frame.ts";
import { Count, SLOT_FRAME } from "../../mailbox/layout.ts";
import { MAX_TOKEN_BYTES, type TrustedToken, useFault } from "../../trust/token-chain.ts";
import type { AgentCell } from "./cell.ts";
import type { Dispatcher } from "./dispatcher.ts";

const NOTHING: readonly string[] = Object.freeze([]);

/** Whether a message has to travel with what it requires or brings. */
export function isEnclosing(options: SendOptions | undefined): options is SendOptions & object {
  return (
    options !== undefined &&
    (options.requiresCapabilities !== undefined || options.token !== undefined)
  );
}

/**
 * Who may have whom do what: looked at by the sender's thread before a message is routed, by the rows that leads keep,
 * and again by the recipient's before its turn. A refusal is a CONFLICT, `CAPABILITY_MISMATCH`: an answer to who asked,
 * and recorded. Messages that require nothing, for agents that guard nothing, never come here.
 */
export class Admittance {
  readonly #dispatcher: Dispatcher;

  constructor(dispatcher: Dispatcher) {
    this.#dispatcher = dispatcher;
  }

  /** `Outbox.tell` of a message that requires or brings something; one that is refused is dropped, and recorded. */
  tell(
    source: number,
    target: number,
    message: unknown,
    options: TellOptions,
    cell: AgentCell | undefined,
  ): Receipt {
    const enclosed = this.enclose(source, target, message, options, "tell");
    if ("type" in enclosed) return DROPPED;
    return this.#dispatcher.outbox.tell(source, target, enclosed, options, cell);
  }

  /**
   * The message as it travels; or, when its target lacks what it requires, the conflict, which is recorded. Throws
   * InvalidOptionError.
   */
  enclose(
    source: number,
    target: number,
    message: unknown,
    options: SendOptions,
    via: "tell" | "ask",
  ): EnclosedMessage | ConflictDetail {
    const { requiresCapabilities: requires = NOTHING, token } = options;
    checkRequires(requires);
    if (token !== undefined) checkToken(token);
    const detail =
      this.#lacking(target, requires) ??
      (token === undefined ? undefined : this.#unserved(source, target, token, requires));
    if (detail === undefined) return new EnclosedMessage(requires, token, message);
    const { ledger, conflicts, view } = this.#dispatcher;
    // Of main's own no shard counts it.
    if (view.thread !== 0) ledger.counts[Count.CONFLICTS]++;
    conflicts.unsent(target, source, via, message, detail);
    return detail;
  }

  /** Why the agent must not handle the message in `slot`; undefined when it may. */
  refusal(cell: AgentCell, slot: number, message: unknown): Conflict | undefined {
    const { self, behavior } = cell;
    const enclosed = message instanceof EnclosedMessage ? message : undefined;
    const requires = enclosed?.requires ?? NOTHING;
    const lacking = this.#lacking(self, requires);
    if (lacking !== undefined) return conflict(lacking);
    const source = this.#sourceOf(slot);
    if (this.#isTrustedWithAll(source, self)) return undefined;
    const guarded = guardedOf(behavior.guarded, EnclosedMessage.contentOf(message));
    const token = enclosed?.token;
    if (token !== undefined) {
      const needs = guarded.length === 0 ? requires : [...guarded, ...requires];
      const detail = this.#unserved(source, self, token, needs);
      return detail && conflict(detail);
    }
    return guarded.length === 0 ? undefined : conflict(withoutToken(guarded, "none"));
  }

  /** What the sender of the message in `slot` may have this agent do. */
  granted(self: number, slot: number): readonly string[] {
    const { inbox, view, agents, nowMs } = this.#dispatcher;
    const { words, bytes } = view.custody;
    const source = this.#sourceOf(slot);
    const message = inbox.decodeWhole(words, bytes, slot + SLOT_FRAME);
    if (this.#isTrustedWithAll(source, self)) {
      const guarded = agents.cellOf(self)?.behavior.guarded;
      return guardedOf(guarded, EnclosedMessage.contentOf(message));
    }
    const token = message instanceof EnclosedMessage ? message.token : undefined;
    if (token === undefined) return NOTHING;
    const found = this.#check(token, source);
    if (typeof found === "string") return NOTHING;
    const use = { sender: source, target: self, needs: NOTHING, nowMs };
    return useFault(found, use) === undefined ? found.capabilities : NOTHING;
  }

  #sourceOf(slot: number): number {
    return this.#dispatcher.view.custody.words[slot + SLOT_FRAME + FRAME_SOURCE];
  }

  /** What comes from outside comes from whoever holds the mesh; and nobody needs leave to tell himself something. */
  #isTrustedWithAll(source: number, self: number): boolean {
    return source < 0 || source === self || source === this.#dispatcher.view.topology.orchestrator;
  }

  #lacking(row: number, requires: readonly string[]): ConflictDetail | undefined {
    if (requires.length === 0) return undefined;
    const { agents, view } = this.#dispatcher;
    const table = agents.capabilities;
    const { registry } = view;
    const has = (name: string): boolean => hasCapability(registry, row, table.bitOf(name));
    if (requires.every(has)) return undefined;
    // Not what it has of them: the strategy takes off an agent what is expected here.
    const expected = requires.filter((name) => !has(name));
    const received = capabilitiesOf(registry, row, table);
    return { type: "CAPABILITY_MISMATCH", expected, received };
  }

  #unserved(
    sender: number,
    target: number,
    token: Uint8Array,
    needs: readonly string[],
  ): ConflictDetail | undefined {
    if (this.#isTrustedWithAll(sender, target)) return undefined;
    const { nowMs, view } = this.#dispatcher;
    const found = this.#check(token, sender);
    if (typeof found === "string") return withoutToken(needs, found);
    const fault = useFault(found, { sender, target, needs, nowMs });
    if (fault === undefined) return undefined;
    const holder = addressOf(view.topology, found.holderRow);
    return withoutToken(needs, fault === "holder" ? `one that ${holder} holds` : fault);
  }

  #check(token: Uint8Array, sender: number): TrustedToken | string {
    const { trust, nowMs } = this.#dispatcher;
    return trust?.tokens.check(token, sender, nowMs) ?? "the mesh verifies none: trust is off";
  }
}

/** `expected` is no list of names: the agent has what is named, and is not to lose it for what its sender lacks. */
function withoutToken(needs: readonly string[], received: string): ConflictDetail {
  const token = needs.length === 0 ? "one that holds" : needs;
  return { type: "CAPABILITY_MISMATCH", expected: { token }, received };
}

function guardedOf(
  guarded: readonly string[] | ((message: never) => readonly string[]) | undefined,
  message: unknown,
): readonly string[] {
  if (typeof guarded !== "function") return guarded ?? NOTHING;
  const names = guarded(message as never);
  if (Array.isArray(names)) return names;
  throw new TypeError(`guarded returned ${typeof names}: expected a list of names`);
}

function checkRequires(requires: readonly string[]): void {
  const isList = Array.isArray(requires) && requires.length <= MAX_CAPABILITIES;
  if (isList && requires.every((name) => typeof name === "string" && name !== "")) return;
  throw new InvalidOptionError("requiresCapabilities", requires, "a list of at most 64 names");
}

function checkToken(token: Uint8Array): void {
  if (token instanceof Uint8Array && token.length <= MAX_TOKEN_BYTES) return;
  throw new InvalidOptionError("token", typeof token, "the bytes of a token");
}
