// Takes docs/dashboard.png: a mesh of 30,000 agents after some cascades, halfway through one more. Needs the build and
// Chromium (CHROMIUM=/path/to/it), and a machine that does nothing else, or the figures in the picture are not fair.
//   node scripts/dashboard-picture.mjs [FILE] [light|dark]
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { createMesh, serveMesh } from "../dist/index.js";

const [file = fileURLToPath(new URL("../docs/dashboard.png", import.meta.url)), theme = "dark"] =
  process.argv.slice(2);
const BEFORE = 12;
const OPERATION = { payload: null, verb: "sync" };
/** Time before T at which the picture is taken, ms. */
const EARLY_MS = 120;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const mesh = await createMesh({
  agent: new URL("../dist/remote/trace-agent.js", import.meta.url),
  log: "silent",
});
const server = await serveMesh(mesh);
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu"],
});
try {
  // Estimates settle within two heartbeats.
  await pause(10_000);
  for (let i = 0; i < BEFORE; i++) {
    await mesh.cascade(OPERATION, { strategy: "wave" });
    await pause(500);
  }
  const viewport = { width: 1_440, height: 900 };
  const page = await browser.newPage({ viewport, colorScheme: theme });
  await page.goto(server.url);
  await page.waitForSelector('#link[data-state="live"]');
  await pause(2_000);
  const running = mesh.cascade(OPERATION, { strategy: "wave" });
  let out;
  while (out === undefined || out.arrivalMs - Date.now() > EARLY_MS) {
    await pause(2);
    [out] = mesh.live.operations();
  }
  await page.screenshot({ path: file });
  await running;
} finally {
  await browser.close();
  await server.close();
  await mesh.stop();
}
