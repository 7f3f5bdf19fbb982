/** Conflicts, quarantine and the inbox: what the commands of these names list, if this mesh has them. */
import { ask } from "./ask-dialog.ts";
import { argumentsFor } from "./command-arguments.ts";
import { byId, element, fill } from "./dom.ts";
import type { CommandEntry, Session } from "./session.ts";
import { count } from "./words.ts";

const REFRESH_MS = 3_000;
const LISTED = 20;
const SAMPLE_CHARACTERS = 120;

/** What an entry shows, whatever list it is of. */
interface Entry {
  readonly id: string;
  readonly title: string;
  readonly detail: string;
  readonly tone: string;
  readonly actions: readonly string[];
}

type Item = Readonly<Record<string, unknown>>;

const PANELS: readonly {
  readonly name: string;
  readonly empty: string;
  readonly entry: (item: Item) => Entry;
}[] = [
  { name: "inbox", empty: "Nobody waits for an answer.", entry: inboxEntry },
  { name: "conflicts", empty: "No conflict is open.", entry: conflictEntry },
  { name: "quarantine", empty: "Nothing is held.", entry: quarantineEntry },
];

/** Shows the panels whose commands this mesh has, and keeps them new while somebody looks. */
export function openLists(commands: readonly CommandEntry[], session: Session): void {
  for (const { name, empty, entry } of PANELS) {
    const command = commands.find((known) => known.name === name);
    if (command === undefined) continue;
    const target = byId(name);
    target.closest("section")?.removeAttribute("hidden");
    const refresh = async (): Promise<void> => {
      if (document.hidden) return;
      try {
        const entries = itemsOf(await session.look(name)).map(entry);
        title(name, entries.length);
        fill(target, list(entries, empty));
        listen(target, command, session, refresh);
      } catch (error) {
        fill(target, element("p", { class: "bad" }, (error as Error).message));
      }
    };
    setInterval(() => void refresh(), REFRESH_MS);
    void refresh();
  }
}

/** The list in the data of a command: itself, or the first of its members that is one. */
function itemsOf(data: unknown): readonly Item[] {
  const lists = Array.isArray(data) ? [data] : Object.values((data ?? {}) as Item);
  return (lists.find(Array.isArray) ?? []) as readonly Item[];
}

function title(name: string, size: number): void {
  const word = name[0].toUpperCase() + name.slice(1);
  byId(`${name}-title`).textContent = size === 0 ? word : `${word} (${count(size)})`;
}

function list(entries: readonly Entry[], empty: string): HTMLElement {
  if (entries.length === 0) return element("p", { class: "empty" }, empty);
  const rows = entries.slice(0, LISTED).map(({ id, title: head, detail, tone, actions }) => {
    const buttons = actions.map((action) =>
      element(
        "button",
        { type: "button", "data-action": action, "data-id": id, "aria-label": `${action} ${head}` },
        action,
      ),
    );
    return element(
      "li",
      {},
      element("div", { class: "row" }, element("span", { class: `what ${tone}` }, head)),
      element("div", { class: "caption what" }, detail),
      buttons.length === 0 ? undefined : element("div", { class: "acts" }, ...buttons),
    );
  });
  return element("ul", { class: "list" }, ...rows);
}

function listen(
  target: HTMLElement,
  command: CommandEntry,
  session: Session,
  refresh: () => Promise<void>,
): void {
  for (const button of target.querySelectorAll<HTMLButtonElement>("button[data-action]")) {
    const { action = "", id = "" } = button.dataset;
    const args = argumentsFor(command, action, id);
    button.hidden = args === undefined;
    if (args === undefined) continue;
    button.onclick = () => askAction(command, action, args, session, refresh);
  }
}

function askAction(
  command: CommandEntry,
  action: string,
  args: Readonly<Record<string, string>>,
  session: Session,
  refresh: () => Promise<void>,
): void {
  const words = "comment" in (command.arguments.properties ?? {}) ? "comment" : undefined;
  const input = element("input", { type: "text", "aria-label": "comment" });
  const typed = `${command.name} ${Object.values(args).join(" ")}`;
  ask({
    title: `${action[0].toUpperCase()}${action.slice(1)}?`,
    confirm: action,
    danger: action === "deny" || action === "discard",
    body: [
      element("p", {}, element("code", {}, typed)),
      words === undefined
        ? undefined
        : element("label", {}, element("span", { class: "quiet" }, "comment"), input),
    ],
    act: async () => {
      const said = words !== undefined && input.value.trim() !== "" ? { [words]: input.value } : {};
      const who = "by" in (command.arguments.properties ?? {}) ? { by: "dashboard" } : {};
      await session.run(command.name, { ...args, ...said, ...who });
      await refresh();
      return `${typed}: done`;
    },
  });
}

function inboxEntry(item: Item): Entry {
  const kind = text(item.kind);
  const overdue = item.overdue === true;
  return {
    id: text(item.itemId ?? item.id),
    title: text(item.text ?? item.question ?? item.itemId),
    detail: [kind, overdue ? "overdue" : "", sample(item.about)].filter(Boolean).join(" · "),
    tone: overdue ? "bad" : "",
    actions:
      item.state === undefined || item.state === "open" ? ["approve", "deny", "comment"] : [],
  };
}

function conflictEntry(item: Item): Entry {
  // What was recorded may stand by itself or under `record`, with how it stands beside it.
  const record = (item.record ?? item) as Item;
  const priority = Number(record.priority ?? 0);
  return {
    id: text(record.conflictId ?? record.id),
    title: `${text(record.type)}  ${text(record.agent ?? record.address)}`,
    detail: [`priority ${priority}`, text(item.state), text(record.conflictId)]
      .filter(Boolean)
      .join(" · "),
    tone: priority >= 3 && item.state !== "resolved" ? "bad" : "",
    actions: item.state === "resolved" ? [] : ["resolve"],
  };
}

function quarantineEntry(item: Item): Entry {
  const bytes = item.bytes === undefined ? "" : `${count(Number(item.bytes))} bytes`;
  return {
    id: text(item.conflictId ?? item.id),
    title: text(item.agent ?? item.conflictId ?? item.id),
    detail: [bytes, sample(item.value)].filter(Boolean).join(" · "),
    tone: "",
    actions: ["release", "discard"],
  };
}

function text(value: unknown): string {
  if (value === undefined || value === null) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}

function sample(value: unknown): string {
  const all = text(value);
  return all.length > SAMPLE_CHARACTERS ? `${all.slice(0, SAMPLE_CHARACTERS)}…` : all;
}
