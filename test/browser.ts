// A real browser for tests of pages: Debian's Chromium, driven by playwright-core, talking to this machine only.
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { type Browser, chromium } from "playwright-core";

const NAMES = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];
const FLAGS = [
  // Tests run as root in containers, where Chromium's own sandbox cannot be made.
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Starts the browser of `CHROMIUM`, or the first on the PATH; an error that says how to get one. */
export async function openBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: findChromium(), args: FLAGS });
}

function findChromium(): string {
  const named = process.env.CHROMIUM;
  const folders = (process.env.PATH ?? "").split(delimiter);
  const found =
    named ?? folders.flatMap((folder) => NAMES.map((name) => join(folder, name))).find(existsSync);
  if (found !== undefined && existsSync(found)) return found;
  throw new Error(
    `no browser: expected ${named ?? `one of ${NAMES.join(", ")} on the PATH`}; install Debian's ` +
      "package chromium (apt-get install chromium), or name one by CHROMIUM=/path/to/chromium",
  );
}
