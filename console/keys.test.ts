// `keys` as people use it where no mesh runs; with one it is in test/trust.test.ts.
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, assert, beforeAll, test } from "vitest";
import { Person } from "../test/person.ts";

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "mesh-keys-"));
});
afterAll(() => rmSync(root, { recursive: true }));

async function keys(...argv: string[]): Promise<Person & { code: number }> {
  const person = new Person({ cwd: root });
  const code = await person.run("keys", ...argv, "--data", join(root, "data"));
  return Object.assign(person, { code });
}

const SIZES = ["--sectors", "2", "--clusters", "2", "--agents", "3"];

test("keys are made, listed, renewed and revoked without a mesh", async () => {
  const dry = await keys("init", ...SIZES, "--dry-run");
  assert.equal(dry.code, 0, dry.talk);
  assert.match(dry.out, /Would make 12 identities/);
  assert.isFalse(existsSync(join(root, "data")));
  const made = await keys("init", ...SIZES);
  assert.equal(made.code, 0, made.talk);
  assert.match(
    made.out,
    /Made 12 identities \(all\).*\nmesh [0-9a-f]{32}\nroot [0-9a-f]{32}\n12 valid/,
  );
  const list = async (
    scope: string,
  ): Promise<{ identities: { fingerprint: string; state: string }[] }> =>
    JSON.parse((await keys("list", scope, "--json")).out);
  const before = await list("sector-2/cluster-1");
  assert.lengthOf(before.identities, 3);
  const plan = await keys("rotate", "sector-2/cluster-1", "--dry-run");
  assert.match(plan.out, /Would renew 3 identities \(sector-2\/cluster-1\).*nothing was done/);
  assert.deepEqual(await list("sector-2/cluster-1"), before);
  assert.equal((await keys("rotate", "sector-2/cluster-1")).code, 0);
  const after = await list("sector-2/cluster-1");
  for (const [place, { fingerprint }] of after.identities.entries())
    assert.notEqual(fingerprint, before.identities[place].fingerprint);
  const revoked = await keys("revoke", "sector-1/cluster-2/agent-3");
  assert.match(revoked.out, /Revoked 1 identity/);
  assert.match(
    revoked.out,
    /To let them speak again: mesh-30k keys rotate sector-1\/cluster-2\/agent-3/,
  );
  const page = await keys("list", "sector-1");
  assert.match(page.out, /sector-1\/cluster-2\/agent-3 .* revoked/);
  assert.match(page.out, /5 valid, 1 revoked/);
});

test("what is wrong is named, with what was expected", async () => {
  const scope = await keys("list", "sector-9");
  assert.equal(scope.code, 2);
  assert.match(
    scope.talk,
    /scope: expected all, or a sector, cluster or agent of 2 × 2 × 3, got "sector-9"/,
  );
  const none = await keys("revoke");
  assert.equal(none.code, 2);
  assert.match(none.talk, /revoke: expected an address or `all`, got nothing/);
  const again = await keys("init", ...SIZES);
  assert.equal(again.code, 1);
  assert.match(again.talk, /has keys already/);
});
