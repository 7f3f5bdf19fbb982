import { FRAME_OPERATION_F64, FRAME_SEQUENCE_F64, FRAME_TYPE } from "../../mailbox/frame.ts";
import {
  ENTRY_DATA,
  ENTRY_SUBJECT,
  EntryKind,
  type EntryMemory,
  turnKeyOf,
} from "../../mailbox/journal-entry.ts";

/** An operation that has begun and not ended, and how it stands. */
export interface LiveOperation<Value> {
  readonly opened: Value;
  /** By agent, the last outcome. */
  readonly outcomes: Map<number, number>;
}

/**
 * What of a journal still counts: the newest state of each agent, messages that are not over, operations that
 * have not ended. `Value` is what is kept of each such entry: its place, or its bytes.
 */
export class LiveEntries<Value> {
  /** By agent: its newest state. */
  readonly states: Map<number, Value> = new Map();
  /** By origin and sequence. */
  readonly messages: Map<number, Map<number, Value>> = new Map();
  readonly operations: Map<number, LiveOperation<Value>> = new Map();
  /** By origin and sequence of what an open turn is of: what it has sent, by its place among them. */
  readonly sends: Map<number, Map<number, Map<number, Value>>> = new Map();

  /** Of what another thread was told. */
  static of<Value>(
    parts: Pick<LiveEntries<Value>, "states" | "messages" | "operations" | "sends">,
  ): LiveEntries<Value> {
    const live = new LiveEntries<Value>();
    for (const [agent, value] of parts.states) live.states.set(agent, value);
    for (const [origin, messages] of parts.messages) live.messages.set(origin, messages);
    for (const [operation, standing] of parts.operations) live.operations.set(operation, standing);
    for (const [origin, turns] of parts.sends) live.sends.set(origin, turns);
    return live;
  }

  /** Takes account of the entry at `word`; `keep` gives what to keep of it. */
  apply({ words, doubles }: EntryMemory, word: number, keep: () => Value): void {
    const subject = words[word + ENTRY_SUBJECT];
    const data = (word + ENTRY_DATA) >>> 1;
    switch (words[word + FRAME_TYPE] & 0xff) {
      case EntryKind.ACCEPT:
        this.#accept(
          doubles[(word >>> 1) + FRAME_OPERATION_F64],
          doubles[(word >>> 1) + FRAME_SEQUENCE_F64],
          keep(),
        );
        return;
      case EntryKind.STATE:
        this.states.set(subject, keep());
        return;
      case EntryKind.ENDED:
        this.states.delete(subject);
        return;
      case EntryKind.DONE:
        for (let i = 0; i < subject; i++)
          this.#done(doubles[data + i * 2], doubles[data + i * 2 + 1]);
        return;
      case EntryKind.OUTCOMES:
        for (let i = 0; i < subject; i++) {
          const item = word + ENTRY_DATA + i * 4;
          this.#outcome(doubles[item >>> 1], words[item + 2], words[item + 3]);
        }
        return;
      case EntryKind.SENT:
        this.#sent(doubles[data], doubles[data + 1], subject, keep());
        return;
      case EntryKind.OPENED: {
        const standing = this.operations.get(doubles[data]);
        this.operations.set(doubles[data], {
          opened: keep(),
          outcomes: standing?.outcomes ?? new Map(),
        });
        return;
      }
      case EntryKind.CLOSED:
        this.operations.delete(doubles[data]);
        this.sends.delete(-doubles[data]);
    }
  }

  /** What is kept of the entry at `word`, if the entry is of a kind that can count and still does. */
  kept({ words, doubles }: EntryMemory, word: number): Value | undefined {
    switch (words[word + FRAME_TYPE] & 0xff) {
      case EntryKind.ACCEPT:
        return this.messages
          .get(doubles[(word >>> 1) + FRAME_OPERATION_F64])
          ?.get(doubles[(word >>> 1) + FRAME_SEQUENCE_F64]);
      case EntryKind.STATE:
        return this.states.get(words[word + ENTRY_SUBJECT]);
      case EntryKind.OPENED:
        return this.operations.get(doubles[(word + ENTRY_DATA) >>> 1])?.opened;
      case EntryKind.SENT: {
        const data = (word + ENTRY_DATA) >>> 1;
        const turns = this.sends.get(doubles[data]);
        return turns?.get(doubles[data + 1])?.get(words[word + ENTRY_SUBJECT]);
      }
      default:
        return undefined;
    }
  }

  /** Messages that are not over. */
  get messageCount(): number {
    let count = 0;
    for (const messages of this.messages.values()) count += messages.size;
    return count;
  }

  get isEmpty(): boolean {
    return this.states.size === 0 && this.messages.size === 0 && this.operations.size === 0;
  }

  /** The same with something else kept of each entry. */
  map<Other>(change: (value: Value) => Other): LiveEntries<Other> {
    const other = new LiveEntries<Other>();
    for (const [agent, value] of this.states) other.states.set(agent, change(value));
    for (const [origin, messages] of this.messages) {
      const changed = new Map<number, Other>();
      for (const [sequence, value] of messages) changed.set(sequence, change(value));
      other.messages.set(origin, changed);
    }
    for (const [operation, { opened, outcomes }] of this.operations)
      other.operations.set(operation, { opened: change(opened), outcomes: new Map(outcomes) });
    for (const [origin, turns] of this.sends)
      for (const [sequence, sent] of turns)
        for (const [place, value] of sent) other.#sent(origin, sequence, place, change(value));
    return other;
  }

  #accept(origin: number, sequence: number, value: Value): void {
    const messages = this.messages.get(origin);
    if (messages === undefined) this.messages.set(origin, new Map([[sequence, value]]));
    else messages.set(sequence, value);
  }

  #outcome(operation: number, agent: number, outcome: number): void {
    this.operations.get(operation)?.outcomes.set(agent, outcome);
    for (const acts of [false, true]) this.#turnOver(...turnKeyOf({ operation, agent, acts }));
  }

  #sent(origin: number, sequence: number, place: number, value: Value): void {
    const turns = this.sends.get(origin) ?? new Map<number, Map<number, Value>>();
    const sent = turns.get(sequence) ?? new Map<number, Value>();
    this.sends.set(origin, turns.set(sequence, sent.set(place, value)));
  }

  /** The turn is over, and with it what it had sent. */
  #turnOver(origin: number, sequence: number): void {
    const turns = this.sends.get(origin);
    if (turns?.delete(sequence) === true && turns.size === 0) this.sends.delete(origin);
  }

  #done(origin: number, sequence: number): void {
    this.#turnOver(origin, sequence);
    const messages = this.messages.get(origin);
    if (messages?.delete(sequence) === true && messages.size === 0) this.messages.delete(origin);
  }
}
