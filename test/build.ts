// Tests that start threads run on the built package, because the test runner does not transform what a
// worker loads. The build is incremental: the compiler decides what is older than its source.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

/** The compiler's exit code for "wrote the files, but found type errors". */
const EMITTED_WITH_ERRORS = 2;

export default function setup(): void {
  const build = spawnSync(process.execPath, ["scripts/build.mjs"], {
    cwd: fileURLToPath(new URL("../", import.meta.url)),
    encoding: "utf8",
  });
  if (build.status === 0) return;
  const report = `${build.error ?? ""}${build.stdout}${build.stderr}`;
  // Type errors are the business of `npm run typecheck`: what was written is as new as its source, so a
  // half-done change in one folder does not stop the tests of another.
  if (build.status === EMITTED_WITH_ERRORS) {
    process.stderr.write(`type errors in the build before the tests:\n${report}\n`);
    return;
  }
  throw new Error(`the build before the tests failed:\n${report}`);
}
