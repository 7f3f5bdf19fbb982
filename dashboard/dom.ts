/** Elements in one call: what is between them, and what they have. Text is always text, never markup. */

/** What stands in an element. */
export type Content = Node | string | undefined;

/** Makes an element with attributes and content; undefined content is left out. */
export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Readonly<Record<string, string>> = {},
  ...content: readonly Content[]
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  for (const part of content) if (part !== undefined) made.append(part);
  return made;
}

/** Makes an element of a drawing. */
export function drawing(
  tag: string,
  attributes: Readonly<Record<string, string | number>>,
  ...content: readonly Content[]
): SVGElement {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  for (const part of content) if (part !== undefined) made.append(part);
  return made;
}

/** The element of this id; the page always has it. */
export function byId<E extends HTMLElement = HTMLElement>(id: string): E {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no element #${id}`);
  return found as E;
}

/** Replaces the content of an element, unless it would look the same: a reader's place is then kept. */
export function fill(target: HTMLElement, ...content: readonly Content[]): void {
  const made = element("div", {}, ...content);
  if (made.innerHTML === target.innerHTML) return;
  target.replaceChildren(...made.childNodes);
}
