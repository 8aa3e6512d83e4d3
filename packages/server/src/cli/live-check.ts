/**
 * The second half of `glovebox doctor`: starts a server of its own beside whatever runs, has it try
 * every protection on a live sandbox, and stops it. What a host offers is one thing, what holds in a
 * sandbox on it another.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { askDirectly, type Config } from "../config.js";
import type { DoctorCheck } from "./doctor/check.js";

const ENTRY = fileURLToPath(new URL("../../bin/glovebox.mjs", import.meta.url));
const START_TIMEOUT_MS = 120_000;
const STOP_TIMEOUT_MS = 20_000;
const REMEDY =
  "do not run code of others here; see docs/operations.md, and report it if nothing there helps";

interface Health {
  readonly protections?: readonly { name: string; verified: boolean; detail: string }[];
  readonly error?: { readonly message: string };
}

/** One check for each protection, or one that says why none could be tried. */
export async function runLiveChecks(config: Config): Promise<DoctorCheck[]> {
  const stateDir = mkdtempSync(join(tmpdir(), "glovebox-doctor-"));
  const token = randomBytes(24).toString("base64url");
  const server = spawn(process.execPath, [ENTRY, "serve"], {
    cwd: stateDir, // Where no .env file lies.
    env: {
      ...config.environment,
      STATE_DIR: stateDir,
      AUTH: "token",
      AUTH_TOKEN: token,
      AUTH_TOKEN_FILE: "",
      HOST: "127.0.0.1",
      PORT: "0",
      POOL_SIZE: "0",
      LOG_LEVEL: "error",
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  try {
    const address = await addressOf(server);
    askDirectly(new URL(address).hostname);
    const answer = await fetch(`${address}/api/security/health`, {
      headers: { "x-auth-token": token },
      redirect: "error",
    });
    const { protections, error } = (await answer.json()) as Health;
    if (!protections) return [failure(error?.message ?? `the server answered ${answer.status}`)];
    return protections.map(({ name, verified, detail }) =>
      verified
        ? { name, status: "ok", found: `verified: ${detail}` }
        : { name, status: "missing", found: detail, remedy: REMEDY },
    );
  } catch (error) {
    return [failure((error as Error).message)];
  } finally {
    await stop(server);
    rmSync(stateDir, { recursive: true, force: true });
  }
}

function failure(reason: string): DoctorCheck {
  return { name: "live sandbox", status: "missing", found: reason, remedy: REMEDY };
}

/** What the server prints when it is ready. @throws Error with its last words when it never is */
function addressOf(server: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let printed = "";
    const timer = setTimeout(() => reject(new Error("no sandbox got ready")), START_TIMEOUT_MS);
    const read = (chunk: Buffer) => {
      printed += chunk.toString("utf8");
      const address = /^ {2}Address +(\S+)/m.exec(printed)?.[1];
      if (address === undefined) return;
      clearTimeout(timer);
      resolve(address);
    };
    server.stdout?.on("data", read);
    server.stderr?.on("data", read);
    server.once("exit", () => {
      clearTimeout(timer);
      reject(new Error(printed.trim().split("\n").at(-1) || "the server ended at once"));
    });
  });
}

async function stop(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const ended = once(server, "exit");
  server.kill("SIGTERM");
  const stopped = ended.then(() => true);
  if (await Promise.race([stopped, delay(STOP_TIMEOUT_MS, false, { ref: false })])) return;
  // Its keeper and its gateway end with it.
  server.kill("SIGKILL");
  await ended;
}
