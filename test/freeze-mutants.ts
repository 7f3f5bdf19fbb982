// Mistakes in standing still that its exploration must find, in the code of the build.
import type { Mutant } from "./stepped-code.ts";

const FILE = "runtime/dispatch/standstill.js";

export const freezeMutants: readonly Mutant[] = [
  {
    name: "goes on giving turns",
    on: 0,
    edits: [
      {
        file: FILE,
        from: "if (this.#number === 0)\n                this.#stop();\n            return true;",
        to: "if (this.#number === 0) this.#stop(); return false;",
      },
    ],
  },
  {
    name: "says that it is quiet without looking at its lanes",
    on: 0,
    edits: [
      { file: FILE, from: "lanes.empty ? this.#number : -this.#number", to: "this.#number" },
      { file: FILE, from: "const taken = dispatcher.drainLanes();", to: "const taken = 0;" },
    ],
  },
  {
    name: "does not hear the thaw while it stands",
    on: 0,
    edits: [
      {
        file: FILE,
        from: "if ((command === Command.FREEZE) !== this.stands)\n            return true;",
        to: "if (command === Command.FREEZE && !this.stands) return true;",
      },
    ],
  },
  {
    name: "does not hear the order when it lies down",
    on: 0,
    edits: [
      {
        file: FILE,
        from: "if ((command === Command.FREEZE) !== this.stands)\n            return true;",
        to: "",
      },
    ],
  },
  {
    name: "forgets to say that it goes",
    on: 0,
    edits: [
      {
        file: FILE,
        from: "Atomics.store(view.control, CONTROL_FROZEN, 0);",
        to: "",
      },
    ],
  },
];
