/** Sentences that ask what one can say, or how a command is used. */
import type { Command } from "../command/command.ts";
import type { Phrase } from "./phrase.ts";

const GENERAL = new RegExp(
  "^(?:(?:i |we |show |give |get |need |open )*(?:help|usage|manual|instructions|menu)(?: me| us| page| text)?|" +
    "(?:what|which)(?: things| else)? (?:can|could|do|may|should) (?:you|i|we|one|it|thing|console|mesh|" +
    "system|ALL) (?:do|say|ask|type|know|understand|" +
    "use|tell)(?: here| to you| you| of you| now| for me| for us)*|" +
    "(?:show|list|what are|give|which|what|see|print|tell|name)(?: me| us| are| is)*(?: all| every)?(?: " +
    "available| possible| known)? " +
    "(?:commands?|options|possibilities|instructions)(?: (?:are there|do you (?:know|have|understand)|there " +
    "are|exist|can i (?:use|give)|you know))?|" +
    "how (?:do|does|can|should) (?:it|i|you|one|we|all|everything|console)(?: use)?(?: it| you| console| " +
    "this)?(?: work)?(?: here)?|" +
    "i am (?:lost|new here|stuck)|commands|what now|list of commands|command list)$",
);
/** What comes before the name of a command, and after it. */
const ABOUT = [
  new RegExp(
    "^(?:help|usage|manual|man|documentation|docs|instructions|syntax|explain|describe|" +
      "tell me about|show help)(?: me| us)?(?: with| for| on| about| of| to| page for| what|" +
      " how)*(?: use| using| command)? (?:command )?<NAME>(?: command)?(?: works?)?(?: (?:to me|" +
      "for me|does|do|means))?$",
  ),
  /^(?:help|manual|documentation|instructions) .*\b<NAME>(?: command)?$/,
  new RegExp(
    "^(?:how|when) (?:(?:do|does|can|could|should|would|to|must|may)(?: i| you| we| one)|" +
      String.raw`to)(?: (?:use|run|call|type|start|make|take|do|get|create))*(?: command)? <NAME>\b.*$`,
  ),
  /^(?:how|when) does(?: command)? <NAME>(?: command)?(?: (?:work|function|get used))?$/,
  /^how(?: is| are)? (?:command )?<NAME>(?: command)? (?:work|works|used|function|functions)$/,
  new RegExp(
    "^(?:what|which)(?: exactly)? (?:does|do)(?: command)? <NAME>(?: command)?(?: actually)? " +
      "(?:do|mean|stand for|change)$",
  ),
  /^what is(?: command)? <NAME>(?: command)? (?:for|good for|used for|about|doing)$/,
  /^what is <NAME> command$/,
  /^<NAME> (?:help|usage|manual|command|options)$/,
  new RegExp(
    "^(?:what|which) (?:options|arguments|flags|parameters) (?:does|has|are there for|do|" +
      "for)(?: command)? <NAME>(?: command)?(?: (?:have|take|know))?$",
  ),
  /^(?:explain|describe|tell me about|what does it mean to|what does) <NAME>ing(?: an? .*)? ?(?:do|mean|to me)?$/,
];

/** The arguments of `help`; undefined when a sentence asks for something else. */
export function helpAsked(
  { words }: Phrase,
  commands: readonly Command[],
): Record<string, unknown> | undefined {
  const said = words.replace(
    new RegExp(
      "^(?:can|could|would) (?:you )?|^i (?:want|need|would like) (?:to (?:know|see) )?|" +
        "^i (?:do not|can not) (?:know|understand|remember|get) |^show me (?=how)|^tell me (?=how|" +
        "what)",
    ),
    "",
  );
  if (GENERAL.test(said)) return {};
  for (const { name } of commands) {
    const spoken = name.replaceAll("-", "[- ]");
    if (!new RegExp(`\\b${spoken}`).test(said)) continue;
    if (
      ABOUT.some((form) => new RegExp(form.source.replaceAll("<NAME>", `(?:${spoken})`)).test(said))
    )
      return { command: name };
  }
  return undefined;
}
