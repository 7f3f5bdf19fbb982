/** Mouse, touch and keys on the picture of agents. */
import { byId } from "./dom.ts";
import type { Field } from "./field.ts";
import { addressOfAgent, neighbourOf } from "./layout.ts";

/** What the picture asks of the page. */
export interface FieldActions {
  /** Opens the panel of an agent. */
  open(agent: number): void;
  /** What the byte of a cell means now. */
  nameOf(byte: number): string;
}

const KEY_ZOOM = 1.5;
const WHEEL_ZOOM = 1.2;
const PAN = 40;
/** A finger that moved no further has tapped, CSS pixels. */
const TAP = 6;
const ARROWS: Readonly<Record<string, readonly [dx: number, dy: number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/** Listens on the canvas and the zoom buttons. */
export class FieldInput {
  readonly #canvas = byId<HTMLCanvasElement>("cells");
  readonly #tip = byId("tip");
  readonly #spoken = byId("spoken");
  readonly #field: Field;
  readonly #actions: FieldActions;
  readonly #pointers = new Map<number, { x: number; y: number }>();
  #moved = 0;
  /** The agent under the cursor was named before the first picture said how it is. */
  #isUnsaid = false;

  constructor(field: Field, actions: FieldActions) {
    this.#field = field;
    this.#actions = actions;
    const canvas = this.#canvas;
    // All keys on it are its own: arrows go from agent to agent.
    canvas.setAttribute("role", "application");
    canvas.addEventListener("pointerdown", (event) => this.#onDown(event));
    canvas.addEventListener("pointermove", (event) => this.#onMove(event));
    canvas.addEventListener("pointerup", (event) => this.#onUp(event));
    canvas.addEventListener("pointercancel", (event) => this.#pointers.delete(event.pointerId));
    canvas.addEventListener("pointerleave", () => this.#hideTip());
    canvas.addEventListener("dblclick", (event) => this.#zoomAt(2 * KEY_ZOOM, event));
    canvas.addEventListener("keydown", (event) => this.#onKey(event));
    canvas.addEventListener("focus", () => field.ask());
    canvas.addEventListener("blur", () => field.ask());
    canvas.addEventListener(
      "wheel",
      (event) => {
        event.preventDefault();
        this.#zoomAt(event.deltaY < 0 ? WHEEL_ZOOM : 1 / WHEEL_ZOOM, event);
      },
      { passive: false },
    );
    byId("zoom-in").addEventListener("click", () => this.#zoomMiddle(KEY_ZOOM));
    byId("zoom-out").addEventListener("click", () => this.#zoomMiddle(1 / KEY_ZOOM));
    byId("zoom-fit").addEventListener("click", () => this.#fit());
  }

  #onDown(event: PointerEvent): void {
    this.#canvas.setPointerCapture(event.pointerId);
    this.#pointers.set(event.pointerId, { x: event.offsetX, y: event.offsetY });
    if (this.#pointers.size === 1) this.#moved = 0;
  }

  #onMove(event: PointerEvent): void {
    const before = this.#pointers.get(event.pointerId);
    if (before === undefined) {
      this.#showTip(event);
      return;
    }
    const { viewport, ratio } = this.#field;
    const [other] = [...this.#pointers].filter(([id]) => id !== event.pointerId);
    const dx = event.offsetX - before.x;
    const dy = event.offsetY - before.y;
    this.#moved += Math.hypot(dx, dy);
    if (other === undefined) {
      if (this.#moved > TAP) viewport.pan(Math.round(dx * ratio), Math.round(dy * ratio));
    } else this.#pinch(other[1], before, event);
    before.x = event.offsetX;
    before.y = event.offsetY;
    this.#hideTip();
    this.#field.ask();
  }

  #pinch(
    still: { x: number; y: number },
    before: { x: number; y: number },
    event: PointerEvent,
  ): void {
    const { viewport, ratio } = this.#field;
    const was = Math.hypot(before.x - still.x, before.y - still.y);
    const is = Math.hypot(event.offsetX - still.x, event.offsetY - still.y);
    const middleX = ((event.offsetX + still.x) / 2) * ratio;
    const middleY = ((event.offsetY + still.y) / 2) * ratio;
    if (was > 0 && Math.abs(is - was) > 1) viewport.zoom(is / was, middleX, middleY);
  }

  #onUp(event: PointerEvent): void {
    this.#pointers.delete(event.pointerId);
    if (this.#moved > TAP || this.#pointers.size > 0) return;
    const agent = this.#field.agentAt(event.offsetX, event.offsetY);
    if (agent >= 0) this.#open(agent);
  }

  #onKey(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const arrow = ARROWS[event.key];
    if (arrow !== undefined) this.#step(arrow[0], arrow[1], event.shiftKey);
    else if (event.key === "Enter" || event.key === " ") this.#open(this.#field.cursor);
    else if (event.key === "+" || event.key === "=") this.#zoomCursor(KEY_ZOOM);
    else if (event.key === "-") this.#zoomCursor(1 / KEY_ZOOM);
    else if (event.key === "0") this.#fit();
    else return;
    event.preventDefault();
  }

  /** Moves the cursor by an agent, or with Shift the picture. */
  #step(dx: number, dy: number, pans: boolean): void {
    const field = this.#field;
    if (pans) {
      field.viewport.pan(-dx * PAN * field.ratio, -dy * PAN * field.ratio);
      field.ask();
      return;
    }
    field.cursor = field.cursor < 0 ? 0 : neighbourOf(field.layout, field.cursor, dx, dy);
    field.reveal(field.cursor);
    this.#speak();
  }

  #speak(): void {
    this.#spoken.textContent = this.#sentence(this.#field.cursor);
    this.#tipAtCursor();
    this.#isUnsaid = this.#field.byteOf(this.#field.cursor) === undefined;
  }

  /** The agents have been shown: says how the one under the cursor is, if that was not known when it was named. */
  shown(): void {
    if (this.#isUnsaid) this.#speak();
  }

  #open(agent: number): void {
    if (agent < 0) return;
    this.#field.cursor = agent;
    this.#field.ask();
    this.#actions.open(agent);
  }

  #zoomAt(factor: number, event: MouseEvent): void {
    const { viewport, ratio } = this.#field;
    viewport.zoom(factor, event.offsetX * ratio, event.offsetY * ratio);
    this.#field.ask();
  }

  #zoomMiddle(factor: number): void {
    this.#field.viewport.zoom(factor, this.#canvas.width / 2, this.#canvas.height / 2);
    this.#field.ask();
  }

  /** Zooms in on where the cursor is. */
  #zoomCursor(factor: number): void {
    const { cursor, layout, viewport } = this.#field;
    if (cursor < 0) {
      this.#zoomMiddle(factor);
      return;
    }
    const place = layout.places[cursor];
    const px = viewport.x + ((place % layout.width) + 0.5) * viewport.scale;
    const py = viewport.y + (Math.floor(place / layout.width) + 0.5) * viewport.scale;
    viewport.zoom(factor, px, py);
    this.#field.reveal(cursor);
    this.#hideTip();
  }

  #fit(): void {
    this.#field.viewport.fit();
    this.#field.ask();
    this.#hideTip();
  }

  #sentence(agent: number): string {
    const byte = this.#field.byteOf(agent);
    const value = byte === undefined ? "" : ` · ${this.#actions.nameOf(byte)}`;
    return addressOfAgent(this.#field.layout, agent) + value;
  }

  #showTip(event: PointerEvent): void {
    const agent = this.#field.agentAt(event.offsetX, event.offsetY);
    if (agent < 0) this.#hideTip();
    else this.#placeTip(agent, event.offsetX, event.offsetY);
  }

  #tipAtCursor(): void {
    const { cursor, layout, viewport, ratio } = this.#field;
    const place = layout.places[cursor];
    const x = (viewport.x + ((place % layout.width) + 1) * viewport.scale) / ratio;
    const y = (viewport.y + (Math.floor(place / layout.width) + 1) * viewport.scale) / ratio;
    this.#placeTip(cursor, x, y);
  }

  #placeTip(agent: number, x: number, y: number): void {
    const tip = this.#tip;
    tip.textContent = this.#sentence(agent);
    tip.hidden = false;
    const { clientWidth, clientHeight } = this.#canvas;
    const left = Math.min(x + 14, clientWidth - tip.offsetWidth - 4);
    const top = y + 18 + tip.offsetHeight > clientHeight ? y - tip.offsetHeight - 8 : y + 18;
    tip.style.left = `${Math.max(0, left)}px`;
    tip.style.top = `${Math.max(0, top)}px`;
  }

  #hideTip(): void {
    this.#tip.hidden = true;
  }
}
