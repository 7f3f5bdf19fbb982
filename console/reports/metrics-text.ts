/** The text format of Prometheus (0.0.4): families of samples, each with its help and its type. */

/** Labels of a sample. */
export type Labels = Readonly<Record<string, string>>;

/** Writes metrics, family after family. Names and labels are the writer's own; values may be any number. */
export class MetricsText {
  readonly #lines: string[] = [];

  /** A family of gauges or counters; one without samples is left out. */
  family(
    name: string,
    type: "gauge" | "counter",
    help: string,
    samples: Iterable<readonly [labels: Labels, value: number | undefined]>,
  ): void {
    const lines: string[] = [];
    for (const [labels, value] of samples) {
      if (value !== undefined) lines.push(`${name}${labelsText(labels)} ${numberText(value)}`);
    }
    if (lines.length > 0) this.#lines.push(...head(name, type, help), ...lines);
  }

  /** A family of one sample without labels. */
  one(name: string, type: "gauge" | "counter", help: string, value: number | undefined): void {
    this.family(name, type, help, [[{}, value]]);
  }

  /** A histogram: how many values are below each of the rising bounds, how many there are, and their sum. */
  histogram(
    name: string,
    help: string,
    bounds: readonly number[],
    below: readonly number[],
    count: number,
    sum: number,
  ): void {
    this.#lines.push(...head(name, "histogram", help));
    for (const [i, bound] of bounds.entries()) {
      this.#lines.push(`${name}_bucket{le="${numberText(bound)}"} ${numberText(below[i])}`);
    }
    this.#lines.push(
      `${name}_bucket{le="+Inf"} ${numberText(count)}`,
      `${name}_sum ${numberText(sum)}`,
      `${name}_count ${numberText(count)}`,
    );
  }

  /** All of it. */
  toString(): string {
    return `${this.#lines.join("\n")}\n`;
  }
}

function head(name: string, type: string, help: string): string[] {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`];
}

function labelsText(labels: Labels): string {
  const parts = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return parts.length === 0 ? "" : `{${parts.join(",")}}`;
}

function escaped(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}

function numberText(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  return String(value);
}
