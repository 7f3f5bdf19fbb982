import { assert, describe, test } from "vitest";
import {
  formatBytes,
  formatDuration,
  formatMoment,
  formatMs,
  formatNumber,
  formatShare,
} from "./format.ts";

function cases<A extends unknown[]>(
  format: (...args: A) => string,
  table: readonly (readonly [A, string])[],
): void {
  for (const [args, written] of table) {
    test(`${args.join(" of ")} is ${written}`, () => assert.equal(format(...args), written));
  }
}

describe("numbers", () => {
  cases(formatNumber, [
    [[0], "0"],
    [[999], "999"],
    [[29_847], "29,847"],
    [[126.6], "127"],
    [[-1_234_567], "-1,234,567"],
    [[-0.2], "0"],
    [[null], "–"],
    [[Number.NaN], "–"],
  ]);
});

describe("shares", () => {
  cases(formatShare, [
    [[29_847, 30_000], "99.5%"],
    [[30_000, 30_000], "100.0%"],
    [[29_999, 30_000], "99.9%"],
    [[1, 30_000], "0.1%"],
    [[0, 30_000], "0.0%"],
    [[0, 0], "–"],
  ]);
});

describe("times", () => {
  cases(formatDuration, [
    [[0], "0ms"],
    [[450], "450ms"],
    [[12_340], "12.3s"],
    [[59_940], "59.9s"],
    [[59_960], "1m 0s"],
    [[263_000], "4m 23s"],
    [[12_420_000], "3h 27m"],
    [[3_599_999], "1h 0m"],
    [[90_000_000], "1d 1h"],
    [[undefined], "–"],
  ]);
  cases(formatMs, [
    [[0], "0ms"],
    [[0.0123], "0.012ms"],
    [[12.34], "12.3ms"],
    [[127.4], "127ms"],
    [[34_200], "34.2s"],
    [[null], "–"],
  ]);
  cases(formatMoment, [
    [[1_700_000_000_123], "22:13:20.123Z"],
    [[0], "–"],
    [[1e30], "–"],
  ]);
});

describe("sizes", () => {
  cases(formatBytes, [
    [[0], "0 B"],
    [[1_023], "1,023 B"],
    [[2_048], "2.0 KiB"],
    [[1_572_864], "1.5 MiB"],
  ]);
});
