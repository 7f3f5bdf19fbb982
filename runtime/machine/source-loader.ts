/** Lets worker threads load the sources: `--import tsx` alone leaves them without its loader on Node 20. */
export function sourceLoader(): string[] {
  const loader = JSON.stringify(import.meta.resolve("tsx/esm/api"));
  return ["--import", `data:text/javascript,import { register } from ${loader}; register();`];
}

let loading: Promise<void> | undefined;

/**
 * Lets this thread load modules in TypeScript: by Node itself where it strips types, else by the package tsx, which
 * then has to be there.
 */
export function loadTypeScript(): Promise<void> {
  const { typescript } = process.features as { readonly typescript?: unknown };
  if (typescript !== undefined && typescript !== false) return Promise.resolve();
  loading ??= registerTsx();
  return loading;
}

async function registerTsx(): Promise<void> {
  // Both, for what a file without a package is. Its types are not needed, and who has no TypeScript needs no tsx.
  for (const api of ["tsx/cjs/api", "tsx/esm/api"]) {
    const { register } = (await import(api).catch(() => {
      throw new Error("it is TypeScript, for which this Node needs a package: npm install tsx");
    })) as { register(): unknown };
    register();
  }
}
