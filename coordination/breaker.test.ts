import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BREAKER_TIMES, Circuit, type CircuitState } from "./breaker.ts";

/** The same in the plainest words: all failures are kept, and the specification is read off line by line. */
class Reference {
  state: CircuitState = "CLOSED";
  failures: number[] = [];
  trial = 0;
  dueMs = Infinity;
  probing = false;
  readonly limit: number;

  constructor(limit: number) {
    this.limit = limit;
  }

  fail(nowMs: number): void {
    if (this.state === "CLOSED") {
      this.failures.push(nowMs);
      const counted = this.failures.filter((atMs) => nowMs - atMs < 60_000);
      if (counted.length > this.limit) this.open(nowMs, 30_000);
    } else if (this.state === "HALF_OPEN") {
      this.trial++;
      if (this.trial > Math.floor(this.limit / 10)) this.open(nowMs, 60_000);
    }
  }

  open(nowMs: number, afterMs: number): void {
    this.state = "OPEN";
    this.failures = [];
    this.probing = false;
    this.dueMs = nowMs + afterMs;
  }

  /** Time passes: a trial that is over ends well; a probe is sent where one is due. */
  look(nowMs: number): void {
    if (nowMs < this.dueMs) return;
    if (this.state === "HALF_OPEN") this.reset();
    else if (this.state === "OPEN") this.probing = true;
  }

  answer(ok: boolean, nowMs: number): void {
    if (!this.probing) return;
    this.probing = false;
    this.dueMs = nowMs + 60_000;
    if (!ok) return;
    this.state = "HALF_OPEN";
    this.trial = 0;
  }

  reset(): void {
    this.state = "CLOSED";
    this.failures = [];
    this.dueMs = Infinity;
    this.probing = false;
  }
}

const COMMANDS = ["fail", "look", "well", "badly", "trip", "reset"] as const;
type Command = (typeof COMMANDS)[number];

/** Plays a command on both; returns the transitions that the circuit made. */
class Play {
  readonly circuit: Circuit;
  readonly reference: Reference;
  #probe = 0;

  constructor(limit: number) {
    this.circuit = new Circuit(limit);
    this.reference = new Reference(limit);
  }

  do(command: Command, nowMs: number): void {
    const { circuit, reference } = this;
    switch (command) {
      case "fail":
        circuit.fail(nowMs);
        reference.fail(nowMs);
        return;
      case "look":
        if (circuit.due(nowMs) === "close") circuit.close(nowMs);
        else this.#probe = circuit.beginProbe(nowMs) || this.#probe;
        reference.look(nowMs);
        return;
      case "well":
      case "badly":
        circuit.probed(this.#probe, command === "well", nowMs);
        reference.answer(command === "well", nowMs);
        return;
      case "trip":
        circuit.trip(nowMs);
        reference.open(nowMs, 30_000);
        return;
      case "reset":
        circuit.reset(nowMs);
        reference.reset();
        return;
    }
  }
}

/** What may follow what, by which command. */
const LEGAL: Readonly<Record<CircuitState, Partial<Record<Command, CircuitState>>>> = {
  CLOSED: { fail: "OPEN", trip: "OPEN" },
  OPEN: { well: "HALF_OPEN", reset: "CLOSED" },
  HALF_OPEN: { fail: "OPEN", look: "CLOSED", trip: "OPEN", reset: "CLOSED" },
};

describe("circuit", () => {
  test("the numbers are the specification's", () => {
    expect(BREAKER_TIMES).toMatchObject({
      probeAfterMs: 30_000,
      halfOpenMs: 60_000,
      retryMs: 60_000,
    });
  });

  test("more than five failures within the window open it, five do not", () => {
    const circuit = new Circuit(5);
    for (let i = 0; i < 5; i++) expect(circuit.fail(i)).toBe(false);
    expect(circuit.failures(5)).toBe(5);
    expect(circuit.fail(5)).toBe(true);
    expect(circuit.state).toBe("OPEN");
  });

  test("a failure counts for one window, which slides", () => {
    const circuit = new Circuit(1);
    expect(circuit.fail(0)).toBe(false);
    expect(circuit.fail(60_000)).toBe(false);
    expect(circuit.fail(119_999)).toBe(true);
  });

  test("it is probed after 30 s, tried for 60 s and then closed with a clean record", () => {
    const circuit = new Circuit(0);
    circuit.fail(0);
    expect(circuit.due(29_999)).toBe("nothing");
    expect(circuit.due(30_000)).toBe("probe");
    const probe = circuit.beginProbe(30_000);
    expect(circuit.due(40_000)).toBe("nothing");
    expect(circuit.probed(probe, true, 31_000)).toBe(true);
    expect(circuit.state).toBe("HALF_OPEN");
    expect(circuit.due(90_999)).toBe("nothing");
    expect(circuit.close(91_000)).toBe(true);
    expect([circuit.state, circuit.failures(91_000)]).toEqual(["CLOSED", 0]);
  });

  test("a failed probe is followed by another after 60 s, and so is a failed trial", () => {
    const circuit = new Circuit(5);
    circuit.trip(0);
    circuit.probed(circuit.beginProbe(30_000), false, 30_000);
    expect(circuit.dueMs).toBe(90_000);
    circuit.probed(circuit.beginProbe(90_000), true, 90_000);
    expect(circuit.fail(90_001)).toBe(true);
    expect(circuit.dueMs).toBe(150_001);
  });

  test("a trial bears the share of the failures that its share of the traffic would bring", () => {
    const circuit = new Circuit(50);
    circuit.trip(0);
    circuit.probed(circuit.beginProbe(30_000), true, 30_000);
    for (let i = 0; i < 5; i++) expect(circuit.fail(30_001)).toBe(false);
    expect(circuit.fail(30_002)).toBe(true);
  });

  test("the outcome of a probe that was overtaken changes nothing", () => {
    const circuit = new Circuit(5);
    circuit.trip(0);
    const probe = circuit.beginProbe(30_000);
    circuit.reset(30_001);
    circuit.trip(30_002);
    expect(circuit.probed(probe, true, 30_003)).toBe(false);
    expect(circuit.state).toBe("OPEN");
  });

  test("only legal transitions, whatever happens: all sequences of six commands", () => {
    let sequences = 0;
    const seen = new Set<string>();
    const explore = (commands: readonly Command[]): void => {
      if (commands.length === 6) {
        sequences++;
        const play = new Play(1);
        let nowMs = 0;
        for (const command of commands) {
          const before = play.circuit.state;
          play.do(command, nowMs);
          const after = play.circuit.state;
          expect(after).toBe(play.reference.state);
          if (after !== before) {
            expect(LEGAL[before][command], commands.join(" ")).toBe(after);
            seen.add(`${before} ${command}`);
          }
          nowMs += 30_000;
        }
        return;
      }
      for (const command of COMMANDS) explore([...commands, command]);
    };
    explore([]);
    expect(sequences).toBe(6 ** 6);
    // Every legal transition was taken, so none of them was only allowed.
    expect(seen.size).toBe(Object.values(LEGAL).flatMap(Object.keys).length);
  });

  test("it does what the reference does, at any times", () => {
    const step = fc.tuple(fc.constantFrom(...COMMANDS), fc.integer({ min: 0, max: 40_000 }));
    // Failures in quick succession, without which a limit of five is hardly ever passed.
    const burst = fc.tuple(fc.constant<Command>("fail"), fc.integer({ min: 0, max: 9_000 }));
    fc.assert(
      fc.property(
        fc.constantFrom(0, 1, 5, 10, 50),
        fc.array(fc.oneof(step, burst), { maxLength: 120 }),
        (limit, steps) => {
          const play = new Play(limit);
          let nowMs = 1;
          for (const [command, waitMs] of steps) {
            nowMs += waitMs;
            play.do(command, nowMs);
            expect(play.circuit.state).toBe(play.reference.state);
            expect(play.circuit.dueMs).toBe(
              play.reference.probing ? Infinity : play.reference.dueMs,
            );
          }
        },
      ),
      { numRuns: Number(process.env.BREAKER_RUNS ?? 2_000) },
    );
  });
});
