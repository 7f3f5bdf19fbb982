// Draws plain charts as SVG, readable on light and on dark paper. Everything is in pixels of the viewBox; colours are
// the classes of STYLE. Numbers are rounded to a tenth, so the same figures make the same file.

const STYLE = `text { font: 13px system-ui, sans-serif; fill: #24292f }
.small { font-size: 11.5px; fill: #57606a }
.axis { stroke: #8c959f; fill: none }
.grid { stroke: #d0d7de; stroke-width: .6 }
.T { stroke: #cf222e; stroke-dasharray: 3 3 }
.a { stroke: #1f6feb; fill: #1f6feb } .b { stroke: #bc4c00; fill: #bc4c00 }
.c { stroke: #1a7f37; fill: #1a7f37 } .d { stroke: #8250df; fill: #8250df } .e { stroke: #57606a; fill: #57606a }
.line { fill: none; stroke-width: 1.6 } .dot { stroke: none } .bar { stroke: none }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .small { fill: #9da7b1 } .grid { stroke: #30363d }
  .a { stroke: #58a6ff; fill: #58a6ff } .b { stroke: #f0883e; fill: #f0883e }
  .c { stroke: #3fb950; fill: #3fb950 } .d { stroke: #bc8cff; fill: #bc8cff } .e { stroke: #9da7b1; fill: #9da7b1 }
  .line { fill: none }
}`;

const rounded = (value) => String(Math.round(value * 10) / 10);
const escaped = (value) => String(value).replaceAll("&", "&amp;").replaceAll("<", "&lt;");

/** A whole file: what `parts` draw on a sheet of that size, with a title for those who do not see it. */
export function sheet({ width, height, title, parts }) {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img">
<title>${escaped(title)}</title>
<style>
${STYLE}
</style>
${parts.flat().join("\n")}
</svg>
`;
}

/** Text at a place; `anchor` is start, middle or end. */
export function text(x, y, words, { anchor = "start", kind = "" } = {}) {
  const name = kind === "" ? "" : ` class="${kind}"`;
  return `<text${name} x="${rounded(x)}" y="${rounded(y)}" text-anchor="${anchor}">${escaped(words)}</text>`;
}

/** A straight line of a class. */
export function rule(x1, y1, x2, y2, kind) {
  const ends = [x1, y1, x2, y2].map(rounded);
  return `<line class="${kind}" x1="${ends[0]}" y1="${ends[1]}" x2="${ends[2]}" y2="${ends[3]}"/>`;
}

/** A panel with its scales: `x` and `y` are [from, to], the place on the sheet is its inner corner and size. */
export class Panel {
  #box;
  #x;
  #y;

  constructor(box, x, y) {
    this.#box = box;
    this.#x = x;
    this.#y = y;
  }

  /** Where a value lies; what is beyond the scale lies at its end. */
  atX(value) {
    const [from, to] = this.#x;
    const share = Math.min(1, Math.max(0, (value - from) / (to - from)));
    return this.#box.left + share * this.#box.width;
  }

  atY(value) {
    const [from, to] = this.#y;
    const share = Math.min(1, Math.max(0, (value - from) / (to - from)));
    return this.#box.top + (1 - share) * this.#box.height;
  }

  /** Title, frame, ticks with their names and grid. */
  frame({ title, xTicks, yTicks, xName = "", yName = "" }) {
    const { left, top, width, height } = this.#box;
    const bottom = top + height;
    return [
      text(left, top - 12, title),
      ...yTicks.flatMap((value) => [
        rule(left, this.atY(value), left + width, this.atY(value), "grid"),
        text(left - 6, this.atY(value) + 4, value, { anchor: "end", kind: "small" }),
      ]),
      ...xTicks.flatMap((value) => [
        rule(this.atX(value), bottom, this.atX(value), bottom + 4, "axis"),
        text(this.atX(value), bottom + 17, value, { anchor: "middle", kind: "small" }),
      ]),
      rule(left, bottom, left + width, bottom, "axis"),
      text(left + width, bottom + 32, xName, { anchor: "end", kind: "small" }),
      text(left + width, top - 12, yName, { anchor: "end", kind: "small" }),
    ];
  }

  /** A line through points [x, y]. */
  line(points, colour) {
    const places = points.map(([x, y]) => `${rounded(this.atX(x))},${rounded(this.atY(y))}`);
    return `<polyline class="line ${colour}" points="${places.join(" ")}"/>`;
  }

  /** Stairs through points: a value holds until the next one. */
  stairs(points, colour) {
    return this.line(
      points.flatMap(([x, y], at) =>
        at === 0
          ? [[x, y]]
          : [
              [x, points[at - 1][1]],
              [x, y],
            ],
      ),
      colour,
    );
  }

  dots(points, colour, radius = 2) {
    return points.map(
      ([x, y]) =>
        `<circle class="dot ${colour}" cx="${rounded(this.atX(x))}" cy="${rounded(this.atY(y))}" r="${radius}"/>`,
    );
  }

  /** Columns from 0; each is [from, to, value]. */
  columns(bins, colour) {
    return bins
      .filter(([, , value]) => value > 0)
      .map(([from, to, value]) => {
        const [x, y] = [this.atX(from), this.atY(value)];
        const width = Math.max(0.5, this.atX(to) - x - 0.5);
        const height = this.#box.top + this.#box.height - y;
        const size = `width="${rounded(width)}" height="${rounded(height)}"`;
        return `<rect class="bar ${colour}" x="${rounded(x)}" y="${rounded(y)}" ${size}/>`;
      });
  }

  /** An upright mark over the whole height. */
  mark(value) {
    const { top, height } = this.#box;
    return rule(this.atX(value), top, this.atX(value), top + height, "T");
  }
}

/** Names of colours in a row. */
export function legend(x, y, names) {
  let left = x;
  return names.flatMap(([colour, words]) => {
    const at = left;
    left += 26 + 6.4 * words.length;
    return [
      `<rect class="bar ${colour}" x="${rounded(at)}" y="${rounded(y - 9)}" width="12" height="10" rx="2"/>`,
      text(at + 17, y, words, { kind: "small" }),
    ];
  });
}
