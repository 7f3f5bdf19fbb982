// Builds dist/: the house by one compiler run, the page by another, for the browser has other globals; what the
// page has beside its code is copied. Both runs are incremental. Exits with the first code that is not 0.
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../", import.meta.url));
const compiler = `${root}node_modules/typescript/bin/tsc`;

for (const project of ["tsconfig.build.json", "dashboard/tsconfig.json"]) {
  const run = spawnSync(process.execPath, [compiler, "-p", project], {
    stdio: "inherit",
    cwd: root,
  });
  if (run.status !== 0) process.exitCode ||= run.status ?? 1;
}
for (const name of existsSync(`${root}dist/dashboard`) ? readdirSync(`${root}dashboard`) : []) {
  if (/\.(html|css|svg)$/.test(name)) {
    copyFileSync(`${root}dashboard/${name}`, `${root}dist/dashboard/${name}`);
  }
}
