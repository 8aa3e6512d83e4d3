/** How fast /health answers while other things happen. */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { TestServer } from "./server.ts";

const program = fileURLToPath(new URL("health-probe.mjs", import.meta.url));
const PAUSE_MS = 50;

export interface HealthProbe {
  /** Milliseconds of each answer so far, -1 where there was none. */
  readonly answersMs: readonly number[];
  stop(): Promise<void>;
}

export function probeHealth(server: TestServer): HealthProbe {
  const answersMs: number[] = [];
  const child = spawn(process.execPath, [program, `${server.baseUrl}/health`, String(PAUSE_MS)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  let rest = "";
  child.stdout.on("data", (chunk: Buffer) => {
    const lines = (rest + chunk.toString("latin1")).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) answersMs.push(Number(line));
  });
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  return {
    answersMs,
    stop: () => {
      child.stdin.end();
      return exited;
    },
  };
}
