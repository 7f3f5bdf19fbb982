// A small log of numbers, the yardstick of the power cuts: `safe` syncs before it acknowledges, `hasty` does not.
//
//   node test/append-log-run.mjs safe|hasty FOLDER
import { closeSync, fdatasyncSync, fsyncSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";

const [how, folder] = process.argv.slice(2);
const fd = openSync(join(folder, "log"), "a");
const parent = openSync(folder, "r");
fsyncSync(parent);
closeSync(parent);
for (let number = 1; ; number++) {
  writeSync(fd, `${number} ${"x".repeat(100)}\n`);
  if (how === "safe") fdatasyncSync(fd);
  process.stdout.write(`${number}\n`);
  await turn();
}
