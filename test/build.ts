// Tests that start threads run on the built package, because the test runner does not transform what a
// worker loads. The build is incremental: the compiler decides what is older than its source.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

export default function setup(): void {
  const root = fileURLToPath(new URL("../", import.meta.url));
  const build = spawnSync(process.execPath, ["scripts/prepare.mjs"], {
    cwd: root,
    encoding: "utf8",
  });
  // A build with type errors still writes files; testing those would be testing something nobody wrote.
  if (build.status !== 0) {
    throw new Error(`the build before the tests failed:\n${build.stdout}${build.stderr}`);
  }
}
