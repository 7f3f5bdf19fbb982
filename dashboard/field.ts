/** The picture of all agents: a pixel each, drawn large; names and outlines on top where there is room. */
import { type CellLayout, layOut, type MeshSize } from "./layout.ts";
import type { Palette } from "./palette.ts";
import type { Theme } from "./theme.ts";
import { Viewport } from "./viewport.ts";

/** From this size of a cell, device pixels by CSS pixel, cells are parted by lines. */
const LINES_FROM = 7;
const AGENT_NAMES_FROM = 26;
const CLUSTER_NAMES_FROM = 15;
const SECTOR_GAP = 3;

const INK: Readonly<Record<Theme, string>> = { light: "#56626a", dark: "#9aa7ae" };
const STRONG: Readonly<Record<Theme, string>> = { light: "#14191c", dark: "#ffffff" };
const GROUND: Readonly<Record<Theme, string>> = { light: "#f6f7f7", dark: "#0b0e11" };

/** Draws cells. */
export class Field {
  readonly viewport: Viewport = new Viewport();
  readonly #canvas: HTMLCanvasElement;
  readonly #context: CanvasRenderingContext2D;
  readonly #bitmap: HTMLCanvasElement = document.createElement("canvas");
  readonly #size: MeshSize;
  layout: CellLayout;
  #image: ImageData;
  #pixels: Uint32Array;
  #palette: Palette;
  #theme: Theme;
  #cells: Uint8Array | undefined;
  #asked = false;
  #dirty = true;
  /** Agent under the keys' cursor, and the one whose panel is open; −1 for none. */
  cursor = -1;
  opened = -1;

  constructor(canvas: HTMLCanvasElement, size: MeshSize, palette: Palette, theme: Theme) {
    this.#canvas = canvas;
    this.#context = canvas.getContext("2d", { alpha: false }) as CanvasRenderingContext2D;
    this.#size = size;
    this.#palette = palette;
    this.#theme = theme;
    this.layout = layOut(size, { width: 2, height: 1 });
    this.#image = this.#makeImage();
    this.#pixels = new Uint32Array(this.#image.data.buffer);
    new ResizeObserver(() => this.#resize()).observe(canvas);
    this.#resize();
  }

  /** Device pixels to a CSS pixel. */
  get ratio(): number {
    return devicePixelRatio || 1;
  }

  /** Shows these bytes from now on; they are read when the next picture is drawn. */
  show(cells: Uint8Array): void {
    this.#cells = cells;
    this.#dirty = true;
    this.ask();
  }

  /** Draws in other colours. */
  paint(palette: Palette, theme: Theme): void {
    this.#palette = palette;
    this.#theme = theme;
    this.#dirty = true;
    this.ask();
  }

  /** The byte of an agent, if there is one. */
  byteOf(agent: number): number | undefined {
    return this.#cells?.[agent];
  }

  /** The agent at a point of the canvas, CSS pixels; −1 in a gap. */
  agentAt(x: number, y: number): number {
    const cell = this.viewport.cellAt(x * this.ratio, y * this.ratio);
    const { width, height, agents } = this.layout;
    if (cell.x < 0 || cell.y < 0 || cell.x >= width || cell.y >= height) return -1;
    return agents[cell.y * width + cell.x];
  }

  /** Brings an agent into view. */
  reveal(agent: number): void {
    const { width, places } = this.layout;
    this.viewport.reveal(places[agent] % width, Math.floor(places[agent] / width));
    this.ask();
  }

  /** Draws with the browser's next picture; as often as it is asked before that, once. */
  ask(): void {
    if (this.#asked) return;
    this.#asked = true;
    requestAnimationFrame(() => {
      this.#asked = false;
      this.#draw();
    });
  }

  #resize(): void {
    const { clientWidth, clientHeight } = this.#canvas;
    if (clientWidth === 0 || clientHeight === 0) return;
    this.#canvas.width = Math.round(clientWidth * this.ratio);
    this.#canvas.height = Math.round(clientHeight * this.ratio);
    const layout = layOut(this.#size, this.#canvas);
    if (layout.width !== this.layout.width || layout.height !== this.layout.height) {
      this.layout = layout;
      this.#image = this.#makeImage();
      this.#pixels = new Uint32Array(this.#image.data.buffer);
      this.viewport.isFitted = true;
      this.#dirty = true;
    }
    this.viewport.resize(this.#canvas, this.layout);
    this.ask();
  }

  #makeImage(): ImageData {
    const { width, height } = this.layout;
    this.#bitmap.width = width;
    this.#bitmap.height = height;
    return new ImageData(width, height);
  }

  #draw(): void {
    const context = this.#context;
    const { width, height } = this.layout;
    const { x, y, scale } = this.viewport;
    if (this.#dirty && this.#cells !== undefined) this.#fillImage(this.#cells);
    context.imageSmoothingEnabled = scale < 1;
    context.fillStyle = GROUND[this.#theme];
    context.fillRect(0, 0, this.#canvas.width, this.#canvas.height);
    context.drawImage(this.#bitmap, x, y, width * scale, height * scale);
    if (scale >= LINES_FROM) this.#drawLines();
    this.#drawNames();
    if (this.opened >= 0) this.#outline(this.opened, 3);
    if (this.cursor >= 0 && document.activeElement === this.#canvas) this.#outline(this.cursor, 2);
  }

  #fillImage(cells: Uint8Array): void {
    const { places } = this.layout;
    const { table } = this.#palette;
    for (let agent = 0; agent < places.length; agent++) {
      this.#pixels[places[agent]] = table[cells[agent]];
    }
    this.#bitmap.getContext("2d")?.putImageData(this.#image, 0, 0);
    this.#dirty = false;
  }

  /** Lines of the ground's colour between cells, over the part that is seen. */
  #drawLines(): void {
    const context = this.#context;
    const { x, y, scale } = this.viewport;
    const { width, height } = this.#canvas;
    const thick = scale >= 16 ? 2 : 1;
    context.fillStyle = GROUND[this.#theme];
    for (let px = x - Math.floor(x / scale) * scale; px <= width; px += scale)
      context.fillRect(px - thick, 0, thick, height);
    for (let py = y - Math.floor(y / scale) * scale; py <= height; py += scale)
      context.fillRect(0, py - thick, width, thick);
  }

  #drawNames(): void {
    const { ratio, layout } = this;
    const { x, y, scale } = this.viewport;
    const room = (SECTOR_GAP * scale) / ratio;
    if (room < 8) return;
    const context = this.#context;
    const size = Math.min(13, Math.max(8, room - 2));
    context.font = `${size * ratio}px ui-monospace, "DejaVu Sans Mono", monospace`;
    context.textBaseline = "alphabetic";
    context.fillStyle = INK[this.#theme];
    const wide = (layout.sectorWidth * scale) / ratio > 90;
    for (let sector = 0; sector < layout.sectors; sector++) {
      const corner = layout.cornerOf(sector);
      const px = x + corner.x * scale;
      const py = y + corner.y * scale;
      if (px > this.#canvas.width || py > this.#canvas.height || py < 0) continue;
      if (px + layout.sectorWidth * scale < 0) continue;
      const name = wide ? `sector-${sector + 1}` : String(sector + 1);
      // Closest to its agents, so that a name is not taken for that of the row above.
      const lift = scale / ratio >= CLUSTER_NAMES_FROM ? 1.1 : 0.4;
      context.fillText(name, px, py - Math.max(1, lift * scale));
    }
    if (scale / ratio >= CLUSTER_NAMES_FROM) this.#nameClusters();
    if (scale / ratio >= AGENT_NAMES_FROM) this.#number();
  }

  /** Names in the gaps above clusters. */
  #nameClusters(): void {
    const { width, places, agentsPerCluster, clustersPerSector } = this.layout;
    const { x, y, scale } = this.viewport;
    const context = this.#context;
    context.font = `${Math.min(11 * this.ratio, scale * 0.7)}px ui-monospace, monospace`;
    for (let agent = 0; agent < places.length; agent += agentsPerCluster) {
      const px = x + (places[agent] % width) * scale;
      const py = y + Math.floor(places[agent] / width) * scale;
      if (px < -scale * agentsPerCluster || px > this.#canvas.width) continue;
      if (py < 0 || py > this.#canvas.height) continue;
      const cluster = (agent / agentsPerCluster) % clustersPerSector;
      context.fillText(`cluster-${cluster + 1}`, px, py - 0.25 * scale);
    }
  }

  /** Numbers in the cells that are seen. */
  #number(): void {
    const { width, height, agents, agentsPerCluster } = this.layout;
    const { x, y, scale } = this.viewport;
    const context = this.#context;
    const from = this.viewport.cellAt(0, 0);
    const to = this.viewport.cellAt(this.#canvas.width, this.#canvas.height);
    context.font = `${Math.min(12 * this.ratio, scale * 0.36)}px ui-monospace, monospace`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    for (let row = Math.max(0, from.y); row <= Math.min(height - 1, to.y); row++) {
      for (let column = Math.max(0, from.x); column <= Math.min(width - 1, to.x); column++) {
        const agent = agents[row * width + column];
        if (agent < 0) continue;
        const byte = this.#cells?.[agent] ?? 0;
        context.fillStyle = isBright(this.#palette.table[byte]) ? "#14191c" : "#f2f5f6";
        const name = String((agent % agentsPerCluster) + 1);
        context.fillText(name, x + (column + 0.5) * scale, y + (row + 0.5) * scale);
      }
    }
    context.textAlign = "start";
  }

  #outline(agent: number, thick: number): void {
    const { width, places } = this.layout;
    const { x, y, scale } = this.viewport;
    const context = this.#context;
    const px = x + (places[agent] % width) * scale;
    const py = y + Math.floor(places[agent] / width) * scale;
    const line = thick * this.ratio;
    // Around the cell, for a small one is all covered by a line inside.
    const around = line + 2 * this.ratio;
    context.lineWidth = line + 2 * this.ratio;
    context.strokeStyle = GROUND[this.#theme];
    context.strokeRect(px - around, py - around, scale + 2 * around, scale + 2 * around);
    context.lineWidth = line;
    context.strokeStyle = STRONG[this.#theme];
    context.strokeRect(px - around, py - around, scale + 2 * around, scale + 2 * around);
  }
}

function isBright(packed: number): boolean {
  const red = packed & 255;
  const green = (packed >>> 8) & 255;
  const blue = (packed >>> 16) & 255;
  return 0.299 * red + 0.587 * green + 0.114 * blue > 130;
}
