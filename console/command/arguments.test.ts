import { assert, describe, test } from "vitest";
import { COMMANDS } from "../commands.ts";
import { UsageError } from "../terminal/exit.ts";
import { readWords } from "./arguments.ts";
import { argumentsSchema, checkArguments } from "./command.ts";
import { commandNamed } from "./help-commands.ts";
import { wordsOf } from "./words.ts";

const AGENT = "sector-1/cluster-1/agent-1";

function read(name: string, ...words: string[]) {
  return readWords(commandNamed(COMMANDS, name), words);
}

describe("words become arguments", () => {
  test("by place and by name, in any order", () => {
    const { args } = read("tell", "--priority", "3", AGENT, '{"add":', "1}", "--ttl=10s");
    assert.deepEqual(args, { address: AGENT, message: { add: 1 }, priority: 3, ttl: 10_000 });
  });
  test("a message that is not JSON is text", () => {
    assert.equal(read("tell", AGENT, "hello", "there").args.message, "hello there");
    assert.equal(read("tell", AGENT, "--", "-5").args.message, -5);
    assert.equal(read("tell", AGENT, "null").args.message, null);
  });
  test("flags without a value are true, absent ones undefined", () => {
    assert.deepInclude(read("agents", "--slow").args, { slow: true });
    assert.isUndefined(read("agents").args.slow);
  });
  test("the flags of the face are not arguments", () => {
    const { args, json, data } = read("status", "--json", "--data", "x");
    assert.deepEqual(args, {});
    assert.isTrue(json);
    assert.equal(data, "x");
  });
  test("--help wins over whatever else is missing", () => {
    assert.isTrue(read("tell", "--help").help);
    assert.isTrue(read("bench", "heartbeat", "-h").help);
  });
});

describe("wrong usage is named", () => {
  const cases: [string[], RegExp][] = [
    [["status", "--jsn"], /status: unknown flag --jsn; did you mean "--json"\?/],
    [["status", "-x"], /status: unknown flag -x/],
    [["status", "now"], /status: target: expected sector-7 or sector-7\/cluster-4, got "now"/],
    [["status", "sector-1", "now"], /status: too many arguments: "now"/],
    [["status", "--json=1"], /status: --json takes no value/],
    [["inspect"], /inspect: <address> is missing/],
    [["tell", AGENT], /tell: <message> is missing/],
    [["tell", AGENT, "x", "--priority"], /tell: --priority needs a value: --priority <0-3>/],
    [["tell", AGENT, "x", "--priority", "--json"], /tell: --priority needs a value/],
    [["tell", AGENT, "x", "--priority", "4"], /tell: priority: expected a whole number .*got "4"/],
    [["ask", AGENT, "x", "--timeout", "5"], /ask: timeout: expected a duration .*got "5"/],
    [["agents", "--class", "Z"], /agents: class: expected one of CLASS_A_EDGE.*got "Z"/],
    [["start", "--sector", "3"], /start: unknown flag --sector; did you mean "--sectors"\?/],
    [["nope"], /unknown command "nope"/],
    [["inspct"], /unknown command "inspct"; did you mean "inspect"\?/],
  ];
  for (const [[name, ...words], expected] of cases) {
    test([name, ...words].join(" "), () => {
      assert.throws(() => read(name, ...words), UsageError, expected);
    });
  }
});

describe("the table", () => {
  test("has every command of the issue, each name once", () => {
    const names = COMMANDS.map(({ name }) => name);
    assert.sameMembers(names, [
      "start",
      "attach",
      "mcp",
      "status",
      "top",
      "watch",
      "tree",
      "inspect",
      "why",
      "trace",
      "history",
      "agents",
      "kpis",
      "health",
      "tell",
      "ask",
      "broadcast",
      "forecast",
      "scatter",
      "cascade",
      "delegate",
      "pipeline",
      "reassign",
      "route",
      "circuits",
      "threats",
      "mode",
      "keys",
      "operators",
      "sessions",
      "audit",
      "certs",
      "restart",
      "scale",
      "kill",
      "reload",
      "heal",
      "freeze",
      "thaw",
      "diff",
      "fork",
      "incident",
      "backup",
      "restore",
      "dead-letters",
      "evidence",
      "verify",
      "conflicts",
      "quarantine",
      "inbox",
      "undo",
      "say",
      "doctor",
      "simulate",
      "what-if",
      "bench",
      "help",
      "version",
    ]);
  });
  for (const command of COMMANDS) {
    test(`${command.name} has examples that can be read, and a JSON Schema`, () => {
      assert.isNotEmpty(command.examples);
      assert.match(command.help, /\.$/);
      assert.propertyVal(argumentsSchema(command), "type", "object");
      for (const example of command.examples) {
        const line = example.replace(/^.*mesh-30k /, "");
        const [name, ...rest] = wordsOf(line);
        assert.equal(name, command.name);
        const { args } = readWords(command, rest);
        // Only agents take messages.
        if (command.name === "tell" || (command.name === "ask" && args.sample === undefined))
          assert.match(String(args.address), /\/agent-\d+$/);
        // What one end has read the other end reads again, and finds the same.
        if (command.needs === "mesh") assert.deepEqual(checkArguments(command, args), args);
      }
    });
  }
});
