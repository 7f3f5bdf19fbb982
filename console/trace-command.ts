/** `trace`: what brought a message about, hop by hop, with the time that each took. */
import type { Hop, Trace } from "../runtime/api/trace-api.ts";
import { type MeshCommand, meshCommand } from "./command.ts";
import { formatMoment, formatMs } from "./format.ts";
import type { Paint } from "./paint.ts";
import { type Column, table } from "./table.ts";
import { text } from "./values.ts";

const COLUMNS: readonly Column[] = [
  { heading: "SENT" },
  { heading: "AFTER", align: "right" },
  { heading: "FROM" },
  { heading: "TO" },
  { heading: "MESSAGE" },
];

/** `trace TARGET`. */
export const traceCommand: MeshCommand = meshCommand({
  name: "trace",
  help: "Follow a message to where it began, and to what it led to, with the time of each hop.",
  details:
    "Of an agent, the last message that it was sent. AFTER is the time from the sending of the message before: its " +
    "way, its wait and its turn. Each thread remembers its last 16,384 sends; operations and broadcasts go down the " +
    "tree in frames of their own and are not in it.",
  parameters: {
    target: {
      schema: text("an address or the id of a message"),
      help: "an agent, or a message such as sector-1/cluster-1/agent-1#4711",
      place: "positional",
      complete: "address",
    },
  },
  examples: ["trace sector-7/cluster-4/agent-12", "trace sector-7/cluster-4/agent-12#4711"],
  changes: false,
  run: ({ mesh }, { target }): Trace => mesh.traces.of(target),
  render: renderTrace,
});

function renderTrace({ hops, effects, reachedOrigin, elapsedMs }: Trace, paint: Paint): string {
  const lines = [
    ...(reachedOrigin ? [] : [paint.yellow("what came before is forgotten")]),
    table(COLUMNS, hops.map(cellsOf), "nothing is remembered", paint),
    paint.dim(`${formatMs(elapsedMs)} from the first to the last`),
  ];
  if (effects.length > 0)
    lines.push(paint.bold("It led to"), table(COLUMNS, effects.map(cellsOf), "", paint));
  return lines.join("\n");
}

function cellsOf({ messageId, from, to, sentMs, afterMs }: Hop): string[] {
  return [formatMoment(Math.round(sentMs)), formatMs(afterMs), from, to, messageId];
}
