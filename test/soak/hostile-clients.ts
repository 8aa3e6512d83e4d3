/** Starts and ends the process of the holders of keys. */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { TestServer } from "../support/server.ts";

const program = fileURLToPath(new URL("key-holder-process.ts", import.meta.url));

export interface HostileTask {
  readonly baseUrl: string;
  readonly holders: readonly { readonly secret: string; readonly seed: number }[];
}

export interface HostileClients {
  readonly attacks: number;
  /** What was wrong with answers that they had. */
  readonly faults: readonly string[];
  /** Ends them after the attacks that are under way. */
  stop(): Promise<void>;
}

export function startHostileClients(
  { baseUrl }: Pick<TestServer, "baseUrl">,
  holders: HostileTask["holders"],
): HostileClients {
  const task: HostileTask = { baseUrl, holders };
  const child = spawn(process.execPath, ["--import", "tsx", program, JSON.stringify(task)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const faults: string[] = [];
  let attacks = 0;
  let rest = "";
  child.stdout.on("data", (chunk: Buffer) => {
    const lines = (rest + chunk.toString("utf8")).split("\n");
    rest = lines.pop() ?? "";
    attacks += lines.length;
    faults.push(...lines.filter((line) => line !== ""));
  });
  const ended = new Promise<void>((resolve) => {
    child.once("close", (code) => {
      if (code !== 0) faults.push(`their process ended with ${code}`);
      resolve();
    });
  });
  return {
    get attacks() {
      return attacks;
    },
    faults,
    stop: () => {
      child.stdin.end();
      return ended;
    },
  };
}
