import { EventEmitter } from "node:events";
import { afterEach, assert, beforeEach, describe, test } from "vitest";
import { FRAME_DELTA, FRAME_FULL } from "../../dashboard/wire.ts";
import { FakeMesh } from "../../test/fake-mesh.ts";
import { type FeedSocket, Viewer } from "./feed.ts";
import { FeedSource } from "./feed-source.ts";

/** A WebSocket whose other end reads only when it is told to. */
class SlowSocket extends EventEmitter {
  readonly sent: (string | Uint8Array)[] = [];
  bufferedAmount = 0;
  readyState = 1;
  ended: string | undefined;

  send(data: string | Uint8Array): void {
    this.sent.push(data);
  }

  close(code: number): void {
    this.ended = `closed ${code}`;
  }

  terminate(): void {
    this.ended = "terminated";
  }

  ping(): void {}
}

let socket: SlowSocket;
let source: FeedSource;
let viewer: Viewer;
const delta = Uint8Array.of(FRAME_DELTA);
const whole = (): Uint8Array => Uint8Array.of(FRAME_FULL);

beforeEach(() => {
  socket = new SlowSocket();
  source = new FeedSource(new FakeMesh().mesh, () => 0);
  viewer = new Viewer(socket as unknown as FeedSocket, source, {});
});

afterEach(() => socket.emit("close"));

function frames(): number[] {
  return socket.sent.filter((data) => typeof data !== "string").map((data) => Number(data[0]));
}

describe("a viewer", () => {
  test("gets a whole frame first, and then what differs", () => {
    for (let i = 0; i < 3; i++) viewer.frame("impedance", delta, whole);
    assert.deepEqual(frames(), [FRAME_FULL, FRAME_DELTA, FRAME_DELTA]);
  });

  test("who reads too slowly misses frames, and gets a whole one when it has caught up", () => {
    viewer.frame("impedance", delta, whole);
    socket.bufferedAmount = 2 * 1_048_576;
    viewer.frame("impedance", delta, whole);
    assert.deepEqual(frames(), [FRAME_FULL]);
    socket.bufferedAmount = 0;
    viewer.frame("impedance", delta, whole);
    viewer.frame("impedance", delta, whole);
    assert.deepEqual(frames(), [FRAME_FULL, FRAME_FULL, FRAME_DELTA]);
  });

  test("who cannot keep up even with words is let go", () => {
    socket.bufferedAmount = 2 * 1_048_576;
    viewer.message({ nowMs: 1 });
    assert.equal(socket.ended, "terminated");
  });

  test("is not shown a column that it has just left", () => {
    socket.emit("message", '{"column":"class"}', false);
    viewer.frame("impedance", delta, whole);
    assert.deepEqual(frames(), []);
    viewer.frame("class", delta, whole);
    assert.deepEqual(frames(), [FRAME_FULL]);
  });

  test("ends the reading of the mesh with its socket", () => {
    assert.isTrue(source.isLive);
    socket.emit("close");
    assert.isFalse(source.isLive);
  });
});
