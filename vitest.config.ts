import { defineConfig } from "vitest/config";
import { RunReport } from "./test/support/run-report.ts";

/**
 * Files that assert no times, or few with wide bounds, run two at once: most of what they do is to
 * wait for servers, each of which has its own ports, ids and groups. All other files with servers,
 * new ones too, run alone, as two of them would measure each other.
 */
const quiet = [
  "access",
  "api",
  "ask",
  "audit",
  "chat",
  "chat-secrets",
  "cli",
  "cors",
  "datascience",
  "execute",
  "executions",
  "explained",
  "fuzz",
  "generate",
  "generate-secrets",
  "lifecycle",
  "mounts",
  "notebook",
  "openapi",
  "packages",
  "pictures",
  "python-client",
  "rich",
  "sdk",
  "tools",
].map((name) => `test/integration/${name}.test.ts`);

const withServers = {
  globalSetup: "test/support/shared-server-setup.ts",
  testTimeout: 60_000,
  hookTimeout: 60_000,
};
const oneAtATime = { ...withServers, fileParallelism: false };

export default defineConfig({
  test: {
    teardownTimeout: 30_000,
    reporters: ["default", new RunReport()],
    projects: [
      {
        test: {
          name: "unit",
          include: [
            "packages/*/src/**/*.test.ts",
            "scripts/*.test.mjs",
            "test/*.test.ts",
            "test/{corpus,fuzz,soak,faults,surface,support}/**/*.test.ts",
          ],
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: "integration-quiet",
          include: quiet,
          ...withServers,
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: "integration-alone",
          include: ["test/integration/**/*.test.ts"],
          exclude: quiet,
          ...oneAtATime,
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          name: "attack",
          include: ["test/attack/**/*.test.ts"],
          ...oneAtATime,
          maxConcurrency: 4,
          sequence: { groupOrder: 3 },
        },
      },
      {
        test: {
          name: "long",
          include: ["test/long/**/*.test.ts"],
          ...oneAtATime,
          sequence: { groupOrder: 4 },
        },
      },
    ],
  },
});
