/**
 * Orders that are asked about and not given: what would it touch? They become the order as a dry run.
 *
 *     "how many agents would a restart of sector 7 hit?"  ──▶  restart T0
 */
import { moodsOf } from "./phrase-orders.ts";
import { readWords } from "./phrase-words.ts";

/** What is left out of such a question for the order to remain. */
const FORMS: readonly RegExp[] = [
  // "what would happen if I restarted sector 7", "what if we killed worker 1".
  new RegExp(
    String.raw`^what (?:(?:would|does|do\+s|will|be) )*(?:happen |happen\+s |the impact |impact |` +
      "be )*(?:if|when) (?:(?:i|we|you|someone|one|they) )*(?:would )?(?<order>.+)$",
  ),
  // "what would heal do", "what does killing worker 1 touch", "how many agents would a restart of sector 7 hit".
  new RegExp(
    String.raw`^(?:what|who|which|howmany)(?: agent| all| else)* (?:would|do\+s|will) (?:a |an |` +
      String.raw`the )?(?<order>.+?) (?:do|impact|happen|do\+ing|undo|heal|take back|change)$`,
  ),
  // "what freezing sector 2 would affect".
  /^(?:.* )?(?:what|who|which|howmany) (?:a |an |the )?(?<order>.+?) (?:would|do\+s|will) (?:do|impact|happen|change)$/,
  // "show the blast radius of killing worker 1", "what is the effect of restarting sector 7".
  new RegExp(
    String.raw`^(?:.* )?(?:impact|simulate|\?dry|\?rehearse|\?pretend)(?: \?run)? (?:(?:of|for|from|a|an|` +
      String.raw`the|to|on|do\+ing|that) )*(?<order>.+?)(?: without do\+ing (?:pronoun|that|ALL))?$`,
  ),
  // "who would be affected by a restart of sector 7".
  new RegExp(
    String.raw`^(?:what|who|which|howmany)(?: agent| all)* (?:would |is |are |be )*impact(?:\+ed)? (?:by |` +
      "if (?:i|we) )?(?:a |an |the )?(?<order>.+)$",
  ),
];

/** The orders that such a question may be about, outright; none when it is no such question. */
export function hypothesis(all: string): readonly string[] {
  return FORMS.map((form) => form.exec(all)?.groups?.order)
    .filter((order) => order !== undefined)
    .flatMap((order) => moodsOf(orderIn(order)))
    .filter((said) => said !== "");
}

/** Verbs as one orders them: "killing", "killed" become "kill". */
function orderIn(said: string): string {
  const plain = said.replaceAll(/\+(?:ing|ed|s)\b/g, "");
  // What is silent in an order has to be told from the words, which a concept is too.
  return readWords(plain).order;
}
