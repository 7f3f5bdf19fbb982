// The dashboard as somebody sees it: a real mesh, a real browser. SHOTS=folder keeps pictures of what was seen.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, afterEach, assert, beforeAll, describe, test } from "vitest";
import type { Mesh, MeshServer } from "../index.ts";
import { openBrowser } from "./browser.ts";
import { createMesh, until } from "./mesh.ts";

const { serveMesh }: typeof import("../index.ts") = await import(
  new URL("../dist/index.js", import.meta.url).href
);

const TRACE_AGENT = new URL("../dist/remote/trace-agent.js", import.meta.url);
const DESK = { viewport: { width: 1_440, height: 900 } };
const PHONE = {
  viewport: { width: 390, height: 844 },
  deviceScaleFactor: 2,
  isMobile: true,
  hasTouch: true,
};
const FOCUSED = "return document.activeElement.id;";
const { SHOTS } = process.env;

let mesh: Mesh;
let server: MeshServer;
let browser: Browser;
/** What the page complained of, or asked of somebody else. */
let troubles: string[] = [];
const closers: (() => Promise<void>)[] = [];

beforeAll(async () => {
  browser = await openBrowser();
  mesh = await createMesh({
    agent: TRACE_AGENT,
    topology: { sectors: 20, clustersPerSector: 10, agentsPerCluster: 30 },
    workers: 1,
    log: "silent",
  });
  server = await serveMesh(mesh);
}, 60_000);

afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

afterAll(async () => {
  await browser?.close();
  await server?.close();
  await mesh?.stop();
});

async function open(options: BrowserContextOptions = DESK, url = server.url): Promise<Page> {
  const context = await browser.newContext(options);
  closers.push(() => context.close());
  const page = await context.newPage();
  troubles = [];
  page.on("console", (message) => {
    const isTrouble = message.type() === "error" || message.type() === "warning";
    // It is the tests that read pictures back.
    if (isTrouble && !message.text().includes("readback")) troubles.push(message.text());
  });
  page.on("pageerror", (error) => troubles.push(error.message));
  page.on("request", (request) => {
    if (!request.url().startsWith(server.origin) && !request.url().startsWith("data:"))
      troubles.push(`asked ${request.url()}`);
  });
  await page.goto(url);
  return page;
}

/** Opens the page and waits until cells are drawn. */
async function live(options?: BrowserContextOptions): Promise<Page> {
  const page = await open(options);
  await page.waitForSelector('#link[data-state="live"]');
  await until("cells are drawn", async () => (await coloursOf(page)) > 2);
  return page;
}

/** How many colours the picture of the agents has. */
function coloursOf(page: Page): Promise<number> {
  return see(
    page,
    `const canvas = document.querySelector("#cells");
     const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
     return new Set(new Uint32Array(data.buffer)).size;`,
  );
}

/** A point of the picture, CSS pixels, at which there is an agent: the first that is not of the ground's colour. */
function somebody(page: Page): Promise<{ x: number; y: number }> {
  return see(
    page,
    `const canvas = document.querySelector("#cells");
     const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
     const pixels = new Uint32Array(data.buffer);
     const at = pixels.findIndex((pixel, i) => i > pixels.length / 2 && pixel !== pixels[0]);
     const ratio = canvas.width / canvas.clientWidth;
     return { x: ((at % canvas.width) + 2) / ratio, y: Math.floor(at / canvas.width) / ratio };`,
  );
}

/** Runs a function's body in the page: text, for the browser's names are not those of Node. */
function see<T>(page: Page, body: string): Promise<T> {
  return page.evaluate<T>(`(() => { ${body} })()`);
}

/** Waits until the text of an element matches. */
async function reads(page: Page, selector: string, pattern: RegExp): Promise<void> {
  await until(`${selector} reads ${pattern}`, async () =>
    pattern.test((await page.locator(selector).textContent()) ?? ""),
  );
}

async function shoot(page: Page, name: string): Promise<void> {
  if (SHOTS === undefined) return;
  mkdirSync(SHOTS, { recursive: true });
  await page.screenshot({ path: join(SHOTS, `${name}.png`) });
}

async function textOf(page: Page, selector: string): Promise<string> {
  return (await page.locator(selector).textContent()) ?? "";
}

describe("the page", () => {
  test("shows the mesh, keeps its token to itself, and asks nobody else for anything", async () => {
    const page = await live({ ...DESK, colorScheme: "light" });
    assert.equal(page.url(), `${server.origin}/`);
    const status = await textOf(page, "#status");
    assert.match(status, /6,000 \/ 6,000 active \(100\.0%\)/);
    assert.match(status, /20\/20 healthy/);
    assert.match(status, /ModeFULL/);
    assert.match(await textOf(page, "#kpis"), /coordination success rate/);
    assert.match(await textOf(page, "#workers"), /worker-1/);
    await shoot(page, "light");
    // Of this tab it is known, so that a reload does not ask for it.
    await page.reload();
    await page.waitForSelector('#link[data-state="live"]');
    assert.deepEqual(troubles, []);
  });

  test("without the token says what it needs, and shows nothing", async () => {
    const page = await open(DESK, `${server.origin}/`);
    await page.waitForSelector('[role="alert"]');
    assert.match(await textOf(page, '[role="alert"]'), /needs the token: open the URL/);
    assert.equal(await page.locator("#status").count(), 0);
  });

  test("follows the system's theme, until a switch says otherwise, and remembers that", async () => {
    const page = await live({ ...DESK, colorScheme: "dark" });
    const theme = (): Promise<string> =>
      see(page, "return document.documentElement.dataset.theme;");
    const ground = (): Promise<string> =>
      see(page, "return getComputedStyle(document.body).backgroundColor;");
    assert.equal(await theme(), "dark");
    const dark = await ground();
    await shoot(page, "dark");
    await page.click("#theme");
    assert.equal(await theme(), "light");
    assert.notEqual(await ground(), dark);
    await page.reload();
    assert.equal(await theme(), "light");
  });

  test("on a phone is one column that fits, with controls for fingers", async () => {
    const page = await live(PHONE);
    const wide = await see<number>(page, "return document.documentElement.scrollWidth;");
    assert.isAtMost(wide, PHONE.viewport.width);
    for (const button of await page.locator("button:visible").all()) {
      const box = await button.boundingBox();
      assert.isAtLeast(box?.height ?? 0, 36, (await button.textContent()) ?? "");
    }
    await page.locator("#cells").tap({ position: await somebody(page) });
    await page.waitForSelector("#agent-panel:not([hidden])");
    await shoot(page, "phone");
    assert.deepEqual(troubles, []);
  });

  test("everything that can be done has a name and a place in the order of Tab", async () => {
    const page = await live();
    const seen: string[] = [];
    for (let i = 0; i < 20; i++) {
      await page.keyboard.press("Tab");
      // Behind the last one lies the browser.
      if (await see(page, "return document.activeElement === document.body;")) break;
      const [name, outline] = await see<[string, string]>(
        page,
        `const at = document.activeElement;
         const words = at.getAttribute("aria-label") || at.innerText || at.id;
         return [words, getComputedStyle(at).outlineStyle];`,
      );
      assert.isNotEmpty(name);
      assert.equal(outline, "solid", `focus on ${name} is not seen`);
      seen.push(name);
    }
    for (const name of [
      "Cascade…",
      "Impedance",
      "follow",
      "Zoom in",
      "Agents, by sector and cluster",
    ])
      assert.include(seen, name);
  });
});

describe("the agents", () => {
  test("are reached by keys, down to the panel of one, and back", async () => {
    const page = await live();
    await page.focus("#cells");
    for (const key of ["ArrowRight", "ArrowRight", "ArrowDown"]) await page.keyboard.press(key);
    // Who it is is said at once, how it is with the next picture.
    const said = page.locator("#spoken", { hasText: " · " });
    await said.waitFor({ state: "attached", timeout: 20_000 });
    const spoken = (await said.textContent()) ?? "";
    const [, address] = /^(sector-1\/cluster-1\/agent-\d+) · /.exec(spoken) ?? [];
    assert.isDefined(address, spoken);
    for (let i = 0; i < 9; i++) await page.keyboard.press("+");
    await page.keyboard.press("Enter");
    await page.waitForSelector("#agent dl");
    assert.equal(await textOf(page, "#agent-title"), address);
    const shown = await textOf(page, "#agent");
    const { impedance, worker } = await mesh.inspect(address as string);
    assert.include(shown, impedance.agentClass);
    assert.include(shown, worker);
    await shoot(page, "agent");
    await page.keyboard.press("Escape");
    assert.isTrue(await page.locator("#agent-panel").isHidden());
    assert.equal(await see(page, FOCUSED), "cells");
  });

  test("are zoomed by the wheel, around what is under it, and fitted again", async () => {
    const page = await live();
    const box = (await page.locator("#cells").boundingBox()) ?? assert.fail();
    const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
    await page.mouse.move(x, y);
    const tip = async (): Promise<string> => (await page.locator("#tip").textContent()) ?? "";
    // The middle may be a gap: go on until there is somebody.
    for (let dx = 0; (await tip()) === "" && dx < 60; dx += 3) await page.mouse.move(x + dx, y);
    const who = (await tip()).split(" ")[0];
    assert.match(who, /^sector-\d+\/cluster-\d+\/agent-\d+$/);
    const colours = await coloursOf(page);
    for (let i = 0; i < 10; i++) await page.mouse.wheel(0, -100);
    await page.mouse.down();
    await page.mouse.up();
    await page.waitForSelector("#agent dl");
    assert.equal(await textOf(page, "#agent-title"), who);
    await page.click("#zoom-fit");
    await until("all are seen again", async () => (await coloursOf(page)) >= colours - 5);
  });

  test("are coloured by what is chosen, with a legend of it", async () => {
    const page = await live();
    await page.focus('#columns [aria-checked="true"]');
    await page.keyboard.press("ArrowRight");
    assert.match(await textOf(page, "#legend"), /quarantined/);
    await page.click("#columns >> text=Class");
    assert.match(await textOf(page, "#legend"), /F human/);
    await until("the classes are drawn", async () => (await coloursOf(page)) >= 6);
    mesh.circuits.trip("sector-2", "a test");
    await page.click("#columns >> text=Breaker");
    assert.match(await textOf(page, "#legend"), /half-open/);
    await until("an open breaker is drawn", async () => (await coloursOf(page)) > 2);
    mesh.circuits.reset("sector-2");
  });

  test("that are lost are seen to be lost", async () => {
    const page = await live();
    await page.click("#columns >> text=State");
    await mesh.kill("worker-1");
    await reads(page, "#workers tbody td:last-child", /^1$/);
    assert.deepEqual(troubles, []);
  });
});

describe("a cascade", () => {
  test("is foretold, run on a yes, drawn as it travels, and reported", async () => {
    const page = await live({ ...DESK, colorScheme: "dark" });
    await until("agents are known", async () => {
      const { scheduled } = await mesh.forecast({ payload: null });
      return scheduled > 3_000;
    });
    await page.click("#cascade");
    assert.equal(await see(page, FOCUSED), "dialog-cancel");
    await reads(page, "#dialog-body", /Reaches [\d,]+ of 6,000/);
    const before = mesh.live.endedCount;
    await page.keyboard.press("Escape");
    assert.equal(mesh.live.endedCount, before);
    await page.click("#cascade");
    await page.click("#dialog-confirm");
    await page.waitForSelector('#columns [aria-checked="true"] >> text=Operation');
    await page.waitForSelector("#operation .chart");
    await until("its end", () => mesh.live.endedCount > before);
    const ended = mesh.live.endedOperations().at(-1) ?? assert.fail();
    const ready = ended.agents.ready.toLocaleString("en-US");
    await reads(page, "#operation", new RegExp(`READY ${ready}`));
    assert.match(await textOf(page, "#operation"), /sync · wave cascade/);
    assert.match(await textOf(page, "#operation"), /sectors20 \/ 20/);
    const heat = await page.locator("#arrivals canvas").getAttribute("aria-label");
    assert.match(heat ?? "", /READY − T of the last \d+ operations/);
    await shoot(page, "cascade");
    assert.deepEqual(troubles, []);
  });

  test("does not move the picture of who prefers it to stay", async () => {
    const page = await live({ ...DESK, reducedMotion: "reduce" });
    assert.isFalse(await page.isChecked("#follow"));
    const before = mesh.live.endedCount;
    await mesh.broadcast({ n: 1 }, { select: "sector-1" });
    await until("its end", () => mesh.live.endedCount > before);
    await reads(page, "#operation", /broadcast/);
    assert.equal(await textOf(page, '#columns [aria-checked="true"]'), "Impedance");
  });
});

test("a page that has lost the mesh says so, and finds it again", async () => {
  const page = await live();
  const { port } = new URL(server.origin);
  const { token } = server;
  await server.close();
  await page.waitForSelector('#link[data-state="lost"]');
  server = await serveMesh(mesh, { port: Number(port), token });
  await page.waitForSelector('#link[data-state="live"]', { timeout: 20_000 });
});
