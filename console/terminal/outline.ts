/** A tree as an outline, drawn as `tree` draws folders. */

/** A line of an outline and what is below it. */
export interface Branch {
  readonly text: string;
  readonly below: readonly Branch[];
}

/** The outline, one branch a line. */
export function outline(root: Branch): string {
  const lines = [root.text];
  draw(root.below, "", lines);
  return lines.join("\n");
}

function draw(branches: readonly Branch[], indent: string, lines: string[]): void {
  branches.forEach((branch, index) => {
    const last = index === branches.length - 1;
    lines.push(`${indent}${last ? "└─ " : "├─ "}${branch.text}`);
    draw(branch.below, `${indent}${last ? "   " : "│  "}`, lines);
  });
}
