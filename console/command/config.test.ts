import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, beforeAll, describe, test } from "vitest";
import { ConfigError } from "../terminal/exit.ts";
import { dataFolder, readConfig } from "./config.ts";
import { SETTINGS } from "./settings.ts";

let cwd: string;
beforeAll(() => {
  cwd = mkdtempSync(join(tmpdir(), "mesh-config-"));
  mkdirSync(join(cwd, "conf"));
  mkdirSync(join(cwd, "conf/series"));
  writeFileSync(join(cwd, "conf/agent.js"), "export default {};");
});

interface Sources {
  readonly flags?: Record<string, unknown>;
  readonly env?: Record<string, string>;
  readonly yaml?: string;
}

function read({ flags = {}, env = {}, yaml }: Sources) {
  if (yaml !== undefined) writeFileSync(join(cwd, "conf/mesh.yaml"), yaml);
  return readConfig({ flags, env, cwd, file: yaml === undefined ? undefined : "conf/mesh.yaml" });
}

function problemsOf(sources: Sources): readonly string[] {
  try {
    read(sources);
  } catch (error) {
    assert.instanceOf(error, ConfigError);
    assert.equal(error.exitCode, 2);
    return error.problems;
  }
  return assert.fail("expected a ConfigError");
}

describe("precedence", () => {
  const everywhere = {
    flags: { sectors: "1" },
    env: { MESH_SECTORS: "2" },
    yaml: "# sizes\nsectors: 3\n",
  };
  test("a flag wins over all", () => {
    const { settings, sources } = read(everywhere);
    assert.equal(settings.sectors, 1);
    assert.equal(sources.sectors, "--sectors");
  });
  test("a variable wins over the file", () => {
    const { settings, sources } = read({ ...everywhere, flags: {} });
    assert.equal(settings.sectors, 2);
    assert.equal(sources.sectors, "MESH_SECTORS");
  });
  test("the file wins over the default, and its line is known", () => {
    const { settings, sources } = read({ yaml: everywhere.yaml });
    assert.equal(settings.sectors, 3);
    assert.equal(sources.sectors, "conf/mesh.yaml:2");
  });
  test("the default is the specification's mesh", () => {
    const { settings, sources } = read({});
    assert.deepInclude(settings, { sectors: 100, clusters: 10, agents: 30, repl: true });
    assert.equal(settings.data, join(cwd, ".mesh-30k"));
    assert.equal(sources.sectors, "default");
  });
  test("an empty variable and an empty key are not set", () => {
    const { settings } = read({ env: { MESH_SECTORS: "" }, yaml: "sectors:\n" });
    assert.equal(settings.sectors, 100);
  });
  test("the file may be named by MESH_CONFIG", () => {
    writeFileSync(join(cwd, "conf/other.yaml"), "agents: 7\n");
    const { settings } = read({ env: { MESH_CONFIG: "conf/other.yaml" } });
    assert.equal(settings.agents, 7);
  });
});

describe("values", () => {
  test("every kind is read from a file", () => {
    const { settings } = read({
      yaml: [
        "sectors: 10_000",
        "agents: 10",
        "clusters: 1",
        "heartbeat: 500ms",
        "for: 1h30m",
        "mailbox-bytes: 2MiB",
        "mailbox-overflow: [reject, block, drop-newest, drop-oldest]",
        "log: WARN",
        "repl: false",
        "seed: 42",
      ].join("\n"),
    });
    assert.deepInclude(settings, {
      sectors: 10_000,
      heartbeat: 500,
      for: 5_400_000,
      mailboxBytes: 2_097_152,
      mailboxOverflow: ["reject", "block", "drop-newest", "drop-oldest"],
      log: "warn",
      repl: false,
      seed: 42,
    });
  });
  test("paths in the file start from its folder, others from the working directory", () => {
    const { settings } = read({
      yaml: "agent: agent.js\ntraces: series\nlog-file: mesh.log\n",
      flags: { data: "here" },
    });
    assert.equal(settings.agent, join(cwd, "conf/agent.js"));
    assert.equal(settings.traces, join(cwd, "conf/series"));
    assert.equal(settings.logFile, join(cwd, "conf/mesh.log"));
    assert.equal(settings.data, join(cwd, "here"));
  });
  test("an agent may be a file: URL", () => {
    const { settings } = read({ flags: { agent: `file://${cwd}/conf/agent.js` } });
    assert.equal(settings.agent, join(cwd, "conf/agent.js"));
  });
});

describe("errors name key, value, what was expected and where it stood", () => {
  const cases: [string, Sources, RegExp][] = [
    [
      "a number that is a word",
      { flags: { agents: "ten" } },
      /^agents: expected a whole number from 1 to 1,000, got "ten" \(--agents\)$/,
    ],
    [
      "a number out of range",
      { env: { MESH_WORKERS: "0" } },
      /^workers: expected a whole number from 1 to 254, got "0" \(MESH_WORKERS\)$/,
    ],
    [
      "a duration without a unit",
      { yaml: "heartbeat: 5000" },
      /^heartbeat: expected a duration with a unit, .*, got 5000 \(conf\/mesh\.yaml:1\)$/,
    ],
    [
      "a list for a number",
      { yaml: "\nsectors: [1]" },
      /^sectors: .*got \[1\] \(conf\/mesh\.yaml:2\)$/,
    ],
    [
      "a level that is none",
      { flags: { log: "loud" } },
      /^log: expected one of debug, .*got "loud"/,
    ],
    [
      "a key that is nearly right",
      { yaml: "sector: 3" },
      /^sector: unknown key, got sector: 3 \(conf\/mesh\.yaml:1\); did you mean "sectors"\?$/,
    ],
    ["a key in another spelling", { yaml: "logFile: x" }, /^logFile: .*did you mean "log-file"\?$/],
    [
      "a key unlike any",
      { yaml: "colour: red" },
      /^colour: unknown key, .*expected one of sectors, /,
    ],
    [
      "an agent that does not exist",
      { flags: { agent: "./none.js" } },
      /^agent: expected an existing file, got "\.\/none\.js" \(--agent\); .*none\.js does not exist$/,
    ],
    [
      "traces that are a file",
      { flags: { traces: "conf/agent.js" } },
      /^traces: expected an existing folder, .*is not one$/,
    ],
    [
      "traces that are not there",
      { flags: { traces: "conf/series" } },
      /^traces: expected a folder of traces \(\*\.csv\.gz\), got ".*series" \(--traces\); it has none$/,
    ],
    [
      "more agents than fit",
      { flags: { sectors: "1000", clusters: "1000", agents: "1000" } },
      /expected at most 10,000,000 agents, got 1000 × 1000 × 1000 = 1,000,000,000$/,
    ],
    [
      "more workers than sectors",
      { flags: { sectors: "2" }, env: { MESH_WORKERS: "3" } },
      /^workers: expected at most one a sector, of which there are 2, got 3 \(MESH_WORKERS\)$/,
    ],
    [
      "a file that is not YAML",
      { yaml: "sectors: [1" },
      /^config: expected YAML, got "conf\/mesh\.yaml": /,
    ],
    ["a key given twice", { yaml: "sectors: 1\nsectors: 2" }, /^config: expected YAML, .*unique/],
    ["a file without keys", { yaml: "- 1\n" }, /^config: expected keys and values/],
    [
      "a bomb of aliases",
      {
        yaml: [
          `a: &a [${"x,".repeat(9)}x]`,
          `b: &b [${"*a,".repeat(9)}*a]`,
          `c: &c [${"*b,".repeat(9)}*b]`,
          `sectors: [${"*c,".repeat(9)}*c]`,
        ].join("\n"),
      },
      /alias/i,
    ],
  ];
  for (const [name, sources, expected] of cases) {
    test(name, () => {
      const problems = problemsOf(sources);
      assert.isTrue(
        problems.some((problem) => expected.test(problem)),
        `none of ${JSON.stringify(problems)} matches ${expected}`,
      );
    });
  }

  test("a file that does not exist", () => {
    assert.throws(
      () => readConfig({ flags: {}, env: {}, cwd, file: "none.yaml" }),
      ConfigError,
      /^config: expected a readable YAML file, got "none\.yaml": it does not exist$/,
    );
  });

  test("all of them at once", () => {
    const problems = problemsOf({ flags: { sectors: "x" }, yaml: "agents: -1\nsectorz: 1" });
    assert.equal(problems.length, 3);
  });
});

describe("agents by what they stand for", () => {
  const http = { url: "http://127.0.0.1:1/" };
  test("from the file, by class, with paths from its folder", () => {
    const yaml = [
      "agent:",
      "  CLASS_A_EDGE:",
      "    http: { url: 'http://127.0.0.1:1/' }",
      "  CLASS_B_SERVERLESS: ./agent.js",
      "  default: { module: ./agent.js, options: { module: ./kept } }",
    ].join("\n");
    const module = join(cwd, "conf/agent.js");
    assert.deepEqual(read({ yaml }).settings.agent, {
      CLASS_A_EDGE: { http },
      CLASS_B_SERVERLESS: module,
      default: { module, options: { module: "./kept" } },
    });
  });
  test("from a flag or a variable, as JSON", () => {
    const agent = JSON.stringify({ http });
    assert.deepEqual(read({ flags: { agent } }).settings.agent, { http });
    assert.deepEqual(read({ env: { MESH_AGENT: agent } }).settings.agent, { http });
  });
  test("a path in it that leads nowhere is named", () => {
    const [problem] = problemsOf({ yaml: "agent:\n  default: ./none.js" });
    assert.match(problem, /^agent: expected an existing file, got "\.\/none\.js"/);
    assert.match(problem, /none\.js does not exist$/);
  });
});

test("every setting with a default passes its own check", () => {
  for (const [key, { schema, fallback }] of Object.entries(SETTINGS)) {
    if (fallback === undefined || key === "drain") continue;
    assert.isTrue(schema.safeParse(fallback).success, key);
  }
});

test("the data folder is flag, variable, or .mesh-30k here", () => {
  assert.equal(dataFolder({ env: { MESH_DATA: "b" }, cwd }, "a"), join(cwd, "a"));
  assert.equal(dataFolder({ env: { MESH_DATA: "b" }, cwd }, undefined), join(cwd, "b"));
  assert.equal(dataFolder({ env: {}, cwd }, undefined), join(cwd, ".mesh-30k"));
});
