import type { ViteUserConfig } from "vitest/config";

const config: ViteUserConfig = {
  test: {
    include: ["**/*.test.ts"],
    exclude: ["**/node_modules/**", "dist/**"],
    globalSetup: ["test/build.ts"],
    // Processes, not threads: a test that starts worker threads then owns its process.
    pool: "forks",
    testTimeout: 60_000,
  },
};

export default config;
