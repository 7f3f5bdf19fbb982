// The private state of a thread as numbers, so that an explorer can save it and put it back.
import type { Region } from "./stepper.ts";

/** Entries that a list of numbers, or twice as many as a map, may have. */
const LIST_LENGTH = 24;

/** Saves and loads the numbers that one graph of objects holds. */
export interface PrivateState {
  readonly length: number;
  save(root: object, into: Float64Array, at: number): void;
  load(root: object, from: Float64Array, at: number): void;
}

/**
 * Finds every number, boolean, list of numbers and map of numbers below `root`. Shared memory and functions are
 * left out; graphs that `create` made alike have the same places.
 */
export function privateState(root: object): PrivateState {
  const save: string[] = [];
  const load: string[] = [];
  let length = 0;
  const seen = new Set<object>();
  const slot = (path: string, asBoolean: boolean): void => {
    save.push(`a[p+${length}]=+${path};`);
    load.push(asBoolean ? `${path}=a[p+${length}]!==0;` : `${path}=a[p+${length}];`);
    length++;
  };
  const list = (path: string): void => {
    const at = length;
    save.push(
      `{const l=${path};if(l.length>${LIST_LENGTH})throw new Error("${path}: too long");` +
        `a[p+${at}]=l.length;for(let i=0;i<${LIST_LENGTH};i++)a[p+${at + 1}+i]=i<l.length?+l[i]:0;}`,
    );
    load.push(
      `{const l=${path},n=a[p+${at}];l.length=n;for(let i=0;i<n;i++)l[i]=a[p+${at + 1}+i];}`,
    );
    length += 1 + LIST_LENGTH;
  };
  const map = (path: string): void => {
    const at = length;
    save.push(
      `{let i=0;const m=${path};a[p+${at}]=m.size;a.fill(0,p+${at + 1},p+${at + 1 + LIST_LENGTH});` +
        `for(const [k,v] of m){a[p+${at + 1}+i++]=k;a[p+${at + 1}+i++]=+v;}}`,
    );
    load.push(
      `{const m=${path},n=a[p+${at}];m.clear();` +
        `for(let i=0;i<n;i++)m.set(a[p+${at + 1}+2*i],a[p+${at + 2}+2*i]);}`,
    );
    length += 1 + LIST_LENGTH;
  };
  const visit = (value: unknown, path: string): void => {
    if (typeof value === "number") slot(path, false);
    else if (typeof value === "boolean") slot(path, true);
    if (typeof value !== "object" || value === null || seen.has(value)) return;
    seen.add(value);
    if (ArrayBuffer.isView(value)) {
      if ((value.buffer as { region?: Region }).region !== undefined) return;
      for (let i = 0; i < (value as Int32Array).length; i++) slot(`${path}[${i}]`, false);
    } else if (Array.isArray(value)) {
      if (value.some((item) => typeof item === "object")) {
        for (const [i, item] of value.entries()) visit(item, `${path}[${i}]`);
      } else list(path);
    } else if (value instanceof Map) map(path);
    else if (!(value instanceof ArrayBuffer)) {
      for (const key of Object.keys(value)) visit((value as never)[key], `${path}.${key}`);
    }
  };
  visit(root, "r");
  return {
    length,
    save: new Function("r", "a", "p", save.join("\n")) as PrivateState["save"],
    load: new Function("r", "a", "p", load.join("\n")) as PrivateState["load"],
  };
}
