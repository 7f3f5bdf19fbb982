/** A picture that is drawn in place on a terminal's other screen buffer: what is written over does not flicker. */
import { cutTo } from "./text-width.ts";

/** To the other screen buffer, without a cursor. */
export const ENTER_SCREEN = "\x1b[?1049h\x1b[?25l";
/** Gives the terminal back as it was. */
export const LEAVE_SCREEN = "\x1b[?25h\x1b[?1049l";
const HOME = "\x1b[H";
const CLEAR_LINE = "\x1b[K";
const CLEAR_BELOW = "\x1b[J";
/** Terminals that know it hold the picture until the frame is whole; others ignore it. */
const FRAME_BEGIN = "\x1b[?2026h";
const FRAME_END = "\x1b[?2026l";

/** These lines over what is shown, each cut to `width` columns: to be written at once. */
export function screenFrame(lines: readonly string[], width: number): string {
  const drawn = lines.map((line) => cutTo(line, width) + CLEAR_LINE).join("\r\n");
  return FRAME_BEGIN + HOME + drawn + CLEAR_BELOW + FRAME_END;
}
