// Attacks on the logins and roles of operators, each with what it is refused for and what it is told.
import { assert } from "vitest";
import { ABSOLUTE_MS, IDLE_MS } from "../console/operator/login-sessions.ts";
import type { RefusalReason } from "../console/operator/role.ts";
import { SoftwareAuthenticator } from "./authenticator.ts";
import {
  killSignedBy,
  killSignedFor,
  loginWith,
  type OperatorWorld,
  type Reply,
} from "./operator-world.ts";

const AGENT = "sector-1/cluster-1/agent-1";
const MINUTE_MS = 60_000;

export interface Attack {
  readonly name: string;
  readonly reason: RefusalReason;
  readonly status: number;
  readonly says: RegExp;
  /** Those who watch operators are told of a wrong signature: one within a session, which a failed login is not. */
  readonly isTold?: true;
  readonly attack: (world: OperatorWorld) => Promise<Pick<Reply, "status" | "message">>;
}

export const ATTACKS: readonly Attack[] = [
  {
    name: "a stolen cookie, when nobody has used the session for 15 minutes",
    reason: "session",
    status: 401,
    says: /was not used for 15 minutes: log in again/,
    attack: async (at) => {
      const { cookie } = await at.enrol("alice", "admin");
      at.nowMs += IDLE_MS - 1;
      // What the page asks by itself is no use of it.
      const headers = { "mesh-background": "1" };
      assert.equal((await at.run("status", {}, { cookie, headers })).status, 200);
      at.nowMs += 1;
      return at.run("status", {}, { cookie });
    },
  },
  {
    name: "a stolen cookie, used all the time, 8 hours after the login",
    reason: "session",
    status: 401,
    says: /is 8 hours old: log in again/,
    attack: async (at) => {
      const { cookie } = await at.enrol("alice", "admin");
      const endMs = at.nowMs + ABSOLUTE_MS;
      for (; at.nowMs + 10 * MINUTE_MS <= endMs; at.nowMs += 10 * MINUTE_MS)
        assert.equal((await at.run("status", {}, { cookie })).status, 200);
      at.nowMs = endMs - 1;
      assert.equal((await at.run("status", {}, { cookie })).status, 200);
      at.nowMs = endMs;
      return at.run("status", {}, { cookie });
    },
  },
  {
    name: "the cookie of a session that was killed",
    reason: "session",
    status: 401,
    says: /was killed: log in again/,
    attack: async (at) => {
      const { cookie } = await at.enrol("alice", "admin");
      const { data } = await at.say({
        id: 1,
        command: "sessions",
        arguments: { action: "kill", which: "alice" },
      });
      assert.equal((data as unknown as { sessions: unknown[] }).sessions.length, 1);
      return at.run("status", {}, { cookie });
    },
  },
  {
    name: "the cookie of a session, after its operator logged in elsewhere",
    reason: "session",
    status: 401,
    says: /was replaced by a later login/,
    attack: async (at) => {
      const { key, cookie } = await at.enrol("alice", "admin");
      await at.login(key);
      return at.run("status", {}, { cookie });
    },
  },
  {
    name: "the cookie of an operator who was removed",
    reason: "session",
    status: 401,
    says: /is of an operator who was removed/,
    attack: async (at) => {
      const { cookie } = await at.enrol("alice", "admin");
      await at.say({
        id: 1,
        command: "operators",
        arguments: { action: "remove", name: "alice" },
      });
      return at.run("status", {}, { cookie });
    },
  },
  {
    name: "a copy of an authenticator, which is behind it in its count",
    reason: "assertion",
    status: 403,
    says: /counter/i,
    attack: async (at) => {
      const { key } = await at.enrol("alice", "admin");
      const { json } = await at.ask("/v1/login/options");
      const assertion = key.get(json);
      await at.login(key);
      return at.ask("/v1/login", { body: { assertion } });
    },
  },
  {
    name: "an assertion that logged somebody in before",
    reason: "assertion",
    status: 403,
    says: /was not asked for, was used already/,
    attack: async (at) => {
      const { key } = await at.enrol("alice", "admin");
      const { json } = await at.ask("/v1/login/options");
      const assertion = key.get(json);
      assert.equal((await at.ask("/v1/login", { body: { assertion } })).status, 200);
      return at.ask("/v1/login", { body: { assertion } });
    },
  },
  {
    name: "an assertion that was taken too late",
    reason: "assertion",
    status: 403,
    says: /took too long/,
    attack: async (at) => {
      const { key } = await at.enrol("alice", "admin");
      const { json } = await at.ask("/v1/login/options");
      at.nowMs += 2 * MINUTE_MS;
      return at.ask("/v1/login", { body: { assertion: key.get(json) } });
    },
  },
  {
    name: "an assertion that a page of another origin had signed",
    reason: "assertion",
    status: 403,
    says: /origin "http:\/\/evil\.example"/,
    attack: (at) => loginWith(at, { origin: "http://evil.example" }),
  },
  {
    name: "an assertion for another relying party",
    reason: "assertion",
    status: 403,
    says: /RP ID/i,
    attack: (at) => loginWith(at, { rpId: "evil.example" }),
  },
  {
    name: "an assertion of an authenticator that did not verify its user",
    reason: "assertion",
    status: 403,
    says: /User verification/i,
    attack: (at) => loginWith(at, { isVerified: false }),
  },
  {
    name: "an authenticator that is enrolled without verifying its user",
    reason: "assertion",
    status: 403,
    says: /User verification/i,
    attack: async (at) => {
      const invitation = at.gate.logins.invite("mallory", "admin");
      const { json } = await at.ask("/v1/login/enrol-options", { body: { invitation } });
      const credential = new SoftwareAuthenticator(at.origin).create(json, { isVerified: false });
      return at.ask("/v1/login/enrol", { body: { invitation, credential } });
    },
  },
  {
    name: "an authenticator that was never enrolled",
    reason: "assertion",
    status: 403,
    says: /not enrolled here/,
    attack: async (at) => {
      await at.enrol("alice", "admin");
      const { json } = await at.ask("/v1/login/options");
      const assertion = new SoftwareAuthenticator(at.origin).get(json);
      return at.ask("/v1/login", { body: { assertion } });
    },
  },
  {
    name: "an invitation that was used before",
    reason: "invitation",
    status: 403,
    says: /expected one that is not used/,
    attack: async (at) => {
      const invitation = at.gate.logins.invite("alice", "admin");
      const body = { invitation };
      const { json } = await at.ask("/v1/login/enrol-options", { body });
      const credential = new SoftwareAuthenticator(at.origin).create(json);
      assert.equal(
        (await at.ask("/v1/login/enrol", { body: { invitation, credential } })).status,
        200,
      );
      return at.ask("/v1/login/enrol-options", { body });
    },
  },
  {
    name: "an enrolment that one invitation began and another one is to pay for",
    reason: "invitation",
    status: 403,
    says: /expected one that is not used/,
    attack: async (at) => {
      const invitation = at.gate.logins.invite("alice", "admin");
      const { json } = await at.ask("/v1/login/enrol-options", { body: { invitation } });
      const credential = new SoftwareAuthenticator(at.origin).create(json);
      const body = { invitation: at.gate.logins.invite("mallory", "observe"), credential };
      return at.ask("/v1/login/enrol", { body });
    },
  },
  {
    name: "a code of break-glass that somebody has seen being typed",
    reason: "code",
    status: 403,
    says: /used already/,
    attack: async (at) => {
      const { passphrase, code } = await at.breakGlass();
      const body = { passphrase, code: code() };
      assert.equal((await at.ask("/v1/login/break-glass", { body })).status, 200);
      return at.ask("/v1/login/break-glass", { body });
    },
  },
  {
    name: "a code of break-glass that is a minute old",
    reason: "code",
    status: 403,
    says: /passphrase or code is wrong/,
    attack: async (at) => {
      const { passphrase, code } = await at.breakGlass();
      const body = { passphrase, code: code() };
      at.nowMs += 90_000;
      return at.ask("/v1/login/break-glass", { body });
    },
  },
  {
    name: "the right code of break-glass with another passphrase",
    reason: "code",
    status: 403,
    says: /passphrase or code is wrong/,
    attack: async (at) => {
      const { code } = await at.breakGlass();
      return at.ask("/v1/login/break-glass", { body: { passphrase: "a guess", code: code() } });
    },
  },
  {
    name: "thawing by break-glass",
    reason: "role",
    status: 403,
    says: /thaw: needs the role admin, and break-glass has observe and freeze/,
    attack: async (at) => {
      const { passphrase, code } = await at.breakGlass();
      const { cookie } = await at.ask("/v1/login/break-glass", {
        body: { passphrase, code: code() },
      });
      assert.equal((await at.run("status", {}, { cookie })).status, 200);
      assert.equal((await at.run("freeze", {}, { cookie })).status, 200);
      return at.run("thaw", {}, { cookie });
    },
  },
  {
    name: "trying codes one after another, each from another address",
    reason: "locked-out",
    status: 429,
    says: /too many failures: try again in \d+s/,
    attack: async (at) => {
      await at.enrol("alice", "admin");
      const { passphrase, code } = await at.breakGlass();
      const party = { id: "localhost", origins: [at.origin] };
      for (let tries = 0; tries < 5; tries++) {
        const visit = { party, from: `10.0.0.${tries}` };
        await at.gate.logins.breakIn("x".repeat(300), code(), visit).catch(() => {});
      }
      return at.ask("/v1/login/break-glass", { body: { passphrase, code: code() } });
    },
  },
  {
    name: "trying tokens",
    reason: "token",
    status: 401,
    says: /expected the token/,
    attack: (at) => at.run("status", {}, { token: "x".repeat(43) }),
  },
  {
    name: "an observer who tells an agent something, over HTTP",
    reason: "role",
    status: 403,
    says: /tell: needs the role operate, and olga has observe/,
    attack: async (at) => {
      const { cookie } = await at.enrol("olga", "observe");
      return at.run("tell", { address: AGENT, message: 1 }, { cookie });
    },
  },
  {
    name: "an operator who kills",
    reason: "role",
    status: 403,
    says: /kill: needs the role admin, and oskar has operate/,
    attack: async (at) => {
      const { cookie } = await at.enrol("oskar", "operate");
      return at.run("kill", { target: "worker-1" }, { cookie });
    },
  },
  {
    name: "an operator who has undo kill for them",
    reason: "role",
    status: 403,
    says: /kill: needs the role admin, and oskar has operate/,
    attack: async (at) => {
      const { cookie } = await at.enrol("oskar", "operate");
      assert.equal((await at.run("poke", {}, { cookie })).status, 200);
      return at.run("undo", {}, { cookie });
    },
  },
  {
    name: "the token of the URL, once somebody is enrolled, over HTTP",
    reason: "role",
    status: 403,
    says: /freeze: needs the role operate, and token has observe/,
    attack: async (at) => {
      assert.equal((await at.run("freeze", {}, { token: at.token })).status, 200);
      await at.enrol("alice", "admin");
      return at.run("freeze", {}, { token: at.token });
    },
  },
  {
    name: "a model with the token, once somebody is enrolled, over MCP",
    reason: "role",
    status: 403,
    says: /tell: needs the role operate, and token has observe/,
    attack: async (at) => {
      const session = await at.mcp();
      await at.enrol("alice", "admin");
      // What was begun when the token opened everything opens no more than it does now.
      return at.callTool(session, "tell", { address: AGENT, message: 1 });
    },
  },
  {
    name: "a console that gave its role up and wants it back",
    reason: "role",
    status: 403,
    says: /as: expected at most the role observe/,
    attack: async (at) => {
      const { error } = await at.say(
        { as: { face: "mcp", role: "observe" } },
        { as: { face: "mcp", role: "admin" } },
      );
      return { status: error.code === "CONSOLE_FORBIDDEN" ? 403 : 0, message: error.message };
    },
  },
  {
    name: "a console that gave its role up and kills",
    reason: "role",
    status: 403,
    says: /kill: needs the role admin, and uid \d+ has operate/,
    attack: async (at) => {
      const { error } = await at.say(
        { as: { face: "socket", role: "operate" } },
        { id: 1, command: "kill", arguments: { target: "worker-1" } },
      );
      return { status: error.code === "CONSOLE_FORBIDDEN" ? 403 : 0, message: error.message };
    },
  },
  {
    name: "an admin who destroys without an assertion",
    reason: "step-up",
    status: 403,
    says: /kill: needs a fresh assertion of alice for this very command/,
    attack: async (at) => {
      const { cookie } = await at.enrol("alice", "admin");
      return at.run("kill", { target: "worker-1" }, { cookie });
    },
  },
  {
    name: "an assertion for one command, with another",
    reason: "assertion",
    status: 403,
    says: /for another command, or for other arguments/,
    isTold: true,
    attack: (at) => killSignedFor(at, "thaw", {}),
  },
  {
    name: "an assertion for a command, with other arguments",
    reason: "assertion",
    status: 403,
    says: /for another command, or for other arguments/,
    isTold: true,
    attack: (at) => killSignedFor(at, "kill", { target: "sector-1" }),
  },
  {
    name: "an assertion for a command, twice",
    reason: "assertion",
    status: 403,
    says: /was used already/,
    isTold: true,
    attack: async (at) => {
      const { key, cookie } = await at.enrol("alice", "admin");
      const assertion = await at.stepUp(key, cookie, "kill", { target: "worker-1" });
      const asking = { cookie, assertion };
      assert.equal((await at.run("kill", { target: "worker-1" }, asking)).status, 200);
      return at.run("kill", { target: "worker-1" }, asking);
    },
  },
  {
    name: "an assertion for a command, of an authenticator that did not verify its user",
    reason: "assertion",
    status: 403,
    says: /User verification/i,
    isTold: true,
    attack: (at) => killSignedBy(at, (key, asked) => key.get(asked, { isVerified: false })),
  },
  {
    name: "an assertion for a command, whose signature is of something else",
    reason: "assertion",
    status: 403,
    says: /its signature does not hold/,
    isTold: true,
    attack: (at) =>
      killSignedBy(at, (key, asked) => {
        const assertion = key.get(asked) as { response: { signature: string } };
        const { response: other } = key.get(asked, { rpId: "x" }) as typeof assertion;
        const { signature } = other;
        return { ...assertion, response: { ...assertion.response, signature } };
      }),
  },
  {
    name: "an assertion that was asked for in a session before",
    reason: "assertion",
    status: 403,
    says: /not asked for/,
    isTold: true,
    attack: async (at) => {
      const { key, cookie } = await at.enrol("alice", "admin");
      const assertion = await at.stepUp(key, cookie, "kill", { target: "worker-1" });
      const later = await at.login(key);
      return at.run("kill", { target: "worker-1" }, { cookie: later, assertion });
    },
  },
  {
    name: "an assertion of another operator for a command",
    reason: "assertion",
    status: 403,
    says: /not enrolled here|not asked for/,
    isTold: true,
    attack: async (at) => {
      const { cookie } = await at.enrol("alice", "admin");
      const other = await at.enrol("bob", "admin");
      const { json } = await at.ask("/v1/login/step-up", {
        cookie,
        body: { command: "kill", arguments: { target: "worker-1" } },
      });
      const assertion = other.key.get(json);
      return at.run("kill", { target: "worker-1" }, { cookie, assertion });
    },
  },
  {
    name: "a login assertion as one for a command",
    reason: "assertion",
    status: 403,
    says: /not asked for/,
    isTold: true,
    attack: async (at) => {
      const { key, cookie } = await at.enrol("alice", "admin");
      const { json } = await at.ask("/v1/login/options");
      return at.run("kill", { target: "worker-1" }, { cookie, assertion: key.get(json) });
    },
  },
  {
    name: "a page of another site, with the cookie that the browser sends along",
    reason: "origin",
    status: 403,
    says: /pages of other origins are not answered/,
    attack: async (at) => {
      const { cookie } = await at.enrol("alice", "admin");
      return at.run("freeze", {}, { cookie, origin: "http://evil.example" });
    },
  },
  {
    name: "something that has the cookie and does not say from which page it comes",
    reason: "origin",
    status: 403,
    says: /origin: expected that of this page, got none/,
    attack: async (at) => {
      const { cookie } = await at.enrol("alice", "admin");
      return at.run("freeze", {}, { cookie, origin: null });
    },
  },
];
