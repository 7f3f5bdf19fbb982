/** What sentences are wrapped in and do not say: greetings, requests for a favor, thanks, haste. */

const CONTRACTIONS: readonly (readonly [RegExp, string])[] = [
  [/\b(what|who|how|where|there|that|it|he|she|when|why)'?s\b(?<!hows|its|whens)/g, "$1 is"],
  [/\b(how|when)s\b/g, "$1 is"],
  [/\bain'?t\b/g, "is not"],
  [/\b(do|does|did|is|are|was|were|would|should|could|has|have|had)n'?t\b/g, "$1 not"],
  [/\bcan'?t\b/g, "can not"],
  [/\bcannot\b/g, "can not"],
  [/\bwon'?t\b/g, "will not"],
  [/\b(they|we|you|what|how|who|where|why|which|there)'re\b/g, "$1 are"],
  [/\bi'?m\b/g, "i am"],
  [/\bgimme\b/g, "give me"],
  [/\blemme\b/g, "let me"],
  [/\bwanna\b/g, "want to"],
  [/\bgonna\b/g, "going to"],
  [/\bgotta\b/g, "got to"],
  [/\b(?:u|ya)\b(?!')/g, "you"],
  [/\br\b(?= (?:the|we|you|all|there|any|our|agents|sectors)\b)/g, "are"],
  [/\b(i|we|you|they|who|that|how|when|what)'d\b/g, "$1 would"],
  [/\bid(?= (?:like|love)\b)/g, "i would"],
  [/\b(i|we|you|they|who)'ve\b/g, "$1 have"],
  [/\b(i|we|you|they|it|that|who|what|when)'ll\b/g, "$1 will"],
  [/\blet'?s\b/g, "let us"],
];

const PLEASE = "(?: (?:please|pls|plz|all|maybe|kindly|just|possibly|perhaps|quickly|also|now))*";

/** What a sentence may begin with. */
const OPENINGS = new RegExp(
  "^(?:(?:hey|hi|hello|yo|ok|okay|okey|alright|all right|so|well|now|listen|and|also|then|please|pls|plz|oops|sorry|" +
    "kindly|quick(?:ly)?|just|actually|(?:hey|hi|hello|ok|okay|yo|dear|so),? mesh|mesh(?=[,:!.])|right|" +
    "u[mh]+|h+m+|erm|a+h|oh(?: no| dear)?,?|hey there|hi there|" +
    "good (?:morning|evening|afternoon|day)(?: (?:mesh|all|everyone|team))?|morning(?=[,!.:])|man|dude|guys|" +
    "folks|look here|excuse me|thanks|quick question|" +
    "one question|great|cool|perfect|computer|buddy|friend|btw|by the way|first of all|next|finally|damn|" +
    "argh|ugh|wow|" +
    String.raw`please to|be a dear and|pretty please|my friend|dear|again)[\s,.!:-]+|` +
    `(?:can|could|would|will) (?:you|someone|somebody|anyone|anybody|we please|i please)${PLEASE} (?=[a-z])|` +
    "(?:i|we)(?: really| just| also| would| do)*(?: want| need| like| love| wish| prefer)(?: you)? to (?=[a-z])|" +
    "let us |go ahead (?:and|with) |go and |go on and |try to |" +
    "be so (?:kind|good)(?: as)?(?: to| and)? |do (?:me|us) (?:a|the) favou?r(?:,| and)? |" +
    "(?:it would be|that would be) (?:great|nice|good|lovely|cool|helpful) if you (?:could|can|would) |" +
    "(?:i|we) (?:would|will) (?:appreciate|be glad|be happy|be grateful)(?: it)? if you (?:could|can|would) |" +
    "(?:i|we) (?:was|am|were|are) wondering (?:if|whether) you (?:could|can|would) |any chance you (?:could|can) |" +
    "(?:it is |it's )?time to |" +
    "you (?:can|may)(?: now)? (?=(?:use|stop|thaw|resume|go) )|make sure (?:to|you) |(?:i|we) wonder |" +
    "if you (?:can|could|would|please)(?: please)?,? )+",
);

/** The same at its end. */
const CLOSINGS = new RegExp(
  String.raw`(?:(?<!\b(?:wait(?:ing|s)?|pending|queued|left|is|are|open|new|something|` +
    String.raw`anything))[\s,.!]+(?:for me|for us)|[\s,.!]+(?:please|pls|plz|thanks|thanks a lot|thank you|` +
    "many thanks|thx|ty|tia|cheers|now|right now|" +
    "right away|straight away|at once|immediately|instantly|asap|pronto|will you|would you|won't you|" +
    "can you|could you|if you can|if possible|today|at the moment|currently|as soon as possible|already|then|quickly|" +
    "somehow|this instant|this minute|without delay|for now|for the moment|for the time being|for the time|" +
    "real quick|" +
    "if you (?:do not|don't|dont) mind|if that is ok(?:ay)?|if that's ok(?:ay)?|if you would|if you please|" +
    "(?:when|whenever|if) you (?:have|get|find)(?: a| the)?(?: free)? (?:moment|minute|second|sec|time|chance)|" +
    "for a (?:moment|second|while|bit|sec)|in a hurry|in general|or what|these days|this morning|" +
    "this evening|so far|by the way|btw)|" +
    String.raw`\s*,\s*(?:ok|okay|mesh|folks|mate|man|dude|buddy|guys|team|friend|dear|right|yes|or))$`,
);

/** Whether a sentence asks for something to be done, though it ends in a question mark. */
export function isRequest(sentence: string): boolean {
  return (
    new RegExp(
      String.raw`^(?:\W|\b(?:hey|hi|hello|ok|okay|so|well|please|pls|plz|mesh|and|also|now|then|oops|sorry|` +
        String.raw`good|morning)\b)*(?:(?:can|could|would|will) (?:you|u|ya|someone|somebody)\b|please\b|` +
        String.raw`pls\b|do you mind|any chance you|may i ask you|(?:i|we) (?:was|am|were|are) wondering)`,
      "i",
    ).test(sentence) ||
    /\b(?:please|pls|plz|will you|would you|can you|could you)\W*$/i.test(sentence)
  );
}

/** Short forms written out. */
export function expanded(text: string): string {
  let written = text;
  for (const [pattern, plain] of CONTRACTIONS) written = written.replaceAll(pattern, plain);
  return written;
}

/** Openings and closings off, in the letters in which it was typed. */
export function withoutCourtesies(sentence: string): string {
  let text = sentence.replace(/[\s?!.,;]+$/, "");
  for (let before = ""; before !== text; ) {
    before = text;
    const written = expanded(text.toLowerCase());
    const opening = OPENINGS.exec(written);
    if (opening !== null) {
      // Openings written out may be longer than they were typed: what follows them is not.
      const rest = written.length - opening[0].length;
      text = typedEnd(text, written.slice(-rest), rest);
    }
    const closing = CLOSINGS.exec(text.toLowerCase());
    if (closing !== null) text = text.slice(0, closing.index).replace(/[\s?!.,;]+$/, "");
  }
  return text.trim();
}

/** The end of what was typed that says the same as an end of it written out. */
function typedEnd(text: string, written: string, length: number): string {
  if (length <= 0) return "";
  for (let start = Math.max(0, text.length - length); start < text.length; start++) {
    if (expanded(text.slice(start).toLowerCase()) === written) return text.slice(start);
  }
  return written;
}
