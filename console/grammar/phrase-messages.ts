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
const EVERYBODY =
  "(?:everyone|everybody|all(?: of)?(?: the| our| my)? (?:agents|nodes)|every agent|the (?:whole |entire " +
  ")?(?:mesh|fleet))";

/** What is done with a message, by the verb that a sentence begins with; the first that fits. */
const VERBS: readonly (readonly [kind: "speak" | "tell" | "ask" | "hand", verb: RegExp])[] = [
  [
    "speak",
    /^(?:broadcast|announce|proclaim|shout|publish|spread|circulate|put out|send out|call out|yell|cry out)\b/,
  ],
  ["speak", /^(?:make|give|issue|put out|do) (?:announcement|broadcast|public announcement)\b/],
  ["tell", /^(?:let|make sure|have) (?=.*\bknows?\b)/],
  [
    "hand",
    /^(?:delegate|assign|outsource|entrust|dispatch|hand over|hand off|hand out|hand|farm out|pass on)\b/,
  ],
  ["hand", /^(?:give|pass|send|submit|offer) (?=.*\b(?:tasks?|jobs?|assignment|work)\b)/],
  [
    "hand",
    new RegExp(
      "^(?:have|get|let|find|make|need|want|use|give|submit|ask(?= (?:someone|somebody|anyone|" +
        String.raw`whoever|best|fastest|any agent|agent to)\b.* (?:do|run|handle|process))) (?=.*\b(?:do|` +
        "does|done|run|handle|handles|take|takes|process|perform|complete|solve|execute|work on|" +
        String.raw`take care|to|for|whoever|best|fastest)\b)`,
    ),
  ],
  [
    "hand",
    /^(?=(?:someone|somebody|anyone|anybody|whoever)\b.*\b(?:do|run|handle|take|process|perform|complete|execute)\b)/,
  ],
  [
    "ask",
    new RegExp(
      "^(?:ask|poll|survey|sample|query|question|quiz|interview|inquire|enquire|check with|" +
        String.raw`find out from|put question|pose)\b`,
    ),
  ],
  [
    "tell",
    new RegExp(
      "^(?:tell|inform|notify|message|warn|alert|remind|send|say|pass on|pass along|give|drop|" +
        String.raw`write|text|ping|deliver|whisper|pass|forward|transmit|relay)\b`,
    ),
  ],
];
/** Words between the verb, whom it is for, and the message. */
const BETWEEN = new RegExp(
  "\\b(?:to|that|saying|says|say|about|of|with|as|a|an|it|as follows|message|messages|announcement|notice|" +
    "word|news|following|" +
    "question|questions|text|note|line|out|over|on|from|by|for|at|in|among|across|inside|within|know|knows|" +
    "know that|content|payload|" +
    "this|out loud|loud|and|them|reads?|reading|around|throughout|through|via|each|every one|one of|of them|" +
    "is|are|who|which|members|only|just|us|me)\\b",
  "g",
);
const ABOUT_A_TASK = new RegExp(
  String.raw`\b(?:do|does|done|run|handle|handles|take care of|take|takes|process|perform|complete|solve|` +
    String.raw`execute|work on|tasks?|jobs?|assignment|work|request|command|order|us|me)\b`,
  "g",
);
const ABOUT_A_QUESTION =
  /\b(?:whether|if|random|randomly|sample|handful|some|any|opinion|answer|about|what|they|think)\b/g;
const SOMEBODY = new RegExp(
  String.raw`\b(?:best|fastest|quickest|first|any|whoever|anyone|anybody|someone|somebody|available|` +
    "suitable|most|nearest|one|free|can|could|will|idle|able|who|is|soonest|quick|fast|good|" +
    String.raw`better|that|which|has|time|do)\b`,
  "g",
);
const NOUNS =
  /\b(?:agents?|nodes?|sectors?|clusters?|ones?|workers?|members?|devices?|machines?|boxes|guys)\b/g;

/** Reads such a sentence; undefined when it is none, or says more than is understood. */
export function phraseOfMessage(sentence: string): MessagePhrase | undefined {
  const typed = readPhrase(sentence)?.typed;
  // A question, or what shall not be done, is no order to speak.
  if (
    typed === undefined ||
    /^(?:do not|don't|dont|never|should|shall|if|when|why|how|what|was|did|is|are|who|where)\b/i.test(
      typed,
    )
  )
    return undefined;
  const said = SAID.exec(typed);
  return said === null ? unquoted(typed) : quoted(typed, said);
}

function quoted(typed: string, said: RegExpExecArray): MessagePhrase | undefined {
  const message = messageOf(said);
  const before = typed.slice(0, said.index);
  const after = typed.slice(said.index + said[0].length);
  const read = readPhrase(`${before} MESSAGE ${after}`.replaceAll(/[:,]/g, " "));
  if (read === undefined) return undefined;
  const { phrase: whole, options: stated } = trimmed(read);
  const { phrase, options } = inTime(whole, stated);
  return piped(before, after, message, options) ?? given(phrase, message, options);
}

/** `within two minutes`, of what is waited for. */
function inTime(phrase: Phrase, options: Values): { phrase: Phrase; options: Values } {
  const match = / (?:within|in (?:under|less than|at most)|in|inside) (D\d+)(?= |$)/.exec(
    phrase.words,
  );
  if (match === null || "timeout" in options) return { phrase, options };
  const words = phrase.words.replace(match[0], "");
  return {
    phrase: { ...phrase, words },
    options: { ...options, timeout: phrase.named.get(match[1]) },
  };
}

type Values = Readonly<Record<string, unknown>>;

/**
 * A message with whom it is for. Every word has to be accounted for: the verb, whom, and little words. One that is not
 * may be a condition, or a person who is no agent.
 */
function given(phrase: Phrase, message: unknown, options: Values): MessagePhrase | undefined {
  const [kind, verb] = VERBS.find(([, pattern]) => pattern.test(phrase.words)) ?? [];
  if (kind === undefined || verb === undefined) return undefined;
  let rest = phrase.words.replace(verb, " ");
  const isHand = kind === "hand";
  if (isHand) rest = rest.replaceAll(ABOUT_A_TASK, " ");
  if (kind === "ask") rest = rest.replaceAll(ABOUT_A_QUESTION, " ");
  const others = rest.replaceAll(BETWEEN, " ").replaceAll(/\s+/g, " ").trim();
  const somebody = isHand ? others.replaceAll(SOMEBODY, " ") : others;
  const whom = whomIn(somebody.replaceAll(NOUNS, " "), phrase);
  if (whom === undefined) return undefined;
  const isNobody = Object.keys(whom).length === 0 && !/\bALL\b/.test(phrase.words);
  if (isHand) return handed(whom, message, options);
  if (kind === "ask") return isNobody && others !== "" ? undefined : askOf(whom, message, options);
  if (kind === "tell" && isNobody) return undefined;
  return told(whom, message, options);
}

function told(whom: Whom, message: unknown, options: Values): MessagePhrase | undefined {
  if (whom.sample !== undefined) return undefined;
  if (whom.address !== undefined)
    return { command: "tell", args: { address: whom.address, message, ...options } };
  const select = whom.select ?? whom.capability;
  // Only one of two can be selected by.
  if (whom.select !== undefined && whom.capability !== undefined) return undefined;
  return { command: "broadcast", args: { message, ...(select && { select }), ...options } };
}

function askOf(whom: Whom, message: unknown, options: Values): MessagePhrase {
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

function handed(whom: Whom, task: unknown, options: Values): MessagePhrase | undefined {
  if (whom.sample !== undefined && whom.sample !== 1) return undefined;
  if (whom.select !== undefined && whom.capability !== undefined) return undefined;
  const to = whom.address ?? whom.select ?? whom.capability;
  return { command: "delegate", args: { task, ...(to && { to }), ...options } };
}

/** `pass "x" through sector-1, the gpus and summarise`. */
function piped(
  before: string,
  after: string,
  message: unknown,
  options: Values,
): MessagePhrase | undefined {
  const lead = new RegExp(
    "^(?:pipe|pass|run|send|push|feed|pipeline|put|process|take|chain)(?: the)?(?: message|" +
      " text| input)?(?: (?:through|via|along|over|" +
      String.raw`into)(?: the)?(?: stages?)? (.+?))?[\s:,]*(?:with|on|for)?[\s:,]*$`,
    "i",
  ).exec(before.trim());
  const follow =
    /^[\s,:]*(?:first )?(?:through|via|along|over|into|down|by|using)(?: the)?(?: stages?| pipeline)?[\s:]+(.+)$/i.exec(
      after,
    );
  const said =
    follow?.[1] ?? (after.trim() === "" || lead?.[1] !== undefined ? lead?.[1] : undefined);
  if (lead === null || said === undefined) return undefined;
  const stages = said
    .replace(
      /[\s,]+(?:(?:and |with )*(?:a )?(?:timeout|time limit|time out)\b|(?:and )?wait\b|within \d|with \d).*$/i,
      "",
    )
    .split(
      /\s*(?:,|;|->|→|=>|>|\bfollowed by\b|\bfinally\b|\bafter that\b|\band\b|\bthen\b|\bto\b|\bfirst\b)\s*/i,
    )
    .map((stage) => stage.trim())
    .filter((stage) => stage !== "");
  const whom = stages.map((stage) => {
    const read = readPhrase(stage);
    const part = read && whomIn(read.words.replaceAll(/\b(?:agents?|stage|step)\b/g, " "), read);
    return part && Object.keys(part).length > 0
      ? selected(part)
      : /^(?:the )?([A-Za-z][\w.-]*)(?: (?:stage|step|agents?))?$/.exec(stage)?.[1];
  });
  if (whom.length === 0 || whom.some((stage) => stage === undefined)) return undefined;
  return { command: "pipeline", args: { stages: whom.join(","), message, ...options } };
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
      `^(?:(?:tell|inform|notify|message|warn|alert|remind) ${EVERYBODY}|let ${EVERYBODY} know)${SAYING}`,
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
  const addressed = leading(typed);
  if (addressed !== undefined) return told(addressed.whom, addressed.message, {});
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
  if (/^(?:nothing|something|anything|everything|it|this|that|them|all)$/i.test(task))
    return undefined;
  if (to === undefined) return { command: "delegate", args: { task: task.trim() } };
  const whom = whomOf(to, SOMEBODY);
  return whom && handed(whom, task.trim(), {});
}

/** `tell agent 3 in cluster 7-4 to cool down`: a place that the sentence goes on after. */
function leading(typed: string): { whom: Whom; message: string } | undefined {
  const [verb = "", ...words] = typed.split(" ");
  if (!/^(?:tell|inform|notify|message|warn|alert|remind)$/i.test(verb)) return undefined;
  // The longest place: "agent 3 in cluster 4 of sector 7", not "sector 7".
  for (let length = Math.min(LONGEST_PLACE, words.length - 1); length > 0; length--) {
    const whom = whomOf(words.slice(0, length).join(" ").replace(/[:,]$/, ""));
    if (whom === undefined || whom.sample !== undefined) continue;
    const rest = words.slice(length).join(" ");
    const message = rest.replace(/^(?:that|to|about|saying)\b[:,]?\s*|^[:,]\s*/i, "").trim();
    return message === "" ? undefined : { whom, message };
  }
  return undefined;
}

/** In words: "the agent number 3 in the cluster 4 of the sector 7". */
const LONGEST_PLACE = 14;
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
function whomOf(part: string, besides?: RegExp): Whom | undefined {
  const read = readPhrase(part);
  if (read === undefined) return undefined;
  const plain = besides === undefined ? read.words : read.words.replaceAll(besides, " ");
  const whom = whomIn(
    plain.replaceAll(NOUNS, " ").replaceAll(/\b(?:of|in|from|at|a|random|sample|to)\b/g, " "),
    read,
  );
  const isNobody = whom !== undefined && Object.keys(whom).length === 0;
  return isNobody && besides === undefined && !/\bALL\b/.test(read.words) ? undefined : whom;
}

/** Whom marks name that stand alone; undefined when anything else is said, or two of a kind. */
function whomIn(words: string, read: Phrase): Whom | undefined {
  const marks = words.split(" ").filter((word) => word !== "" && word !== "message");
  if (!marks.every((word) => /^(?:[NTCK]\d+|ALL)$/.test(word))) return undefined;
  const of = (letter: string): readonly (string | number | undefined)[] =>
    marks
      .filter((word) => word.startsWith(letter) && word !== "ALL")
      .map((word) => read.named.get(word));
  const [places, classes, capabilities, counts] = ["T", "C", "K", "N"].map(of);
  if ([places, classes, capabilities, counts].some(({ length }) => length > 1)) return undefined;
  if (places.length + classes.length > 1) return undefined;
  const select = (places[0] ?? classes[0])?.toString();
  const capability = capabilities[0]?.toString();
  const sample = counts[0] as number | undefined;
  if (sample === undefined && capability === undefined && select?.includes("/agent-"))
    return { address: select };
  return {
    ...(select !== undefined && { select }),
    ...(capability !== undefined && { capability }),
    ...(sample !== undefined && { sample }),
  };
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
