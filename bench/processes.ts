import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { moduleExecArgv, moduleUrl } from "./threads.ts";

const LIMIT_MS = 240_000;

/**
 * Runs a file of this folder in a process of its own and gives what it sends: for what is asked of a whole
 * process, its memory or its time, which the benches before have left their traces in.
 */
export async function askProcess<Answer>(name: string, question: object): Promise<Answer> {
  const child = fork(fileURLToPath(moduleUrl(name)), [JSON.stringify(question)], {
    execArgv: [...moduleExecArgv(), "--expose-gc"],
    stdio: ["ignore", "ignore", "inherit", "ipc"],
    serialization: "advanced",
  });
  const limit = setTimeout(() => child.kill("SIGKILL"), LIMIT_MS);
  let answer: { readonly value: Answer } | undefined;
  child.once("message", (value) => {
    answer = { value: value as Answer };
  });
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", resolve);
    });
    if (code !== 0 || answer === undefined) throw new Error(`${name} ended with ${code}`);
    return answer.value;
  } finally {
    clearTimeout(limit);
    child.kill("SIGKILL");
  }
}

/** In such a process: what it was asked. */
export function question<Question>(): Question {
  return JSON.parse(process.argv[2]) as Question;
}

/** In such a process: gives the answer; the process then ends by itself. */
export function answer(value: unknown): void {
  process.send?.(value, undefined, undefined, () => process.disconnect());
}
