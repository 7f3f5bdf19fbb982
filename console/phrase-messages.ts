/** Sentences that carry a message in the sender's own words: broadcast, tell, ask, delegate, pipeline. */
import { type Phrase, readPhrase } from "./phrase.ts";
import { trimmed } from "./phrase-options.ts";

/** A command and its arguments, not checked. */
export interface MessagePhrase {
  readonly command: string;
  readonly args: Readonly<Record<string, unknown>>;
}

/** A message in quotes or as JSON: just that is the message, whatever else is said. */
const SAID = /"([^"]+)"|“([^”]+)”|(?<!\w)'([^']+)'(?!\w)|(\{.*\}|\[.*\])/;
const SPEAK = "broadcast|announce|proclaim|shout|publish|spread";
const SEND = "tell|inform|notify|message|warn|alert|remind|send|say|pass on|let|give";
const ASK = "ask|poll|survey|sample|query|question";
const HAND =
  "delegate|assign|hand|give|pass|hand over|outsource|entrust|dispatch|have|get|let|find|make";
const NOTICE =
  "(?: (?:message|announcement|notice|word|news|following|task|job|work|request|command|order))?";
const BEST = new RegExp(
  "^(?:best|fastest|quickest|first|any|whoever|anyone|anybody|someone|somebody|best " +
    "available|most suitable|nearest)(?: (?:available|agent|one|free|is free|is fastest|is " +
    "quickest|is best|can|can do it|who is free|that is free))*$",
);
const EVERYBODY =
  "(?:everyone|everybody|all(?: of)?(?: the| our| my)? agents|every agent|the (?:whole |entire " +
  ")?(?:mesh|fleet))";

/** Reads such a sentence; undefined when it is none, or says more than is understood. */
export function phraseOfMessage(sentence: string): MessagePhrase | undefined {
  const typed = readPhrase(sentence)?.typed;
  // A question, or what shall not be done, is no order to speak.
  if (
    typed === undefined ||
    /^(?:do not|don't|never|should|shall|if|when|why|how|what|was|did)\b/i.test(typed)
  )
    return undefined;
  const said = SAID.exec(typed);
  return said === null ? unquoted(typed) : quoted(typed, said);
}

function quoted(typed: string, said: RegExpExecArray): MessagePhrase | undefined {
  const message = messageOf(said);
  const before = typed.slice(0, said.index);
  const after = typed.slice(said.index + said[0].length);
  const read = readPhrase(`${before} MESSAGE ${after}`);
  if (read === undefined) return undefined;
  const { phrase, options } = trimmed(read);
  const words = phrase.words
    .replace(/\bmessage(?= message\b)/, "")
    .replace(/\s+/g, " ")
    .trim();
  const about = { message, phrase: { ...phrase, words }, options };
  return speak(about) ?? piped(about) ?? handed(about) ?? asked(about);
}

interface About {
  readonly message: unknown;
  readonly phrase: Phrase;
  readonly options: Readonly<Record<string, unknown>>;
}

/** Told to everybody, to a part of the mesh, or to one agent. */
function speak({ message, phrase, options }: About): MessagePhrase | undefined {
  const forms = [
    `^(?:${SPEAK}|send|say)${NOTICE} message(?: (?:to|for|in|across|over|at) (.+))?$`,
    `^(?:${SPEAK})(?: (?:to|for|in|across|over) (.+?))?(?: that| saying)? message$`,
    `^(?:${SEND}) (.+?)${NOTICE}(?: know)?(?: that| saying| to| about)? message$`,
    "^(?:let|have) (.+?) know(?: that)? message$",
  ];
  for (const form of forms) {
    const match = new RegExp(form).exec(phrase.words);
    if (match === null) continue;
    if (match[1] === undefined && /^(?:send|say)/.test(phrase.words)) return undefined;
    const whom = match[1] === undefined ? {} : whomIn(match[1], phrase);
    if (whom === undefined || whom.sample !== undefined) continue;
    if (whom.address !== undefined)
      return { command: "tell", args: { address: whom.address, message, ...options } };
    const select = whom.select ?? whom.capability;
    return {
      command: "broadcast",
      args: { message, ...(select !== undefined && { select }), ...options },
    };
  }
  return undefined;
}

function asked({ message, phrase, options }: About): MessagePhrase | undefined {
  const match = new RegExp(
    `^(?:${ASK})(?: sample of| handful of)? ?(.*?)(?: about| whether)? message$`,
  ).exec(phrase.words);
  const whom = match && (match[1] === "" ? {} : whomIn(match[1], phrase));
  return whom ? askOf(whom, message, options) : undefined;
}

function askOf(
  whom: Whom,
  message: unknown,
  options: Readonly<Record<string, unknown>>,
): MessagePhrase {
  if (whom.address !== undefined)
    return { command: "ask", args: { address: whom.address, message, ...options } };
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
      ...options,
    },
  };
}

function handed({ message, phrase, options }: About): MessagePhrase | undefined {
  const forms = [
    `^(?:${HAND})${NOTICE}(?: of| to)? message(?: done)? (?:to|by|on) (.+)$`,
    `^(?:${HAND})${NOTICE} message$`,
    `^(?:have|get|let|find|make) (.+?)(?: to)?(?: do| run| handle| take)? message$`,
    `^(?:give|hand|assign|pass) (.+?)${NOTICE} message$`,
  ];
  for (const form of forms) {
    const match = new RegExp(form).exec(phrase.words);
    if (match === null) continue;
    if (match[1] === undefined && !/^delegate/.test(phrase.words)) continue;
    const to =
      match[1] === undefined || BEST.test(match[1].replace(/^agent that /, ""))
        ? undefined
        : selected(whomIn(match[1], phrase));
    if (to === undefined && match[1] !== undefined && !BEST.test(match[1])) continue;
    return {
      command: "delegate",
      args: { task: message, ...(to !== undefined && { to }), ...options },
    };
  }
  return undefined;
}

/** `pass "x" through sector-1, the gpus and summarise`. */
function piped({ message, phrase, options }: About): MessagePhrase | undefined {
  const match =
    /^(?:pipe|pass|run|send|push|feed|pipeline)(?: message)? (?:through|via|along|over|into) (.+)$/.exec(
      phrase.words
        .replace(/ message /, " message ")
        .replace(/^(\w+) message (?=through|via|along|over|into)/, "$1 "),
    );
  if (match === null) return undefined;
  const stages = match[1]
    .split(/ (?:and then|and|then) | (?=[TCK]\d+\b)/)
    .map((stage) => stage.replace(/^(?:and|then) /, "").trim())
    .filter((stage) => stage !== "")
    .map(
      (stage) =>
        selected(whomIn(stage, phrase)) ?? (/^[a-z][\w.-]*$/.test(stage) ? stage : undefined),
    );
  if (stages.length === 0 || stages.some((stage) => stage === undefined)) return undefined;
  return { command: "pipeline", args: { stages: stages.join(","), message, ...options } };
}

/** Without quotes the message is the rest of the sentence, so that whom it is for has to come first. */
function unquoted(typed: string): MessagePhrase | undefined {
  const forms: readonly RegExp[] = [
    new RegExp(
      `^(?:broadcast|announce|proclaim)(?: (?:a|the|an) \\w+)?(?: (?:to|for) ${EVERYBODY})?(?: that|:)\\s+(.+)$`,
      "i",
    ),
    new RegExp(`^(?:broadcast|announce|proclaim) (?:to|for) ${EVERYBODY}[:,]?\\s+(.+)$`, "i"),
    new RegExp(
      `^(?:tell|inform|notify|let|message|warn|alert|remind) ${EVERYBODY}(?: know)?${SAYING}`,
      "i",
    ),
    new RegExp(
      `^(?:send|say|shout|pass on)(?: (?:a message|this|word|the message))? to ${EVERYBODY}${SAYING}`,
      "i",
    ),
  ];
  for (const form of forms) {
    const match = form.exec(typed);
    if (match !== null) return { command: "broadcast", args: { message: match[1].trim() } };
  }
  const question = QUESTION.exec(typed);
  if (question !== null) {
    const whom = whomOf(question[1]);
    if (whom !== undefined) return askOf(whom, question[2].trim(), {});
  }
  const delegated = DELEGATED.exec(typed);
  if (delegated === null) {
    const bare =
      /^(?:get|have|find|let) (?:somebody|someone|some agent|an agent|the best agent)(?: to)? (.+)$/i.exec(
        typed,
      );
    return bare === null ? undefined : { command: "delegate", args: { task: bare[1].trim() } };
  }
  const [, task, to] = delegated;
  if (to === undefined) return { command: "delegate", args: { task: task.trim() } };
  const whom = BEST.test(readPhrase(to)?.words ?? "") ? "best" : selected(whomOf(to));
  if (whom === undefined) return undefined;
  return { command: "delegate", args: { task: task.trim(), ...(whom !== "best" && { to: whom }) } };
}

const SAYING = "(?: (?:that|to|about|of|saying))?[:,]?\\s+(.+)$";
const QUESTION = new RegExp(
  "^(?:ask|poll|survey|sample|query)\\s+(.+?)[:,]?\\s+((?:what|who|how|when|where|why|which|whether|if|is|are|" +
    "do|does|can|did|about|for) .+)$",
  "i",
);
const DELEGATED = new RegExp(
  "^(?:delegate|assign|hand over)(?: the| this| a)?(?: task| job| work)?(?: of| to)?[:,]?\\s+(.+?)" +
    "(?:\\s+to\\s+(.+))?$",
  "i",
);

interface Whom {
  readonly address?: string;
  readonly select?: string;
  readonly capability?: string;
  readonly sample?: number;
}

function selected(whom: Whom | undefined): string | undefined {
  return whom?.sample === undefined
    ? (whom?.address ?? whom?.select ?? whom?.capability)
    : undefined;
}

/** Whom a part of a sentence names; undefined when it names nobody, or says more. */
function whomOf(part: string): Whom | undefined {
  const read = readPhrase(part);
  return read && whomIn(read.words, read);
}

const WHOM = new RegExp(
  "^(?:(N\\d+)(?: random)? ?)?(?:random )?(?:agents?|of them)? ?(?:(?:of|in|from|at) )?(?:(T\\d+|" +
    "C\\d+|K\\d+|ALL))?(?: ?(?:agents?))?" +
    "(?: (?:in|of|from|at) (T\\d+|ALL))?$",
);

function whomIn(words: string, read: Phrase): Whom | undefined {
  const form = WHOM.exec(words.trim());
  if (form === null || words.trim() === "") return undefined;
  const value = (mark: string | undefined): string | undefined =>
    mark === undefined || mark === "ALL" ? undefined : String(read.named.get(mark));
  const [, count, first, second] = form;
  const sample = count === undefined ? undefined : Number(read.named.get(count));
  if (first === undefined && second === undefined && sample === undefined) return undefined;
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

function messageOf(said: RegExpExecArray): unknown {
  const [, double, curly, single, json] = said;
  if (json === undefined) return double ?? curly ?? single;
  try {
    return JSON.parse(json);
  } catch {
    return json;
  }
}
