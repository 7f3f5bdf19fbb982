// Logging in as somebody does it: a real browser, an authenticator that the browser simulates. SHOTS=folder keeps
// pictures of what was seen.
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, BrowserContextOptions, CDPSession, Page } from "playwright-core";
import { afterAll, afterEach, assert, beforeAll, beforeEach, test } from "vitest";
import { COMMANDS } from "../console/commands.ts";
import { HttpServer } from "../console/http-server.ts";
import { readAudit } from "../console/operator/audit-check.ts";
import { Gate } from "../console/operator/gate.ts";
import type { Mesh } from "../runtime/api/mesh-api.ts";
import { openBrowser } from "./browser.ts";
import { FakeMesh } from "./fake-mesh.ts";
import { until } from "./mesh.ts";

const { SHOTS } = process.env;
const PHONE = {
  viewport: { width: 390, height: 844 },
  deviceScaleFactor: 2,
  isMobile: true,
  hasTouch: true,
};
const DESK = { viewport: { width: 1_280, height: 800 } };

let browser: Browser;
let dataDir: string;
let fake: FakeMesh;
let gate: Gate;
let server: HttpServer;
let page: Page;
let wire: CDPSession;
let authenticatorId: string;

beforeAll(async () => {
  browser = await openBrowser();
}, 30_000);

afterAll(() => browser?.close());

beforeEach(async () => {
  dataDir = mkdtempSync(join(tmpdir(), "mesh-login-"));
  fake = new FakeMesh();
  gate = new Gate({ dataDir, env: {} });
  gate.open();
  const still = { late: [], barrierMs: 1, suspended: 0 };
  const did =
    (what: string): (() => Promise<object>) =>
    async () => {
      fake.calls.push(what);
      return { scope: "all", agents: 24, stoodMs: 1, ...still };
    };
  const mesh = Object.assign(fake.mesh, {
    freeze: did("freeze"),
    thaw: did("thaw"),
  }) as unknown as Mesh;
  server = await HttpServer.open({
    address: { host: "127.0.0.1", port: 0 },
    token: "t".repeat(43),
    commands: COMMANDS,
    mesh: Promise.resolve(mesh),
    gate,
  });
});

afterEach(async () => {
  await page?.context().close();
  await server.close();
  gate.close();
  rmSync(dataDir, { recursive: true });
});

async function open(url: string, options: BrowserContextOptions = DESK): Promise<void> {
  const context = await browser.newContext(options);
  page = await context.newPage();
  wire = await context.newCDPSession(page);
  await wire.send("WebAuthn.enable");
  authenticatorId = await plugIn();
  await page.goto(url);
}

/** A security key with a reader for fingers, or without one. */
async function plugIn(verifies = true): Promise<string> {
  const { authenticatorId: id } = await wire.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      transport: "usb",
      hasResidentKey: true,
      hasUserVerification: verifies,
      isUserVerified: verifies,
      automaticPresenceSimulation: true,
    },
  });
  return id;
}

async function reads(selector: string, pattern: RegExp): Promise<void> {
  await until(`${selector} reads ${pattern}`, async () =>
    pattern.test(
      (await page
        .locator(selector)
        .textContent()
        .catch(() => "")) ?? "",
    ),
  );
}

async function shoot(name: string): Promise<void> {
  if (SHOTS === undefined) return;
  mkdirSync(SHOTS, { recursive: true });
  await page.screenshot({ path: join(SHOTS, `${name}.png`) });
}

async function enrol(): Promise<void> {
  await open(server.url);
  await page.waitForSelector('#link[data-state="live"]');
  await page.click("#account");
  await page.fill('#dialog input[aria-label="name"]', "alice");
  await shoot("first-operator");
  await page.click("#dialog-confirm");
  await page.waitForSelector(".entrance button");
  assert.notInclude(page.url(), "invitation");
  await shoot("enrol");
  await page.click(".entrance button");
  await reads("#account", /^alice$/);
}

test("the first operator enrols from the dashboard, signs for what destroys, signs out and in again", async () => {
  await enrol();
  await page.waitForSelector('#link[data-state="live"]');
  assert.equal(new URL(page.url()).hostname, "localhost");
  assert.equal(await page.evaluate("document.cookie"), "");
  assert.equal(await page.evaluate("sessionStorage.length"), 0);
  const [cookie] = await page.context().cookies();
  assert.deepInclude(cookie, { httpOnly: true, sameSite: "Strict", path: "/" });

  fake.status_ = { frozen: [{ scope: "all" }] } as never;
  await page.click("#thaw");
  await page.click("#dialog-confirm");
  await reads("#dialog-body", /thawed: 24 agents go on/);
  assert.deepEqual(fake.calls, ["thaw"]);
  await page.click("#dialog-cancel");

  await page.click("#account");
  await reads("#dialog-body", /Role: admin, by authenticator/);
  await shoot("account");
  await page.click("#dialog-confirm");
  await reads(".entrance", /Sign in/);
  await page.click(".entrance button.primary");
  await reads("#account", /^alice$/);
  const entries = await readAudit(gate.auditLog?.paths ?? assert.fail(), { limit: 100 });
  const seen = entries.map(({ what, who, outcome }) => `${who} ${what} ${outcome}`);
  for (const wanted of [
    "alice enrol done",
    "alice login done",
    "alice thaw begun",
    "alice thaw done",
  ])
    assert.include(seen, wanted);
  assert.include(seen, "alice session-end done");
});

test("an authenticator that does not verify its user gets nobody in, and enrols nobody", async () => {
  await enrol();
  await page.click("#account");
  await page.click("#dialog-confirm");
  await reads(".entrance", /Sign in/);
  await wire.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified: false });
  await page.click(".entrance button.primary");
  await reads(".entrance [role=alert]", /did not verify you/);
  assert.deepEqual(gate.logins.sessions.list(gate.nowMs()), []);
  await shoot("not-verified");

  await wire.send("WebAuthn.removeVirtualAuthenticator", { authenticatorId });
  await plugIn(false);
  const invitation = gate.logins.invite("mallory", "admin");
  await page.goto("about:blank");
  await page.goto(`${server.loginOrigin}/#invitation=${invitation}`);
  await page.click(".entrance button.primary");
  await reads(".entrance [role=alert]", /did not verify you|authenticator/);
  assert.isUndefined(gate.logins.operators.named("mallory"));
});

test("the URL that was printed only looks from then on, and a killed session sees nothing more", async () => {
  await enrol();
  await page.waitForSelector('#link[data-state="live"]');
  gate.logins.sessions.kill("alice", gate.nowMs());
  await reads(".entrance", /Sign in/);
  await page.context().close();
  await open(server.url);
  await page.waitForSelector('#link[data-state="live"]');
  await reads("#account", /^Sign in$/);
  for (const id of ["#cascade", "#freeze"]) assert.isTrue(await page.locator(id).isHidden(), id);
});

test("break-glass looks and freezes, in the dark, on a phone", async () => {
  const { passphrase } = await gate.logins.breakGlass.set("break-glass");
  await enrol();
  await page.context().close();
  await open(`${server.origin}/`, { ...PHONE, colorScheme: "dark" });
  await reads(".entrance", /Go to localhost/);
  await page.click(".entrance summary");
  await page.fill('input[aria-label="passphrase"]', passphrase);
  await page.fill('input[aria-label="code"]', "000000");
  await shoot("entrance-phone-dark");
  // The code is a guess.
  await page.click(".entrance button.danger");
  await reads(".entrance [role=alert]", /passphrase or code is wrong/);
  const wide = await page.evaluate("document.documentElement.scrollWidth - innerWidth");
  assert.isAtMost(Number(wide), 0);
});
