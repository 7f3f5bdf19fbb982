// What somebody who may do it does: in, on, out, and what is known of it afterwards.
import { once } from "node:events";
import { rmSync } from "node:fs";
import { afterEach, assert, beforeEach, test } from "vitest";
import { WebSocket } from "ws";
import { FEED_PROTOCOL } from "../dashboard/wire.ts";
import { OperatorWorld } from "./operator-world.ts";

const AGENT = "sector-1/cluster-1/agent-1";

let world: OperatorWorld;

beforeEach(async () => {
  world = await OperatorWorld.open();
});

afterEach(async () => {
  await world.close();
  rmSync(world.dataDir, { recursive: true });
});

test("who keeps failing waits longer each time, and who then is right gets in", async () => {
  const { key } = await world.enrol("alice", "admin");
  const waits: number[] = [];
  for (let tries = 0; tries < 9; tries++) {
    const { json, status } = await world.ask("/v1/login/options");
    if (status === 429) {
      const wait = /try again in (\d+)s/.exec(JSON.stringify(json));
      waits.push(Number(wait?.[1]));
      world.nowMs += Number(wait?.[1]) * 1_000;
      continue;
    }
    await world.ask("/v1/login", { body: { assertion: key.get(json, { isVerified: false }) } });
  }
  assert.deepEqual(waits, [1, 2]);
  world.nowMs += 4_000;
  await world.login(key);
});

test("whoever may, does what they are for, and it is written down before and after", async () => {
  const { key, cookie } = await world.enrol("alice", "admin");
  const assertion = await world.stepUp(key, cookie, "kill", { target: "worker-1" });
  const reply = await world.run("kill", { target: "worker-1" }, { cookie, assertion });
  assert.deepEqual(reply.json, { killed: "worker-1" });
  await world.run(
    "tell",
    { address: AGENT, message: { password: "hunter2", text: "go" } },
    { cookie },
  );
  const done = (await world.audit()).filter(({ kind }) => kind === "command");
  assert.deepEqual(
    done.map(({ what, who, role, face, outcome }) => [what, who, role, face, outcome]),
    [
      ["kill", "alice", "admin", "dashboard", "begun"],
      ["kill", "alice", "admin", "dashboard", "done"],
      ["tell", "alice", "admin", "dashboard", "begun"],
      ["tell", "alice", "admin", "dashboard", "done"],
    ],
  );
  assert.equal(done[0].run, done[1].run);
  assert.deepEqual(done[3].args?.message, { password: "•••", text: "go" });
  assert.notInclude(JSON.stringify(await world.audit()), "hunter2");
});

test("the cookie is for the browser alone, and no secret is in what anybody may read", async () => {
  const { cookie, key } = await world.enrol("alice", "admin");
  const { json } = await world.ask("/v1/login/options");
  const response = await fetch(new URL("/v1/login", world.server.origin), {
    method: "POST",
    headers: { "content-type": "application/json", origin: world.server.origin },
    body: JSON.stringify({ assertion: key.get(json) }),
  });
  assert.match(
    response.headers.get("set-cookie") ?? "",
    /^mesh-30k-\d+=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Max-Age=28800$/,
  );
  const token = cookie.split("=")[1];
  assert.notInclude(JSON.stringify(await world.audit()), token);
  const listed = await world.say({ id: 1, command: "sessions", arguments: {} });
  assert.notInclude(JSON.stringify(listed), token);
});

test("what another command does is signed for as that other one, which the refusal names", async () => {
  const { key, cookie } = await world.enrol("alice", "admin");
  await world.run("poke", {}, { cookie });
  const { status, json } = await world.run("undo", {}, { cookie });
  assert.equal(status, 403);
  const { step } = json.error as { step: { command: string; arguments: object } };
  assert.deepEqual(step, { command: "kill", arguments: { target: "worker-1" } });
  const assertion = await world.stepUp(key, cookie, step.command, step.arguments);
  assert.equal((await world.run("undo", {}, { cookie, assertion })).status, 200);
  assert.notInclude(JSON.stringify(world.signs), "bad-signature");
  // The first undo was an act too, though it came to nothing.
  assert.deepEqual(
    world.acts.map(({ command }) => command),
    ["poke", "undo", "undo", "kill worker-1"],
  );
});

test("those who watch operators are told of every login and of every end of a session, once", async () => {
  const { key, cookie } = await world.enrol("alice", "admin");
  await world.ask("/v1/login", { method: "DELETE", cookie });
  await world.login(key);
  await world.login(key);
  await world.say({ id: 1, command: "sessions", arguments: { action: "kill", which: "alice" } });
  await world.login(key);
  world.nowMs += 15 * 60_000;
  await world.say({ id: 1, command: "sessions", arguments: {} });
  const ofAlice = { name: "alice", origin: "http 127.0.0.1", local: false };
  const told = ["login", "logout", "login", "logout", "login", "logout", "login", "logout"];
  assert.deepEqual(
    world.signs,
    told.map((sign) => ({ who: ofAlice, sign })),
  );
});

test("sessions end also when that cannot be written down", async () => {
  const { cookie } = await world.enrol("alice", "admin");
  world.gate.auditLog?.close();
  world.nowMs += 15 * 60_000;
  // As the server's timer does, where nobody could catch what is thrown.
  world.gate.logins.sessions.sweep(world.nowMs);
  assert.equal((await world.run("status", {}, { cookie })).status, 401);
  assert.equal(world.signs.at(-1)?.sign, "logout");
});

test("a login is for the page: models have the token", async () => {
  const { cookie } = await world.enrol("alice", "admin");
  const { status, message } = await world.ask("/mcp", { cookie });
  assert.equal(status, 401);
  assert.match(message, /expected the token as a bearer, got a login/);
});

test("a page that was open when its session ended sees nothing more", async () => {
  const { cookie } = await world.enrol("alice", "admin");
  const { origin } = world.server;
  const headers = { cookie, origin };
  const socket = new WebSocket(`${origin.replace("http", "ws")}/v1/feed`, [FEED_PROTOCOL], {
    headers,
  });
  await once(socket, "open");
  const closed = once(socket, "close");
  world.gate.logins.sessions.kill("alice", world.nowMs);
  await closed;
});
