// npm runs `prepare` for `npm ci --omit=dev` too, where there is no compiler: that install must not fail.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../", import.meta.url));
const compiler = `${root}node_modules/typescript/bin/tsc`;

// Without the public door there is no package to build yet, only parts of one.
if (existsSync(compiler) && existsSync(`${root}index.ts`)) {
  const build = spawnSync(process.execPath, [`${root}scripts/build.mjs`], {
    stdio: "inherit",
    cwd: root,
  });
  process.exitCode = build.status ?? 1;
}
