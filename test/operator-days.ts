// Days of the people who operate a mesh of 30,000: what they do by hand, what their scripts and dashboards do all day,
// and the bad days, on which a lot is done at once. None of it is an attack.
import type { Operator } from "../index.ts";
import { ADA, type Step } from "./operator-playbooks.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** A command at a time of the virtual clock. */
export interface Timed {
  readonly atMs: number;
  readonly step: Step;
}

/** The console of the machine, a colleague's browser, a program with a token. */
const OWNER: Operator = { name: "owner", origin: "local", local: true };
const BOB: Operator = { name: "bob", origin: "http 10.0.0.12", local: false };
const PROGRAM: Operator = { name: "token", origin: "http 127.0.0.1", local: false };
const PEOPLE = [OWNER, ADA, BOB] as const;

const SECTORS = 100;
const CLUSTERS = 10;
const AGENTS = 30;

/** All that one day is made of; the kinds of days are drawn by their share. */
export class OperatorDays {
  readonly #random: () => number;
  #steps: Timed[] = [];
  #atMs = 0;
  #who: Operator = OWNER;
  #conflicts = 0;

  constructor(random: () => number) {
    this.#random = random;
  }

  /** What is done on a day, in the order of time, by people and also by programs; days are counted from 0. */
  day(nth: number, withPrograms: boolean): readonly Timed[] {
    this.#steps = [];
    const dayMs = nth * DAY_MS;
    if (withPrograms) this.#automation(dayMs);
    this.#begin(dayMs + 7 * HOUR_MS);
    this.#morning();
    const kinds = [
      () => this.#incident(),
      () => this.#rollout(),
      () => this.#drill(),
      () => this.#massScale(),
      () => this.#review(),
      () => this.#keys(),
      () => this.#look(),
    ];
    // Several things happen on a day, some of them to the same person in a row.
    for (let hour = 9; hour < 19; hour += 1 + this.#below(3)) {
      this.#begin(dayMs + hour * HOUR_MS);
      kinds[this.#below(kinds.length)]();
      if (this.#random() < 0.3) kinds[this.#below(kinds.length)]();
    }
    // And now and then somebody is called out of bed.
    if (this.#random() < 0.15) {
      this.#begin(dayMs + 2 * HOUR_MS);
      this.#incident();
    }
    return this.#steps.sort((one, other) => one.atMs - other.atMs);
  }

  /** Programs and dashboards work and look, all day. */
  #automation(dayMs: number): void {
    const add = (atMs: number, command: string, args: Step["args"] = {}, who = PROGRAM): void => {
      this.#steps.push({ atMs, step: { afterMs: 0, who, command, args } });
    };
    for (let minute = 0; minute < 24 * 60; minute += 2) {
      const atMs = dayMs + minute * MINUTE_MS;
      add(atMs, "status");
      for (let i = 0; i < 30; i++)
        add(atMs + i * 100, "ask", { address: this.#agent(), message: "work" });
      if (minute % 60 === 0) add(atMs, "cascade", { message: "hourly" });
      // A page on which one agent is looked at.
      const watched = this.#agent();
      if (minute % 120 === 0)
        for (let second = 0; second < 60; second++)
          add(atMs + second * 1000, "inspect", { address: watched }, BOB);
    }
    add(dayMs + 3 * HOUR_MS, "backup", {});
  }

  #begin(atMs: number): void {
    this.#atMs = atMs + this.#below(20 * MINUTE_MS);
    this.#who = PEOPLE[this.#below(PEOPLE.length)];
  }

  /** A command, and then a pause of about so many seconds. */
  #do(command: string, args: Step["args"] = {}, pauseS = 15): void {
    this.#steps.push({ atMs: this.#atMs, step: { afterMs: 0, who: this.#who, command, args } });
    this.#atMs += pauseS * 1000 * (0.3 + 1.4 * this.#random());
  }

  #morning(): void {
    for (const command of ["status", "health", "kpis", "conflicts", "circuits", "dead-letters"])
      this.#do(command);
    for (let i = this.#below(4); i > 0; i--) this.#do("inspect", { address: this.#agent() });
  }

  #look(): void {
    for (let i = 10 + this.#below(60); i > 0; i--)
      this.#do("inspect", { address: this.#agent() }, 4);
  }

  /** A part of the mesh is ill: it is looked at, led around, healed, and put back. */
  #incident(): void {
    const sector = this.#sector();
    this.#do("status", { target: sector });
    for (let i = 10 + this.#below(50); i > 0; i--)
      this.#do("inspect", { address: this.#agent(sector) }, 3);
    this.#do("why", { agents: this.#agent(sector) });
    const avoided = Array.from({ length: 2 + this.#below(8) }, () => this.#agent(sector));
    for (const target of avoided) this.#do("route", { action: "avoid", target, reason: "slow" }, 6);
    if (this.#random() < 0.4) this.#do("circuits", { action: "trip", target: sector });
    if (this.#random() < 0.3) this.#do("freeze", { scope: sector }, 60);
    this.#do("heal", { target: sector }, 20);
    for (let i = this.#below(4); i > 0; i--)
      this.#do("restart", { address: this.#agent(sector) }, 8);
    if (this.#random() < 0.3) this.#do("thaw", { scope: sector });
    this.#do("circuits", { action: "reset", target: sector }, 10);
    // It comes back, and is tried again.
    if (this.#random() < 0.3) this.#do("circuits", { action: "reset", target: sector }, 60);
    for (let i = this.#below(10); i > 0; i--)
      this.#do("circuits", { action: "reset", target: `${sector}/cluster-${i}` }, 5);
    for (const target of avoided) this.#do("route", { action: "allow", target }, 5);
    if (this.#random() < 0.3) this.#do("mode", { action: "set", mode: "FULL" });
    this.#do("mode", { action: "auto" });
    for (let i = this.#below(6); i > 0; i--)
      this.#do("quarantine", { action: "release", id: `conflict-${this.#conflicts++}` }, 12);
    if (this.#random() < 0.2) this.#do("freeze", {}, 120);
    if (this.#random() < 0.2) this.#do("thaw");
    this.#do("broadcast", { message: "all clear" });
  }

  /** New code, module by module; or every sector is restarted, one after the other. */
  #rollout(): void {
    for (let i = 1 + this.#below(6); i > 0; i--)
      this.#do("reload", { module: `agent-${i}.mjs` }, 20);
    if (this.#random() < 0.4)
      for (let nth = 1; nth <= SECTORS; nth++)
        this.#do("restart", { address: `sector-${nth}` }, 12);
    this.#do("cascade", { message: "new version" });
    if (this.#random() < 0.3) this.#do("undo");
  }

  #drill(): void {
    for (let i = 1 + this.#below(8); i > 0; i--)
      this.#do(
        "kill",
        { target: i % 2 === 0 ? `worker-${1 + this.#below(2)}` : this.#agent() },
        30,
      );
    this.#do("heal", { target: "auto" });
    this.#do("freeze", {}, 60);
    this.#do("thaw");
    for (let i = 1 + this.#below(5); i > 0; i--) {
      const scope = this.#sector();
      this.#do("freeze", { scope }, 20);
      this.#do("thaw", { scope });
    }
  }

  /** A third of the mesh, and sometimes more than half of it, is let in or sent home. */
  #massScale(): void {
    const count = [1_000, 10_000, 18_000][this.#below(3)];
    this.#do("scale", { action: "remove", count }, 300);
    this.#do("scale", {});
    this.#do("scale", { action: "add", count }, 300);
  }

  /** Conflicts are read, and decided. */
  #review(): void {
    for (let i = 5 + this.#below(60); i > 0; i--) {
      const id = `conflict-${this.#conflicts++}`;
      this.#do("conflicts", { action: "show", id }, 20);
      this.#do("conflicts", { action: "resolve", id, outcome: "looked at", by: "ops" }, 5);
    }
  }

  #keys(): void {
    this.#do("keys", { action: "list" });
    for (let i = this.#below(4); i > 0; i--)
      this.#do("keys", { action: "revoke", scope: this.#agent() }, 40);
    this.#do("keys", { action: "rotate", scope: "all" }, 20);
    // To see that it did no harm.
    this.#do("cascade", { message: "ping" });
  }

  #sector(): string {
    return `sector-${1 + this.#below(SECTORS)}`;
  }

  #agent(sector = this.#sector()): string {
    return `${sector}/cluster-${1 + this.#below(CLUSTERS)}/agent-${1 + this.#below(AGENTS)}`;
  }

  #below(end: number): number {
    return Math.floor(this.#random() * end);
  }
}
