// npm writes no lock entry for an optional platform package that its registry does not carry, and then
// `npm ci` refuses the lock for lacking it (npm/cli#9846). This adds the missing entries; they name
// platforms other than the one at hand, so they are never installed. Run by `npm run lock`.
import fs from "node:fs";

const file = "package-lock.json";
const lock = JSON.parse(fs.readFileSync(file, "utf8"));
const systems = "android|darwin|win32|linux|freebsd|openbsd|netbsd|sunos|aix|openharmony";
const processors = "arm64|x64|arm|ia32|ppc64|riscv64|s390x|loong64";
const platform = new RegExp(`(${systems})-(${processors})`);

let added = 0;
for (const [path, entry] of Object.entries(lock.packages)) {
  for (const [name, range] of Object.entries(entry.optionalDependencies ?? {})) {
    const top = `node_modules/${name}`;
    if (lock.packages[`${path}/node_modules/${name}`] || lock.packages[top]) continue;
    const match = platform.exec(name);
    if (!match) continue;
    lock.packages[top] = {
      version: range.replace(/^[\^~]/, ""),
      cpu: [match[2]],
      ...(entry.dev ? { dev: true } : {}),
      ...(/musl(eabihf)?$/.test(name) ? { libc: ["musl"] } : {}),
      optional: true,
      os: [match[1]],
    };
    added++;
  }
}
// A lock that names a registry host would tie every reader to that host; the hashes are what counts.
for (const entry of Object.values(lock.packages)) delete entry.resolved;

lock.packages = Object.fromEntries(
  Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)),
);
fs.writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
process.stdout.write(`${file}: ${added} entries added\n`);
