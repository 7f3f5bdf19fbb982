import { InvalidOptionError, MeshError } from "../../actors/errors.ts";
import type { InboxNote } from "../../coordination/conflict-entry.ts";
import type {
  Decision,
  HumanInbox,
  InboxEvents,
  InboxItem,
  Question,
} from "../api/conflict-api.ts";
import type { ConflictLog } from "../api/conflict-log.ts";
import { Listeners } from "../api/listeners.ts";
import type { ConflictRecorder } from "./conflict-recorder.ts";

/** Questions that may be open at once. */
const MAX_OPEN = 10_000;
/** Comments kept with an open question; the log has them all. */
const MAX_COMMENTS = 100;
/** Share of its time after which a question is brought to mind. */
const REMIND_AT = 0.75;
const MAX_TEXT = 4000;

interface Open {
  item: InboxItem;
  readonly waiters: ((item: InboxItem) => void)[];
  reminded: boolean;
  deciding: boolean;
}

/** What the inbox needs of its mesh. */
export interface InboxPorts {
  readonly log: ConflictLog;
  readonly recorder: ConflictRecorder;
  readonly nowMs: () => number;
  readonly newId: () => string;
}

/** The inbox of questions to people, kept in the log of conflicts; those that are open are in memory too. */
export class QuestionInbox implements HumanInbox {
  readonly #ports: InboxPorts;
  readonly #open = new Map<string, Open>();
  readonly #listeners = new Listeners<InboxEvents>();

  constructor(ports: InboxPorts) {
    this.#ports = ports;
  }

  /** Takes up what was open when the log was last written. */
  async begin(): Promise<void> {
    for (const item of fold(await this.#ports.log.inbox(true), this.#ports.nowMs()).values())
      this.#open.set(item.itemId, { item, waiters: [], reminded: item.overdue, deciding: false });
  }

  on<E extends keyof InboxEvents>(event: E, listener: (item: InboxEvents[E]) => void): () => void {
    return this.#listeners.on(event, listener);
  }

  async list(options: { readonly all?: boolean } = {}): Promise<readonly InboxItem[]> {
    const items = options.all
      ? [...fold(await this.#ports.log.inbox(false), this.#ports.nowMs()).values()]
      : [...this.#open.values()].map(({ item }) => item);
    const deadline = ({ deadlineMs }: InboxItem): number => deadlineMs ?? Number.MAX_VALUE;
    return items.sort((a, b) => deadline(a) - deadline(b) || a.openedMs - b.openedMs);
  }

  async show(itemId: string): Promise<InboxItem | undefined> {
    const open = this.#open.get(itemId);
    if (open !== undefined) return open.item;
    return fold(await this.#ports.log.inbox(false), this.#ports.nowMs()).get(itemId);
  }

  async open(question: Question): Promise<InboxItem> {
    const { kind, text, about, withinMs } = question;
    if (typeof text !== "string" || text === "")
      throw new InvalidOptionError("text", text, "what is asked");
    if (withinMs !== undefined && !(withinMs > 0))
      throw new InvalidOptionError("withinMs", withinMs, "a time above 0 ms");
    const itemId = question.itemId ?? `ask-${this.#ports.newId()}`;
    const known = await this.show(itemId);
    if (known !== undefined) return known;
    const meanwhile = this.#open.get(itemId);
    if (meanwhile !== undefined) return meanwhile.item;
    if (this.#open.size >= MAX_OPEN)
      throw new MeshError("MESH_INBOX_FULL", `${MAX_OPEN} questions are open: decide some of them`);
    const atMs = this.#ports.nowMs();
    const note: InboxNote = {
      itemId,
      atMs,
      act: "opened",
      by: "mesh",
      kind,
      text: text.slice(0, MAX_TEXT),
      about: about ?? null,
      ...(withinMs !== undefined && { deadlineMs: atMs + withinMs }),
    };
    const item = opened(note, atMs);
    this.#open.set(itemId, { item, waiters: [], reminded: false, deciding: false });
    try {
      await this.#write(note);
    } catch (error) {
      this.#open.delete(itemId);
      throw error;
    }
    this.#listeners.emit("opened", item);
    return item;
  }

  approve(itemId: string, decision: Decision = {}): Promise<InboxItem> {
    return this.#decide(itemId, "approved", decision);
  }

  deny(itemId: string, decision: Decision = {}): Promise<InboxItem> {
    return this.#decide(itemId, "denied", decision);
  }

  async comment(
    itemId: string,
    text: string,
    options: { readonly by?: string } = {},
  ): Promise<InboxItem> {
    const open = await this.#mustBeOpen(itemId);
    const { by = "operator" } = options;
    const atMs = this.#ports.nowMs();
    const cut = text.slice(0, MAX_TEXT);
    await this.#write({ itemId, atMs, act: "commented", by, text: cut });
    const comments = [...open.item.comments, { atMs, by, text: cut }].slice(-MAX_COMMENTS);
    open.item = { ...open.item, comments };
    return open.item;
  }

  async decision(itemId: string): Promise<InboxItem> {
    const open = this.#open.get(itemId);
    if (open !== undefined) return new Promise((resolve) => open.waiters.push(resolve));
    const item = await this.show(itemId);
    if (item === undefined) throw noItem(itemId);
    return item;
  }

  /** Brings to mind what is due; called by main's timer. */
  tick(): void {
    const nowMs = this.#ports.nowMs();
    for (const open of this.#open.values()) {
      const { deadlineMs, openedMs, overdue } = open.item;
      if (deadlineMs === undefined) continue;
      if (!open.reminded && nowMs >= openedMs + (deadlineMs - openedMs) * REMIND_AT) {
        open.reminded = true;
        this.#listeners.emit("reminder", open.item);
      }
      if (overdue || nowMs < deadlineMs) continue;
      open.item = { ...open.item, overdue: true };
      this.#listeners.emit("overdue", open.item);
    }
  }

  async #decide(
    itemId: string,
    act: "approved" | "denied",
    { by = "operator", comment = "" }: Decision,
  ): Promise<InboxItem> {
    const open = await this.#mustBeOpen(itemId);
    const atMs = this.#ports.nowMs();
    // Of two who decide at once, one does.
    if (open.deciding) throw new MeshError("MESH_DECIDED", `${itemId} is being decided`);
    open.deciding = true;
    try {
      await this.#write({ itemId, atMs, act, by, text: comment.slice(0, MAX_TEXT) });
    } catch (error) {
      open.deciding = false;
      throw error;
    }
    this.#open.delete(itemId);
    open.item = decided(open.item, { itemId, atMs, act, by, text: comment });
    for (const wake of open.waiters) wake(open.item);
    this.#listeners.emit("decided", open.item);
    return open.item;
  }

  async #mustBeOpen(itemId: string): Promise<Open> {
    const open = this.#open.get(itemId);
    if (open !== undefined) return open;
    const item = await this.show(itemId);
    if (item === undefined) throw noItem(itemId);
    throw new MeshError(
      "MESH_DECIDED",
      `${itemId} was ${item.state} by ${item.decidedBy ?? "somebody"}`,
    );
  }

  #write(note: InboxNote): Promise<void> {
    return this.#ports.recorder.record({ entry: { kind: "inbox", note } });
  }
}

function noItem(itemId: string): MeshError {
  return new MeshError("MESH_NO_ITEM", `the inbox has no ${itemId}`);
}

/** The items that notes are about, as the notes leave them. */
export function fold(notes: readonly InboxNote[], nowMs: number): Map<string, InboxItem> {
  const items = new Map<string, InboxItem>();
  for (const note of notes) {
    const { itemId, act, atMs, by, text } = note;
    if (act === "opened") {
      items.set(itemId, opened(note, nowMs));
      continue;
    }
    const item = items.get(itemId);
    if (item === undefined) continue;
    if (act === "approved" || act === "denied") items.set(itemId, decided(item, note));
    else if (act === "commented") {
      const comments = [...item.comments, { atMs, by, text }].slice(-MAX_COMMENTS);
      items.set(itemId, { ...item, comments });
    }
  }
  return items;
}

function opened(note: InboxNote, nowMs: number): InboxItem {
  const { itemId, kind = "question", text, about, atMs, deadlineMs } = note;
  return {
    itemId,
    kind,
    text,
    about,
    openedMs: atMs,
    state: "open",
    overdue: deadlineMs !== undefined && deadlineMs <= nowMs,
    comments: [],
    ...(deadlineMs !== undefined && { deadlineMs }),
  };
}

function decided(item: InboxItem, { act, by, atMs, text }: InboxNote): InboxItem {
  const state = act === "approved" ? "approved" : "denied";
  const comments = text === "" ? item.comments : [...item.comments, { atMs, by, text }];
  const { deadlineMs } = item;
  const overdue = deadlineMs !== undefined && atMs > deadlineMs;
  return { ...item, state, decidedBy: by, decidedMs: atMs, overdue, comments };
}
