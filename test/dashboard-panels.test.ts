// What the dashboard shows of commands that a mesh may have or not: the inbox, conflicts, quarantine, breakers, freeze.
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, assert, beforeAll, beforeEach, describe, test } from "vitest";
import { type Command, meshCommand } from "../console/command/command.ts";
import { choice, flag, text } from "../console/command/values.ts";
import { COMMANDS } from "../console/commands.ts";
import { HttpServer } from "../console/http-server.ts";
import { openBrowser } from "./browser.ts";
import { FakeMesh } from "./fake-mesh.ts";
import { until } from "./mesh.ts";

const TOKEN = "t".repeat(43);

let browser: Browser;
let server: HttpServer;
let fake: FakeMesh;
let page: Page;
/** What was asked of the commands below, besides lists. */
let asked: unknown[];
let items: object[];

beforeAll(async () => {
  browser = await openBrowser();
});

afterAll(() => browser?.close());

beforeEach(async () => {
  fake = new FakeMesh();
  fake.live.bytes = new Uint8Array(24);
  asked = [];
  items = [{ itemId: "i-1", kind: "approval", text: "<b>Let it go?</b>", state: "open" }];
});

afterEach(async () => {
  await page.context().close();
  await server.close();
});

/** A command with an action and an id, which lists without them. */
function listing(
  name: string,
  actions: readonly [string, ...string[]],
  list: () => object,
): Command {
  return meshCommand({
    name,
    help: `Lists ${name}.`,
    parameters: {
      action: {
        schema: choice(["list", ...actions]).optional(),
        help: "what to do",
        value: "action",
      },
      id: { schema: text("an id").optional(), help: "of what", value: "id" },
      comment: { schema: text("a comment").optional(), help: "why", value: "text" },
      by: { schema: text("a name").optional(), help: "who", value: "name" },
    },
    examples: [name],
    changes: true,
    run: (_, { action = "list", id, comment, by }) => {
      if (action === "list") return list();
      asked.push({ name, action, id, comment, by });
      items = [];
      return { done: true };
    },
    render: () => "",
  });
}

const freeze = meshCommand({
  name: "freeze",
  help: "Freezes.",
  parameters: { dryRun: { schema: flag().optional(), help: "say what it would do" } },
  examples: ["freeze"],
  changes: true,
  run: (_, { dryRun }) => {
    if (dryRun === true)
      return { dryRun, agents: { touched: 24, total: 24 }, inFlight: 10, notes: [] };
    asked.push("freeze");
    return { agents: 24, preserved: { file: "/data/frozen/1.mesh" } };
  },
  render: () => "",
});

const circuits = meshCommand({
  name: "circuits",
  help: "Lists circuits.",
  parameters: {},
  examples: ["circuits"],
  changes: false,
  run: () => ({ circuits: [{ level: "cluster", target: "sector-2/cluster-1", state: "OPEN" }] }),
  render: () => "",
});

async function open(...more: readonly Command[]): Promise<void> {
  server = await HttpServer.open({
    address: { host: "127.0.0.1", port: 0 },
    token: TOKEN,
    commands: [...COMMANDS.filter(({ name }) => !more.some((one) => one.name === name)), ...more],
    mesh: Promise.resolve(fake.mesh),
  });
  page = await browser.newPage();
  await page.goto(server.url);
  await page.waitForSelector('#link[data-state="live"]');
}

async function reads(selector: string, pattern: RegExp): Promise<void> {
  await until(`${selector} reads ${pattern}`, async () =>
    pattern.test((await page.locator(selector).textContent()) ?? ""),
  );
}

describe("the inbox", () => {
  test("lists who waits, and decides on a yes, with a comment and a name", async () => {
    await open(listing("inbox", ["approve", "deny", "comment"], () => ({ items })));
    await reads("#inbox-title", /Inbox \(1\)/);
    // What people and agents write is text, whatever it looks like.
    await reads("#inbox", /<b>Let it go\?<\/b>/);
    await page.click('#inbox button[data-action="approve"]');
    assert.deepEqual(asked, []);
    await reads("#dialog-body code", /inbox approve i-1/);
    await page.fill('#dialog input[aria-label="comment"]', "seen");
    await page.click("#dialog-confirm");
    await until("the decision", () => asked.length > 0);
    assert.deepEqual(asked, [
      { name: "inbox", action: "approve", id: "i-1", comment: "seen", by: "dashboard" },
    ]);
    await page.click("#dialog-cancel");
    await reads("#inbox", /Nobody waits/);
  });

  test("a question that is left undecided changes nothing", async () => {
    await open(listing("inbox", ["approve", "deny", "comment"], () => ({ items })));
    await page.click('#inbox button[data-action="deny"]');
    await page.keyboard.press("Escape");
    await reads("#inbox-title", /Inbox \(1\)/);
    assert.deepEqual(asked, []);
  });
});

test("conflicts and what is held of them are listed, with what can be done about each", async () => {
  const record = { conflictId: "c-1", type: "HASH_MISMATCH", agent: "sector-1", priority: 4 };
  await open(
    listing("conflicts", ["show", "resolve"], () => ({ conflicts: [{ record, state: "review" }] })),
    listing("quarantine", ["release", "discard"], () => ({
      held: [{ conflictId: "c-1", bytes: 2_048 }],
    })),
  );
  await reads("#conflicts", /HASH_MISMATCH {2}sector-1.*priority 4 · review · c-1/);
  await reads("#quarantine", /c-1.*2,048 bytes/);
  await page.click('#quarantine button[data-action="discard"]');
  await page.click("#dialog-confirm");
  await until("the end of it", () => asked.length > 0);
  assert.deepInclude(asked[0] as object, { name: "quarantine", action: "discard", id: "c-1" });
});

test("a freeze says whom it would touch, and is done on a yes only", async () => {
  await open(freeze);
  await page.click("#freeze");
  await reads("#dialog-body", /stops all 24 active agents at their next message boundary/);
  await reads("#dialog-body", /Touches 24 of 24 agents, 10 messages are in flight/);
  await page.click("#dialog-cancel");
  assert.deepEqual(asked, []);
  await page.click("#freeze");
  await page.click("#dialog-confirm");
  await reads("#dialog-body", /MESH FROZEN: 24 agents paused; state in \/data\/frozen\/1\.mesh/);
  assert.deepEqual(asked, ["freeze"]);
});

test("thaw is offered while something is frozen, and freeze while not all is", async () => {
  await open();
  assert.isTrue(await page.locator("#freeze").isVisible());
  assert.isTrue(await page.locator("#thaw").isHidden());
  const all = { scope: "all", sinceMs: 1, agents: 24, late: [] };
  fake.status_ = { state: "frozen", frozen: [all] };
  await reads("#status", /FROZENall, 24 agents/);
  assert.isTrue(await page.locator("#freeze").isHidden());
  await page.click("#thaw");
  await reads("#dialog-body", /go on where they stopped, with 10 messages/);
});

test("breakers colour the clusters that they cover", async () => {
  await open(circuits);
  await page.click("#columns >> text=Breaker");
  await reads("#legend", /half-open/);
  await page.focus("#cells");
  // Past the eight agents of sector 1 lies the cluster whose breaker is open.
  const words: string[] = [];
  await until("the open breaker", async () => {
    await page.keyboard.press("ArrowRight");
    words.push((await page.locator("#spoken").textContent()) ?? "");
    return words.at(-1)?.startsWith("sector-2/cluster-1") && words.at(-1)?.endsWith("· open");
  });
  assert.match(words[0], /^sector-1\/cluster-1\/agent-\d · closed$/);
});

test("what a mesh has no command for is not offered", async () => {
  const optional = ["inbox", "conflicts", "quarantine", "freeze", "thaw", "breakers", "circuits"];
  server = await HttpServer.open({
    address: { host: "127.0.0.1", port: 0 },
    token: TOKEN,
    commands: COMMANDS.filter(({ name }) => !optional.includes(name)),
    mesh: Promise.resolve(fake.mesh),
  });
  page = await browser.newPage();
  await page.goto(server.url);
  await page.waitForSelector('#link[data-state="live"]');
  for (const hidden of ["#inbox", "#conflicts", "#quarantine", "#freeze", "#thaw"])
    assert.isTrue(await page.locator(hidden).isHidden(), hidden);
  assert.isTrue(await page.locator("#columns >> text=Breaker").isHidden());
});
