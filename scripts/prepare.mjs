// npm runs `prepare` for `npm ci --omit=dev` too, where there is no compiler: that install must not fail.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../", import.meta.url));
const compiler = `${root}node_modules/typescript/bin/tsc`;
// The compiler calls a project without any source an error; for an install it is not one.
const hasSource = ["index.ts", "mailbox", "coordination"].some((path) => existsSync(root + path));

if (existsSync(compiler) && hasSource) {
  const build = spawnSync(process.execPath, [compiler, "-p", "tsconfig.build.json"], {
    stdio: "inherit",
    cwd: root,
  });
  process.exitCode = build.status ?? 1;
}
