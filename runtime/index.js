#!/usr/bin/env node
// The only JavaScript kept in runtime/: npm needs the bin file before the first build.
import { existsSync } from "node:fs";

const built = new URL("../dist/console/main.js", import.meta.url);
const source = new URL("../console/main.ts", import.meta.url);
const wantSource =
  process.env.MESH_SOURCE === "1" || (!existsSync(built) && Boolean(process.features.typescript));
const entry = wantSource ? source : built;

if (!existsSync(entry)) {
  process.stderr.write(
    "mesh-30k is not built: run `npm ci` (or `npm run build`) in the project folder first.\n",
  );
  process.exitCode = 69;
} else {
  const { main } = await import(entry.href);
  process.exitCode = await main(process.argv.slice(2));
}
