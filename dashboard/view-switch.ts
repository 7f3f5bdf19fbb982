/** The switch of what cells are coloured by, and the legend below. */
import { byId, element, fill } from "./dom.ts";
import { type Palette, VIEWS, type View } from "./palette.ts";

const NAMES: Readonly<Record<View, string>> = {
  impedance: "Impedance",
  state: "State",
  class: "Class",
  breaker: "Breaker",
  operation: "Operation",
};

/** A group of radio buttons, as the keys expect it: one stop of Tab, arrows move. */
export class ViewSwitch {
  readonly #buttons = new Map<View, HTMLButtonElement>();
  readonly #onView: (view: View) => void;

  constructor(onView: (view: View) => void) {
    this.#onView = onView;
    const group = byId("columns");
    for (const view of VIEWS) {
      const button = element("button", { type: "button", role: "radio" }, NAMES[view]);
      button.addEventListener("click", () => onView(view));
      this.#buttons.set(view, button);
      group.append(button);
    }
    group.addEventListener("keydown", (event) => this.#onKey(event));
  }

  /** Marks the view that is shown. */
  mark(view: View): void {
    for (const [name, button] of this.#buttons) {
      button.setAttribute("aria-checked", String(name === view));
      button.tabIndex = name === view ? 0 : -1;
    }
  }

  /** Takes a view out of the switch, or puts it back. */
  offer(view: View, isOffered: boolean): void {
    const button = this.#buttons.get(view);
    if (button !== undefined) button.hidden = !isOffered;
  }

  #onKey(event: KeyboardEvent): void {
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (step === 0) return;
    event.preventDefault();
    const offered = VIEWS.filter((view) => this.#buttons.get(view)?.hidden === false);
    const at = offered.findIndex((view) => this.#buttons.get(view) === document.activeElement);
    const next = offered[(at + step + offered.length) % offered.length];
    this.#buttons.get(next)?.focus();
    this.#onView(next);
  }
}

/** Says what the colours stand for. */
export function showLegend({ ramp, legend }: Palette): void {
  const parts: HTMLElement[] = [];
  if (ramp !== undefined) {
    const scale = element("i", { class: "ramp" });
    scale.style.background = `linear-gradient(90deg, ${ramp.join(", ")})`;
    parts.push(element("span", {}, "0", scale, "800"));
  }
  for (const { word, colour } of legend) {
    const swatch = element("i");
    swatch.style.background = colour;
    parts.push(element("span", {}, swatch, word));
  }
  fill(byId("legend"), ...parts);
}
