/** The arguments of a command by what they mean: its schema says what they are called. */
import type { CommandEntry } from "./session.ts";

const IDS = ["id", "item", "itemId", "conflict", "conflictId"];

/** Arguments for `action` on the thing of this id; undefined when the command has no such action. */
export function argumentsFor(
  command: CommandEntry,
  action: string,
  id: string,
): Record<string, string> | undefined {
  const properties = command.arguments.properties ?? {};
  const name = Object.keys(properties).find((key) => properties[key].enum?.includes(action));
  const subject = IDS.find((key) => key in properties);
  return name === undefined || subject === undefined
    ? undefined
    : { [name]: action, [subject]: id };
}
