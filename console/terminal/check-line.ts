/** A line of a check: what was looked at, how it is, and what to do about it. Of `health` and of `doctor`. */
import { type Paint, paintState } from "./paint.ts";
import { tame } from "./text-width.ts";

/** One line of a check, with the words of that check for its grades. */
export interface CheckLine<Grade extends string> {
  /** What was looked at. */
  readonly name: string;
  readonly grade: Grade;
  /** What was found, in a few words. */
  readonly found: string;
  /** What to do, as a command to type or a sentence; absent where nothing is to be done. */
  readonly cure?: string;
}

/** Lines as people read them: the grade first, so that an eye down the margin finds what is wrong. */
export function renderLines<Grade extends string>(
  lines: readonly CheckLine<Grade>[],
  paint: Paint,
): string {
  const gradeWidth = Math.max(0, ...lines.map(({ grade }) => grade.length));
  const nameWidth = Math.max(0, ...lines.map(({ name }) => name.length));
  return lines
    .map(({ name, grade, found, cure }) => {
      // Padded before it is painted: colours have no width.
      const margin = " ".repeat(gradeWidth - grade.length);
      const line = `${paintState(grade, paint)}${margin}  ${name.padEnd(nameWidth)}  ${tame(found)}`;
      if (cure === undefined) return line;
      return `${line}\n${" ".repeat(gradeWidth + nameWidth + 4)}${paint.cyan("→")} ${tame(cure)}`;
    })
    .join("\n");
}
