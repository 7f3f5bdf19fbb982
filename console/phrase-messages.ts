/** Sentences that carry a message in the sender's own words: broadcast, tell, ask, delegate. */
import { readPhrase } from "./phrase.ts";

/** A command and its arguments, not checked. */
export interface MessagePhrase {
  readonly command: string;
  readonly args: Readonly<Record<string, unknown>>;
}

const EVERYBODY =
  "(?:everyone|everybody|all(?: of)?(?: the| our| my)? agents|every agent|the (?:whole |entire " +
  ")?(?:mesh|fleet)|all agents in the mesh)";
const SAYING = "(?: (?:that|to|about|of|saying|which says))?[:,]?\\s+(.+)$";
const NOTICE = "(?: (?:a message|the message|this|word|an announcement|a notice))?";
const BROADCAST = [
  new RegExp(
    `^(?:broadcast|announce|proclaim)${NOTICE}(?: (?:to|for) ${EVERYBODY})?${SAYING}`,
    "i",
  ),
  new RegExp(
    `^(?:tell|inform|notify|let|message|warn|alert|remind) ${EVERYBODY}(?: know)?${SAYING}`,
    "i",
  ),
  new RegExp(`^(?:send|say|shout|pass on)${NOTICE} to ${EVERYBODY}${SAYING}`, "i"),
  new RegExp(`^(?:send|say|shout) (["'“].+["'”]) to ${EVERYBODY}$`, "i"),
];
const ASK_SAMPLE = new RegExp(
  String.raw`^(?:ask|poll|survey|sample|query|question)\s+(?:(?:a )?(?:sample|handful) ` +
    String.raw`of\s+)?(.+?)[:,]?\s+((?:["“'].+["”'])|(?:(?:what|who|how|when|where|why|which|whether|` +
    "if|is|are|do|does|can|did|about|for) .+))$",
  "i",
);
const TELL = new RegExp(
  String.raw`^(?:tell|message|send|inform|notify|let)\s+(.+?)(?:\s+know)?(?:\s+(?:that|to|` +
    String.raw`saying))?[:,]?\s+(["“'].+["”']|that .+|\{.+\})$`,
  "i",
);
const DELEGATE = new RegExp(
  "^(?:delegate|assign|hand|give|pass|hand over|outsource|entrust|send|" +
    String.raw`dispatch)\s+(?:(?:the|this|a) )?(?:task|job|work|request)?(?:\s+(?:of|` +
    String.raw`to))?[:,]?\s*(["“'].+["”']|.+?)\s+to\s+(.+)$`,
  "i",
);
const DELEGATE_BARE = new RegExp(
  "^(?:delegate|get (?:somebody|someone|some agent|an agent|the best agent) to|have " +
    "(?:somebody|someone|an agent|the best agent)|find (?:somebody|someone|an agent) to|" +
    "let (?:somebody|someone|an agent|the best agent))(?: (?:the|this|a) " +
    String.raw`task)?[:,]?\s+(.+)$`,
  "i",
);
const BEST = new RegExp(
  "^(?:the )?(?:best|fastest|quickest|first|any|whoever|anyone|someone|somebody|best " +
    "available|most suitable|nearest)(?: available)?(?: (?:agent|one|free|is free|" +
    "available|can|can do it|who is free))*$",
  "i",
);

/** Reads such a sentence; undefined when it is none. */
export function phraseOfMessage(sentence: string): MessagePhrase | undefined {
  const typed = readPhrase(sentence)?.typed;
  // A question, or what shall not be done, is no order to speak.
  if (typed === undefined || /^(?:do not|don't|never|please don't)\b/i.test(typed))
    return undefined;
  return broadcast(typed) ?? ask(typed) ?? delegate(typed) ?? tell(typed);
}

function broadcast(typed: string): MessagePhrase | undefined {
  for (const pattern of BROADCAST) {
    const match = pattern.exec(typed);
    if (match === null) continue;
    return { command: "broadcast", args: { message: unquoted(match[1]) } };
  }
  const part = /^(?:broadcast|announce)\s+(["“'].+["”'])\s+(?:to|in|across)\s+(.+)$/i.exec(typed);
  const whom = part && whomOf(part[2]);
  return part && whom?.select !== undefined
    ? { command: "broadcast", args: { message: unquoted(part[1]), select: whom.select } }
    : undefined;
}

function ask(typed: string): MessagePhrase | undefined {
  const match = ASK_SAMPLE.exec(typed);
  if (match === null) return undefined;
  const whom = whomOf(match[1]);
  if (whom === undefined) return undefined;
  const message = unquoted(match[2]);
  if (whom.address !== undefined)
    return { command: "ask", args: { address: whom.address, message } };
  const { select, capability, sample } = whom;
  return {
    command: "ask",
    args: {
      message,
      ...(select !== undefined && { select }),
      ...(capability !== undefined && { capability }),
      ...((sample !== undefined || (select === undefined && capability === undefined)) && {
        sample: sample ?? 100,
      }),
    },
  };
}

function tell(typed: string): MessagePhrase | undefined {
  const match = TELL.exec(typed);
  if (match === null) return undefined;
  const whom = whomOf(match[1]);
  const message = unquoted(match[2].replace(/^that\s+/i, ""));
  if (whom?.address !== undefined)
    return { command: "tell", args: { address: whom.address, message } };
  return whom?.select === undefined
    ? undefined
    : { command: "broadcast", args: { message, select: whom.select } };
}

function delegate(typed: string): MessagePhrase | undefined {
  const match = DELEGATE.exec(typed);
  if (match !== null) {
    const whom = BEST.test(match[2]) ? "best_available" : selected(whomOf(match[2]));
    if (whom !== undefined)
      return {
        command: "delegate",
        args: { task: unquoted(match[1]), ...(whom !== "best_available" && { to: whom }) },
      };
  }
  const bare = DELEGATE_BARE.exec(typed);
  return bare === null ? undefined : { command: "delegate", args: { task: unquoted(bare[1]) } };
}

const WHOM = new RegExp(
  "^(?:(N\\d+)(?: random)? ?)?(?:agents?|of them)? ?(?:(T\\d+|C\\d+|K\\d+|ALL))?(?: ?(?:agents?))?" +
    "(?: (?:in|of|from|at) (T\\d+|ALL))?$",
);

interface Whom {
  readonly address?: string;
  readonly select?: string;
  readonly capability?: string;
  readonly sample?: number;
}

function selected(whom: Whom | undefined): string | undefined {
  return whom?.address ?? whom?.select ?? whom?.capability;
}

/** Whom a part of a sentence names; undefined when it names nobody, or says more. */
function whomOf(part: string): Whom | undefined {
  const read = readPhrase(part);
  if (read === undefined) return undefined;
  const form = WHOM.exec(read.words);
  if (form === null || read.words === "") return undefined;
  const value = (mark: string | undefined): string | undefined =>
    mark === undefined || mark === "ALL" ? undefined : String(read.named.get(mark));
  const [, count, first, second] = form;
  const sample = count === undefined ? undefined : Number(read.named.get(count));
  if (first?.startsWith("K")) {
    return {
      capability: value(first) as string,
      ...(value(second) !== undefined && { select: value(second) as string }),
      ...(sample !== undefined && { sample }),
    };
  }
  const select = value(first) ?? value(second);
  if (sample === undefined && select?.includes("/agent-")) return { address: select };
  return { ...(select !== undefined && { select }), ...(sample !== undefined && { sample }) };
}

function unquoted(text: string): string {
  const trimmed = text.trim();
  const quoted = /^(["“'])(.*)(["”'])$/s.exec(trimmed);
  return quoted === null ? trimmed : quoted[2];
}
