/**
 * Rehearsals in a process of their own, so that the mesh that is asked loses no time and no memory to them:
 *
 *     mesh ── request, a JSON document ──▶ process, less urgent than the mesh ── a JSON document a line ──▶ mesh
 *
 * One at a time, and each within its time.
 */
import { spawn } from "node:child_process";
import { constants, setPriority } from "node:os";
import { fileURLToPath } from "node:url";
import { sourceLoader } from "../../runtime/machine/source-loader.ts";
import type { LivePicture } from "../../simulator/live-picture.ts";
import type { RehearsalOutcome } from "../../simulator/rehearsal.ts";
import type { OperationDocument } from "../reports/operation-report.ts";
import { ConsoleError } from "../terminal/exit.ts";
import { LineReader } from "../terminal/lines.ts";
import type { WhatIfRequest } from "./what-if-command.ts";

/** What the process is given. */
export interface RehearsalTask extends WhatIfRequest {
  readonly picture: LivePicture;
}

/** What it says in the end: what the line printed last, and what became of all. */
export interface Rehearsed {
  readonly last: OperationDocument;
  readonly outcome: RehearsalOutcome;
}

/** A line of the process. */
export type RehearsalLine =
  | { readonly progress: string }
  | { readonly data: Rehearsed }
  | { readonly error: { readonly code: string; readonly message: string } };

/** Longest that a rehearsal may take, ms. */
const MOST_MS = 300_000;
/** Memory of the process, MiB. */
const HEAP_MIB = 4096;
const MAX_LINE_BYTES = 64 * 1024 * 1024;
const MAX_TALK = 4000;

let underWay = false;

/** Runs it; CONSOLE_REHEARSAL when another is under way, it takes too long, or the process fails. */
export async function runRehearsal(
  task: RehearsalTask,
  signal: AbortSignal,
  tell: ((progress: string) => void) | undefined,
): Promise<Rehearsed> {
  signal.throwIfAborted();
  if (underWay)
    throw new ConsoleError("CONSOLE_REHEARSAL", "what-if: another is being simulated: wait for it");
  underWay = true;
  try {
    return await rehearsed(task, signal, tell);
  } finally {
    underWay = false;
  }
}

function rehearsed(
  task: RehearsalTask,
  signal: AbortSignal,
  tell: ((progress: string) => void) | undefined,
): Promise<Rehearsed> {
  const isSource = import.meta.url.endsWith(".ts");
  const file = new URL(`../rehearsal-process.${isSource ? "ts" : "js"}`, import.meta.url);
  const words = [`--max-old-space-size=${HEAP_MIB}`, ...(isSource ? sourceLoader() : [])];
  const child = spawn(process.execPath, [...words, fileURLToPath(file)], {
    stdio: ["pipe", "pipe", "pipe"],
  });
  if (child.pid !== undefined) giveWay(child.pid);
  return new Promise<Rehearsed>((resolve, reject) => {
    let talk = "";
    const end = (why: string): void => {
      child.kill("SIGKILL");
      reject(new ConsoleError("CONSOLE_REHEARSAL", `what-if: ${why}`));
    };
    const timer = setTimeout(() => end(`not simulated within ${MOST_MS / 1000} s`), MOST_MS);
    const onAbort = (): void => {
      child.kill("SIGKILL");
      reject(signal.reason);
    };
    signal.addEventListener("abort", onAbort, { once: true });
    const lines = new LineReader(
      MAX_LINE_BYTES,
      (line) => {
        const said = JSON.parse(line) as RehearsalLine;
        if ("progress" in said) tell?.(said.progress);
        else if ("data" in said) resolve(said.data);
        else reject(new ConsoleError(said.error.code, said.error.message));
      },
      () => end("the answer is too long"),
    );
    child.stdout.on("data", (chunk: Buffer) => lines.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => {
      talk = `${talk}${chunk}`.slice(-MAX_TALK);
    });
    child.on("error", (error) => end(error.message));
    // After an answer this changes nothing any more.
    child.on("close", (code) => {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
      end(`the simulation ended with ${code}: ${talk.trim().split("\n").at(-1) ?? ""}`);
    });
    // Whoever has died reads nothing; its end says why.
    child.stdin.on("error", () => {});
    child.stdin.end(JSON.stringify(task));
  });
}

/** Lets the mesh go first, where the machine can tell them apart. */
function giveWay(pid: number): void {
  try {
    setPriority(pid, constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {
    // It has ended already, which its exit tells.
  }
}
