import type { ViteUserConfig } from "vitest/config";

const config: ViteUserConfig = {
  test: {
    include: ["**/*.test.ts"],
    exclude: ["**/node_modules/**", "dist/**"],
    globalSetup: ["test/build.ts"],
    // Processes, not threads: a test that starts worker threads then owns its process.
    pool: "forks",
    // Most of a run is waiting: two at once on two cores, where one core would be left idle.
    maxWorkers: 2,
    testTimeout: 60_000,
  },
};

export default config;
