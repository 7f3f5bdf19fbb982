/** Which part of a picture is seen, and how large: a scale in device pixels a cell, and where its corner lies. */

/** Sizes in device pixels and in cells. */
export interface Extent {
  readonly width: number;
  readonly height: number;
}

/** Largest cells, device pixels. */
const MAX_SCALE = 64;
/** What stays in view of a picture that is dragged aside, device pixels. */
const KEPT = 40;

/** What may be lost of a scale for the sake of cells that are all alike. */
const EVEN_SHARE = 0.85;

/** The scale that is used where there is room for `scale`: of whole pixels unless that loses much. */
export function fittedScale(scale: number): number {
  const even = Math.floor(scale);
  return even >= EVEN_SHARE * scale ? even : scale;
}

/** Maps cells to device pixels and back. */
export class Viewport {
  #stage: Extent = { width: 1, height: 1 };
  #picture: Extent = { width: 1, height: 1 };
  scale = 1;
  x = 0;
  y = 0;
  /** As large as fits, until somebody zooms or drags. */
  isFitted = true;

  /** Takes new sizes; what was fitted stays so. */
  resize(stage: Extent, picture: Extent): void {
    this.#stage = stage;
    this.#picture = picture;
    if (this.isFitted) this.fit();
    else this.#keep();
  }

  /** Shows all. */
  fit(): void {
    const { width, height } = this.#picture;
    const scale = Math.min(this.#stage.width / width, this.#stage.height / height);
    this.scale = fittedScale(scale);
    this.x = Math.round((this.#stage.width - width * this.scale) / 2);
    this.y = Math.round((this.#stage.height - height * this.scale) / 2);
    this.isFitted = true;
  }

  /** Makes cells `factor` times as large; the point at (px, py), device pixels, stays where it is. */
  zoom(factor: number, px: number, py: number): void {
    const least = Math.min(
      1,
      this.#stage.width / this.#picture.width,
      this.#stage.height / this.#picture.height,
    );
    const wanted = Math.min(MAX_SCALE, Math.max(least, this.scale * factor));
    // By whole pixels, and at least by one, or small steps would get nowhere.
    const rounded = factor > 1 ? Math.ceil(wanted) : Math.floor(wanted);
    const scale = rounded >= 1 ? Math.min(MAX_SCALE, rounded) : wanted;
    this.x = Math.round(px - ((px - this.x) / this.scale) * scale);
    this.y = Math.round(py - ((py - this.y) / this.scale) * scale);
    this.scale = scale;
    this.isFitted = false;
    this.#keep();
  }

  pan(dx: number, dy: number): void {
    this.x += dx;
    this.y += dy;
    this.isFitted = false;
    this.#keep();
  }

  /** Pans as little as brings a cell into view. */
  reveal(cellX: number, cellY: number): void {
    const margin = this.scale * 2;
    const left = this.x + cellX * this.scale;
    const top = this.y + cellY * this.scale;
    const dx = within(left, margin, this.#stage.width - margin - this.scale);
    const dy = within(top, margin, this.#stage.height - margin - this.scale);
    if (dx !== 0 || dy !== 0) this.pan(dx, dy);
  }

  /** The cell at a point, device pixels; it need not be in the picture. */
  cellAt(px: number, py: number): { readonly x: number; readonly y: number } {
    return {
      x: Math.floor((px - this.x) / this.scale),
      y: Math.floor((py - this.y) / this.scale),
    };
  }

  #keep(): void {
    const width = this.#picture.width * this.scale;
    const height = this.#picture.height * this.scale;
    this.x = Math.min(this.#stage.width - KEPT, Math.max(KEPT - width, this.x));
    this.y = Math.min(this.#stage.height - KEPT, Math.max(KEPT - height, this.y));
  }
}

/** How far a place has to move to lie from `low` to `high`. */
function within(place: number, low: number, high: number): number {
  if (place < low) return Math.round(low - place);
  return place > high ? Math.round(high - place) : 0;
}
