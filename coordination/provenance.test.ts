import { assert, test } from "vitest";
import { type Provenance, preferStronger } from "./provenance.ts";

const usual: Provenance = {
  sources: ["a"],
  traced: true,
  reliability: 0.9,
  hops: 2,
  originMs: 1000,
};

test("more independent sources win, whatever else is said", () => {
  const many = { ...usual, sources: ["a", "b"], reliability: 0.1, hops: 9 };
  assert.match(preferStronger(many, usual)?.because ?? "", /sources: 2 against 1/);
  assert.equal(preferStronger(many, usual)?.preferred, "expected");
  assert.equal(preferStronger(usual, many)?.preferred, "received");
});

test("of as many, the more reliable ones win, if by more than 0.05", () => {
  assert.equal(preferStronger({ ...usual, reliability: 0.99 }, usual)?.preferred, "expected");
  const close = preferStronger({ ...usual, reliability: 0.94 }, { ...usual, hops: 1 });
  assert.match(close?.because ?? "", /nearer/);
});

test("then the nearer origin, then the fresher one", () => {
  assert.equal(preferStronger(usual, { ...usual, hops: 1 })?.preferred, "received");
  assert.equal(preferStronger({ ...usual, originMs: 2000 }, usual)?.preferred, "expected");
});

test("nothing is preferred when all is the same, nor for want of knowledge", () => {
  assert.isUndefined(preferStronger(usual, usual));
  assert.isUndefined(preferStronger({ ...usual, traced: false }, { ...usual, hops: 1 }));
});
