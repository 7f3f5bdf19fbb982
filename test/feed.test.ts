// The live feed, from the page's side: what it says, and what it costs when nobody looks.
import { afterEach, assert, beforeEach, describe, test } from "vitest";
import { WebSocket } from "ws";
import { COMMANDS } from "../console/commands.ts";
import { HttpServer } from "../console/http-server.ts";
import {
  applyFrame,
  FEED_PROTOCOL,
  type FeedMessage,
  FRAME_DELTA,
  FRAME_FULL,
  sequenceOf,
} from "../dashboard/wire.ts";
import { FakeMesh } from "./fake-mesh.ts";
import { until } from "./mesh.ts";

const TOKEN = "t".repeat(43);

let fake: FakeMesh;
let server: HttpServer;
const pages: Page[] = [];

beforeEach(async () => {
  fake = new FakeMesh();
  fake.live.bytes = new Uint8Array(24).fill(9);
  server = await HttpServer.open({
    address: { host: "127.0.0.1", port: 0 },
    token: TOKEN,
    commands: COMMANDS,
    mesh: Promise.resolve(fake.mesh),
  });
});

afterEach(async () => {
  for (const page of pages.splice(0)) page.socket.terminate();
  await server.close();
});

/** What a page keeps of a feed. */
class Page {
  readonly socket: WebSocket;
  readonly messages: FeedMessage[] = [];
  readonly kinds: number[] = [];
  readonly cells = new Uint8Array(24);
  readonly columns: number[] = [];
  sequence = 0;
  torn = 0;
  refused = 0;
  closed: number | undefined;

  constructor(
    options: {
      readonly token?: string;
      readonly headers?: Record<string, string>;
      readonly query?: string;
    } = {},
  ) {
    const { token = TOKEN, headers = {}, query = "" } = options;
    const url = `${server.origin.replace("http", "ws")}/v1/feed${query}`;
    this.socket = new WebSocket(url, [FEED_PROTOCOL, `token.${token}`], { headers });
    this.socket.on("message", (data: Buffer, isBinary) => {
      if (isBinary) this.#frame(new Uint8Array(data));
      else this.messages.push(JSON.parse(String(data)) as FeedMessage);
    });
    this.socket.on("unexpected-response", (_, response) => {
      this.refused = response.statusCode ?? 0;
      this.socket.terminate();
    });
    this.socket.on("error", () => {});
    this.socket.on("close", (code) => {
      this.closed = code;
    });
    pages.push(this);
  }

  #frame(frame: Uint8Array): void {
    this.kinds.push(frame[0]);
    this.columns.push(frame[1]);
    if (!applyFrame(frame, this.cells, this.sequence)) this.torn++;
    this.sequence = sequenceOf(frame);
  }

  ask(request: unknown): void {
    this.socket.send(JSON.stringify(request));
  }

  frames(count: number): Promise<unknown> {
    return until(`${count} frames`, () => this.kinds.length >= count);
  }
}

describe("a viewer", () => {
  test("is told the size, the status and the indicators, and shown a whole frame, then changes", async () => {
    const page = new Page();
    await page.frames(2);
    const [{ hello }, { status, kpis, ended }] = page.messages;
    assert.deepInclude(hello, {
      sectors: 3,
      clustersPerSector: 2,
      agentsPerCluster: 4,
      agents: 24,
    });
    assert.deepInclude(status as object, { mode: "FULL" });
    assert.property(kpis, "coordinationSuccessRate");
    assert.notProperty(kpis, "hourly");
    assert.deepEqual(ended, []);
    assert.equal(page.kinds[0], FRAME_FULL);
    fake.live.bytes = fake.live.bytes.slice();
    fake.live.bytes[17] = 200;
    await until("the change", () => page.cells[17] === 200);
    assert.isTrue(page.kinds.slice(1).every((kind) => kind === FRAME_DELTA));
    assert.equal(page.torn, 0);
  });

  test("chooses the column; a viewer of another one is not disturbed", async () => {
    const one = new Page();
    const other = new Page();
    await Promise.all([one.frames(1), other.frames(1)]);
    other.ask({ column: "class" });
    await until("the other column", () => other.columns.at(-1) === 2);
    const { length } = one.kinds;
    await one.frames(length + 3);
    assert.isTrue(one.columns.every((column) => column === 0));
    assert.equal(one.torn + other.torn, 0);
    assert.include(fake.live.reads, "class");
  });

  test("hears of operations while they are out, of their end once, and of what has ended before", async () => {
    const operation = { id: "o-1", agents: {} } as never;
    fake.live.past = [{ id: "o-0" } as never];
    const page = new Page();
    await page.frames(1);
    assert.deepEqual(page.messages[1].ended, [{ id: "o-0" }]);
    fake.live.out = [operation];
    await until("the operation", () => page.messages.some((m) => m.operations?.length === 1));
    fake.live.out = [];
    fake.live.past = [...fake.live.past, { id: "o-1" } as never];
    await until("its end", () => page.messages.some((m) => m.operations?.length === 0));
    await page.frames(page.kinds.length + 3);
    const ends = page.messages.filter((m) => m.ended !== undefined && m.status === undefined);
    assert.deepEqual(
      ends.map(({ ended }) => ended),
      [[{ id: "o-1" }]],
    );
    assert.equal(page.messages.filter((m) => m.operations?.length === 0).length, 1);
  });
});

describe("when nobody looks", () => {
  test("nothing is read: before the first viewer, after the last, and while all look away", async () => {
    assert.isFalse(server.isWatched);
    const page = new Page();
    await page.frames(2);
    assert.isTrue(server.isWatched);
    page.ask({ paused: true });
    await until("the pause", () => !server.isWatched);
    const { length } = fake.live.reads;
    // As long as several frames would have taken.
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.equal(fake.live.reads.length, length);
    page.ask({ paused: false });
    const shown = page.kinds.length;
    await page.frames(shown + 2);
    assert.equal(page.kinds[shown], FRAME_FULL);
    page.socket.close();
    await until("the end", () => !server.isWatched);
  });
});

describe("who may look", () => {
  test("only who has the token, from a page of ours", async () => {
    const wrong = new Page({ token: "x".repeat(43) });
    const foreign = new Page({ headers: { origin: "http://evil.example" } });
    const rebound = new Page({ headers: { host: "evil.example" } });
    const inQuery = new Page({ token: "x", query: `?token=${TOKEN}` });
    await until("all answers", () => wrong.refused * foreign.refused * rebound.refused > 0);
    assert.deepEqual([wrong.refused, foreign.refused, rebound.refused], [401, 403, 403]);
    await inQuery.frames(1);
  });

  test("32 at once; one more is told to come later, and has a place when one goes", async () => {
    const all = Array.from({ length: 32 }, () => new Page());
    await Promise.all(all.map((page) => page.frames(1)));
    const late = new Page();
    await until("the refusal", () => late.refused > 0);
    assert.equal(late.refused, 503);
    all[0].socket.close();
    await until("a place", async () => {
      const page = new Page();
      await until("an answer", () => page.refused > 0 || page.messages.length > 0);
      return page.refused === 0;
    });
  });

  test("whoever talks nonsense is shown out", async () => {
    for (const words of [
      "{",
      '{"column":"height"}',
      '{"paused":1}',
      "[]",
      '{"x":1}',
      "x".repeat(2_000),
    ]) {
      const page = new Page();
      await page.frames(1);
      page.socket.send(words);
      await until("the end", () => page.closed !== undefined);
      assert.include([1008, 1009], page.closed, words.slice(0, 20));
    }
  });
});
