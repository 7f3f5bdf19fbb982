/**
 * Who was spawned by whom: the children of each parent as a list through two columns, 8 bytes a place of
 * the thread's spawn range. A parent may have a million children and each may leave at any time.
 */
export class Siblings {
  readonly #from: number;
  /** By place: the child spawned before and after it by the same parent, as place + 1; 0 for none. */
  readonly #older: Int32Array;
  readonly #younger: Int32Array;
  /** By parent: its youngest child, as place + 1. */
  readonly #youngest = new Map<number, number>();

  /** For the spawned indices [from, to). */
  constructor(from: number, to: number) {
    this.#from = from;
    this.#older = new Int32Array(to - from);
    this.#younger = new Int32Array(to - from);
  }

  add(parent: number, child: number): void {
    const place = child - this.#from;
    const older = this.#youngest.get(parent) ?? 0;
    this.#older[place] = older;
    this.#younger[place] = 0;
    if (older !== 0) this.#younger[older - 1] = place + 1;
    this.#youngest.set(parent, place + 1);
  }

  /** The child must be one of the parent's. */
  remove(parent: number, child: number): void {
    const place = child - this.#from;
    const older = this.#older[place];
    const younger = this.#younger[place];
    if (older !== 0) this.#younger[older - 1] = younger;
    if (younger !== 0) this.#older[younger - 1] = older;
    else if (older !== 0) this.#youngest.set(parent, older);
    else this.#youngest.delete(parent);
  }

  /** The children of a parent, the youngest first: the order in which they are stopped. */
  youngestFirst(parent: number): number[] {
    const children: number[] = [];
    for (let at = this.#youngest.get(parent) ?? 0; at !== 0; at = this.#older[at - 1]) {
      children.push(at - 1 + this.#from);
    }
    return children;
  }
}
