import { afterEach, assert, beforeEach, describe, test } from "vitest";
import { Host } from "../test/host.ts";

const host = new Host();
beforeEach(() => host.open());
afterEach(() => host.close());

describe("where nobody sits", () => {
  test("one picture follows the other, and --times ends it", async () => {
    const { code, out } = await host.say("watch", "--every", "100ms", "--times", "3", "status");
    assert.equal(code, 0);
    assert.lengthOf(out.match(/MESH-30K STATUS/g) ?? [], 3);
  });

  test("with --json each is one line, as the command itself prints it", async () => {
    const { out, talk } = await host.say(
      ...["watch", "--every", "100ms", "--times", "2", "--json", "agents --slow --limit 1"],
    );
    assert.equal(talk, "");
    const lines = out.trim().split("\n");
    assert.lengthOf(lines, 2);
    const alone = await host.say("agents", "--slow", "--limit", "1", "--json");
    assert.deepEqual(JSON.parse(lines[1]), JSON.parse(alone.out));
  });

  test("each picture is of its moment", async () => {
    const guest = host.guest();
    const ended = guest.run("watch", "--every", "100ms", "status");
    await guest.hears(/Mean Impedance: 127ms/);
    host.mesh.status_ = { meanImpedance: 512 };
    await guest.hears(/Mean Impedance: 512ms/);
    guest.signals.emit("SIGINT", "SIGINT");
    assert.equal(await ended, 0);
    assert.equal(guest.signals.listenerCount("SIGINT"), 0);
  });
});

test("on a terminal it is drawn in place until q, and the terminal is given back", async () => {
  const guest = host.guest(true);
  const ended = guest.run("watch", "status");
  await guest.hears(/Agents: 24 \/ 24/);
  guest.stdin.write("q");
  assert.equal(await ended, 0);
  assert.isTrue(guest.out.startsWith("\x1b[?1049h"));
  assert.isTrue(guest.out.endsWith("\x1b[?25h\x1b[?1049l"));
  assert.notInclude(guest.out, "\x1b[2J");
  assert.equal(guest.stdin.listenerCount("keypress"), 0);
});

test("as many rows as the screen has are drawn, whatever the command prints", async () => {
  const guest = host.guest(true);
  const ended = guest.run("watch", "agents");
  await guest.hears(/q quit/);
  guest.stdin.write("q");
  await ended;
  const [, frame] = guest.out.split("\x1b[H");
  assert.lengthOf(frame.split("\r\n"), 30);
});

test("a command that comes to fail is told by the exit code", async () => {
  const { code } = await host.say("watch", "--times", "1", "--", "dead-letters", "list");
  assert.equal(code, 0);
  Object.assign(host.mesh, { conflicts: { list: async () => [] }, incidents: () => [] });
  host.mesh.status_ = { frozen: [{ scope: "all", sinceMs: 1, agents: 24, late: [] }] };
  assert.equal((await host.say("watch", "--times", "1", "health")).code, 1);
});

test("an unknown command is told as such", async () => {
  const { code, talk } = await host.say("watch", "statsu");
  assert.equal(code, 2);
  assert.match(talk, /unknown command "statsu"; did you mean "status"\?/);
});

host.refuses([
  [["watch"], /<line> is missing/],
  [["watch", "restart", "sector-1"], /watch: restart changes the mesh/],
  [["watch", "top"], /watch: top watches by itself/],
  [["watch", "watch", "status"], /watch: watch watches by itself/],
  [["watch", "version"], /watch: version tells nothing of a mesh/],
  [["watch", "--every", "1ms", "status"], /every: expected/],
]);
