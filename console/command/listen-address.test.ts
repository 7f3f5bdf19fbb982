import { assert, describe, test } from "vitest";
import { isLoopback, readListenAddress, writeAddress } from "./listen-address.ts";

describe("where to listen", () => {
  const cases: readonly [written: string, host: string | undefined, port?: number][] = [
    ["7300", "127.0.0.1", 7300],
    ["0", "127.0.0.1", 0],
    ["127.0.0.1:7300", "127.0.0.1", 7300],
    ["localhost:80", "localhost", 80],
    ["[::1]:7300", "::1", 7300],
    ["0.0.0.0:65535", "0.0.0.0", 65_535],
    ["mesh.example:1", "mesh.example", 1],
    ["65536", undefined],
    [":7300", undefined],
    ["127.0.0.1", undefined],
    ["::1:7300", undefined],
    ["[mesh]:7300", undefined],
    ["a b:7300", undefined],
    ["-1", undefined],
    ["", undefined],
  ];
  for (const [written, host, port] of cases) {
    test(`${JSON.stringify(written)} is ${host === undefined ? "refused" : `${host} ${port}`}`, () => {
      const expected = host === undefined ? undefined : { host, port };
      assert.deepEqual(readListenAddress(written), expected as never);
    });
  }

  test("is written as it is read", () => {
    for (const written of ["127.0.0.1:7300", "[::1]:1", "localhost:80"]) {
      assert.equal(writeAddress(readListenAddress(written) ?? assert.fail()), written);
    }
  });

  test("only this machine reaches loopback addresses", () => {
    for (const host of ["127.0.0.1", "127.8.8.8", "localhost", "::1"])
      assert.isTrue(isLoopback(host));
    for (const host of ["0.0.0.0", "::", "10.0.0.1", "127.example.com", "mesh"])
      assert.isFalse(isLoopback(host));
  });
});
