import { defineConfig } from "vitest/config";

/**
 * Integration and attack suites start real servers, each with its own zygote and sandboxes. On a
 * small machine two of them at once would measure each other, so these projects run file by file,
 * and one project after the other.
 */
const oneFileAtATime = {
  fileParallelism: false,
  testTimeout: 60_000,
  hookTimeout: 60_000,
};

export default defineConfig({
  test: {
    teardownTimeout: 30_000,
    projects: [
      {
        test: {
          name: "unit",
          include: [
            "packages/*/src/**/*.test.ts",
            "scripts/*.test.mjs",
            "test/*.test.ts",
            "test/{fuzz,soak,faults,surface}/**/*.test.ts",
          ],
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: "integration",
          include: ["test/integration/**/*.test.ts"],
          ...oneFileAtATime,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: "attack",
          include: ["test/attack/**/*.test.ts"],
          ...oneFileAtATime,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
