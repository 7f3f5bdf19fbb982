// Runs what `examples/` shows, as its readers would. Each example checks its own result.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { assert, test } from "vitest";

const ROOT = fileURLToPath(new URL("../", import.meta.url));

/** What an example prints; it must say nothing on stderr and end well. */
function run(name: string): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, [`examples/${name}/main.js`], {
    cwd: ROOT,
    encoding: "utf8",
    timeout: 30_000,
  });
  const story = `${stdout}${stderr}`;
  assert.equal(status, 0, story);
  assert.equal(stderr, "", story);
  return stdout;
}

test("http-worker: 40 agents are a worker at the edge, which answers READY and CONFLICT", () => {
  const story = run("http-worker");
  assert.match(story, /READY .*fahrenheit: 68/);
  assert.match(story, /CONFLICT .*at most 60/);
  assert.match(story, /40 of 40 agents have converted/);
});

test("llm-agents: forty agents share a budget of tokens, and stay within it", () => {
  const story = run("llm-agents");
  const [, tokens] = /answers for (\d+) tokens/.exec(story) ?? [];
  assert.isAtMost(Number(tokens), 600, story);
  assert.match(story, /[1-9]\d* agents over budget: within the budget of mesh/);
});

test("human-agents: a person decides after a restart on what an agent asked before it", () => {
  const story = run("human-agents");
  assert.match(story, /told by the webhook: opened "Pay 12,000\?"/);
  assert.match(story, /after the restart 2 questions are open/);
  assert.match(story, /Pay 12,000\? approved by anna: invoice seen/);
  assert.match(story, /Delete the backups\? denied by anna/);
});

test("module-reload: a module in TypeScript changes while its agents run, and a bad version is taken back", () => {
  const story = run("module-reload");
  assert.match(story, /the second one was reloaded for 40 agents: 8 apples/);
  assert.match(story, /the third one was: reverted/);
  assert.match(story, /have their states: 9 apples/);
});

test("http-agents: one agent crashes, one hangs, and 298 go on calling the web service", () => {
  const stdout = run("http-agents");
  assert.match(stdout, /all 300 agents called the service/);
  assert.match(stdout, /agent-7 failed \(TypeError: .*\): restarted at once/);
  assert.match(stdout, /agent-7 failed \(TypeError: .*\): quarantine/);
  assert.match(stdout, /watchdog: sector-5\/cluster-2\/agent-13 has not yielded for/);
  assert.match(stdout, /worker-2 is back/);
  assert.match(stdout, /agent-13 is well again/);
});
