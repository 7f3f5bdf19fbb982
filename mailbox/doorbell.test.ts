import { expect, test } from "vitest";
import { lieDown, nextRing, ringDoorbell, standUp } from "./doorbell.ts";
import { CONTROL_PARKED, CONTROL_WORDS } from "./layout.ts";

function newControl(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(CONTROL_WORDS * 4));
}

/** Fails instead of hanging; the bound is far beyond any wake-up. */
async function rung(ring: Promise<unknown> | undefined): Promise<unknown> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error("nobody rang")), 10_000);
  });
  try {
    return await Promise.race([ring, late]);
  } finally {
    clearTimeout(timer);
  }
}

test("a ring wakes who lies down and says that it is awake", async () => {
  const control = newControl();
  lieDown(control);
  const ring = nextRing(control);
  expect(ring).toBeInstanceOf(Promise);
  ringDoorbell(control);
  expect(control[CONTROL_PARKED]).toBe(0);
  expect(await rung(ring)).toBe("ok");
});

test("a ring between lying down and sleeping is not slept through", () => {
  const control = newControl();
  lieDown(control);
  ringDoorbell(control);
  expect(nextRing(control)).toBeUndefined();
});

test("who is awake is not woken, and who stands up again does not sleep", () => {
  const control = newControl();
  ringDoorbell(control);
  expect(control[CONTROL_PARKED]).toBe(0);
  lieDown(control);
  standUp(control);
  expect(nextRing(control)).toBeUndefined();
});

test("a wait that was given up does not take the ring of the next one", async () => {
  const control = newControl();
  for (let i = 0; i < 3; i++) {
    lieDown(control);
    expect(nextRing(control)).toBeInstanceOf(Promise);
    standUp(control);
  }
  lieDown(control);
  const ring = nextRing(control);
  ringDoorbell(control);
  expect(await rung(ring)).toBe("ok");
});

test("the bells of other threads are not heard", async () => {
  const memory = new SharedArrayBuffer(2 * CONTROL_WORDS * 4);
  const [mine, other] = [0, 1].map(
    (i) => new Int32Array(memory, i * CONTROL_WORDS * 4, CONTROL_WORDS),
  );
  lieDown(mine);
  lieDown(other);
  let heard = false;
  const ring = nextRing(mine);
  void ring?.then(() => {
    heard = true;
  });
  ringDoorbell(other);
  await new Promise((resolve) => setImmediate(resolve));
  expect(heard).toBe(false);
  expect(mine[CONTROL_PARKED]).toBe(1);
  ringDoorbell(mine);
  await rung(ring);
});
