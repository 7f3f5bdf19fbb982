/** Lets worker threads load the sources: `--import tsx` alone leaves them without its loader on Node 20. */
export function sourceLoader(): string[] {
  const loader = JSON.stringify(import.meta.resolve("tsx/esm/api"));
  return ["--import", `data:text/javascript,import { register } from ${loader}; register();`];
}
