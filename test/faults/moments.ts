/**
 * Each thing that a client can be in the middle of, and each process that can die or stand still just then: everybody
 * gets an end, the session is usable afterwards, and nothing is left.
 */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bringBackToRest, bringToRest, compareRests } from "../soak/rest.ts";
import { eventually } from "../support/host.ts";
import { findRoles, findSandboxes } from "../support/roles.ts";
import { startServer, type TestServer, uniqueId } from "../support/server.ts";
import { writeWheel } from "../support/wheels.ts";
import {
  ACTIVITIES,
  type ActivityName,
  activities,
  type Begun,
  type End,
  TRANSFERS,
  WHEEL,
} from "./activities.ts";
import { pause } from "./injector.ts";

export const VICTIMS = ["porter", "kernel", "warden", "zygote", "keeper", "gateway"] as const;
export type Victim = (typeof VICTIMS)[number];

export interface Moment {
  readonly activity: ActivityName;
  readonly victim: Victim;
  /** Killed, or stopped for a while. */
  readonly injury: "kill" | "pause";
}

const STOPPED_MS = 3000;
const END_MS_MAX = 30_000;
const HEALED_MS_MAX = 30_000;
const DRAIN_S = 3;
/** The drain and what comes after it, on a machine that does other work. */
const STOP_MS_MAX = DRAIN_S * 1000 + 12_000;
/** The supervisor gives up after twenty restarts in a minute. */
const AFTER_SERVICE_KILL_MS = 2500;

export const MOMENTS: readonly Moment[] = ACTIVITIES.flatMap((activity) => [
  ...VICTIMS.map((victim) => ({ activity, victim, injury: "kill" as const })),
  ...(["porter", "kernel"] as const).map((victim) => ({
    ...{ activity, victim, injury: "pause" as const },
  })),
]);

/** What is not the session's own, or only stands still for a while, is nothing to it. */
function mustFinish({ activity, victim, injury }: Moment): boolean {
  const isNeeded = victim !== "porter" || TRANSFERS.includes(activity);
  return injury === "pause" || victim === "zygote" || victim === "keeper" || !isNeeded;
}

async function findVictim(
  server: TestServer,
  session_id: string,
  victim: Victim,
): Promise<number | undefined> {
  if (victim === "gateway" || victim === "keeper") return findRoles(server)[victim]?.pid;
  if (victim === "zygote") return findRoles(server).zygotes.at(-1)?.pid;
  const { body } = await server.request<{
    containers: { id: string; session_id: string | null }[];
  }>("/api/security/containers");
  const own = body.containers.find((one) => one.session_id === session_id)?.id;
  return findSandboxes(server).find(({ id }) => id === own)?.[victim];
}

async function inTime<T>(work: Promise<T>, limitMs: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: no end in ${limitMs} ms`)), limitMs);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

/** How it ended. Undefined where there was no such process. */
async function injure(server: TestServer, moment: Moment): Promise<End | undefined> {
  const { activity, victim, injury } = moment;
  const session_id = uniqueId(activity);
  const begun = await activities[activity](server, session_id);
  const pid = await findVictim(server, session_id, victim);
  if (pid !== undefined) process.kill(pid, injury === "kill" ? "SIGKILL" : "SIGSTOP");
  await pause(injury === "kill" ? 300 : STOPPED_MS);
  if (pid !== undefined && injury === "pause") process.kill(pid, "SIGCONT");
  begun.goOn();
  const end = await inTime(begun.end, END_MS_MAX, "the client");
  if (mustFinish(moment)) assert.equal(end, "finished", "it was nothing of its own");
  await expectUsable(server, session_id);
  if (injury === "kill" && (victim === "keeper" || victim === "gateway")) {
    await pause(AFTER_SERVICE_KILL_MS);
  }
  return pid === undefined ? undefined : end;
}

/** Code and files of the session, whatever has happened to it. */
async function expectUsable(server: TestServer, session_id: string): Promise<void> {
  await eventually(async () => {
    const body = { session_id, code: "print(6 * 7)", files: [{ path: "in", content: "1" }] };
    const answer = await server
      .request<{ stdout?: string }>("/execute", { body })
      .catch(() => undefined);
    return answer?.body?.stdout === "42\n" ? undefined : `unusable: ${answer?.text}`;
  }, HEALED_MS_MAX);
  await server.request(`/sessions/${session_id}`, { method: "DELETE" });
}

/** A workspace without room refuses what needs some, does the rest, and has room again when it is made. */
async function fillWorkspace(server: TestServer): Promise<void> {
  const session_id = uniqueId("full");
  const files = (path: string, method = "GET", rawBody?: string) =>
    server.request(`/sessions/${session_id}/files${path}`, {
      method,
      ...(rawBody === undefined ? {} : { rawBody }),
    });
  const code = [
    "import os",
    "f = open('full', 'wb', buffering=0)",
    "for size in (10**6, 1000, 1):",
    "    try:",
    "        while True: f.write(bytes(size))",
    "    except OSError: pass",
    "f.close()",
    "print(os.path.getsize('full') > 10**7)",
  ].join("\n");
  assert.equal((await server.execute({ session_id, code })).stdout, "True\n");
  const large = "x".repeat(500_000);
  assert.equal((await files("/large", "PUT", large)).status, 413);
  const body = { session_id, code: "1", files: [{ path: "large", content: large }] };
  assert.equal((await server.request("/execute", { body })).status, 413);
  assert.equal((await files("?recursive=true")).status, 200);
  assert.equal((await files("/full", "HEAD")).status, 200);
  assert.equal((await server.execute({ session_id, code: "print(1)" })).status, "ok");
  for (const name of ["question", "notebook", "stream"] as const) {
    const begun = await activities[name](server, session_id);
    assert.equal(await inTime(begun.end, END_MS_MAX, name), "finished", `${name} without room`);
  }
  const begun = await activities.install(server, session_id);
  assert.notEqual(await inTime(begun.end, END_MS_MAX, "install"), "cut");
  assert.equal((await files("/full", "DELETE")).status, 204);
  assert.equal((await files("/large", "PUT", large)).status, 201);
  await server.request(`/sessions/${session_id}`, { method: "DELETE" });
}

/** Stopped in the middle of everything: in time, with 0, with an end for everybody, and nothing left. */
async function stopInTheMiddle(server: TestServer): Promise<string> {
  const begun: [ActivityName, Begun][] = [];
  for (const name of ACTIVITIES) {
    begun.push([name, await activities[name](server, uniqueId(name))]);
  }
  const start = performance.now();
  await server.stop();
  const tookMs = performance.now() - start;
  assert.ok(tookMs < STOP_MS_MAX, `the stop took ${tookMs} ms`);
  const ends = await Promise.all(
    begun.map(async ([name, { end, goOn }]) => {
      goOn(); // Whoever had stopped reading sees the end only now.
      return `${name} ${await inTime(end, 2000, name)}`;
    }),
  );
  return `stopped in ${Math.round(tookMs)} ms: ${ends.join(", ")}`;
}

export interface MomentsReport {
  readonly summary: string;
  readonly faults: readonly string[];
}

export async function injureInTheMiddle(moments: readonly Moment[]): Promise<MomentsReport> {
  const base = mkdtempSync(join(tmpdir(), "glovebox-wheels-"));
  const wheels = join(base, "wheels");
  mkdirSync(wheels);
  writeWheel(wheels, { name: WHEEL, version: "1.0", source: "answer = 42\n" });
  const server = await startServer({
    env: {
      ...{ WHEEL_DIR: wheels, POOL_SIZE: "2", MAX_SESSIONS: "20", MAX_WORKSPACE_MB: "20" },
      ...{ DRAIN_TIMEOUT: String(DRAIN_S), MAX_EXECUTION_TIME: "20" },
    },
  });
  const faults: string[] = [];
  const lines: string[] = [];
  const attempt = async (what: string, work: () => Promise<string | undefined>) => {
    try {
      lines.push(`${what}: ${(await work()) ?? "there was none"}`);
    } catch (error) {
      faults.push(`${what}: ${(error as Error).message}`);
    }
  };
  try {
    await server.execute({ code: "1" });
    const restBefore = await bringToRest(server);
    for (const moment of moments) {
      const { activity, victim, injury } = moment;
      await attempt(`${injury} the ${victim} during ${activity}`, () => injure(server, moment));
    }
    await attempt("a full workspace", async () => {
      await fillWorkspace(server);
      return "as it should";
    });
    faults.push(...compareRests(restBefore, await bringBackToRest(server, restBefore)));
    await attempt("SIGTERM", () => stopInTheMiddle(server));
  } finally {
    await server.end("SIGTERM");
    rmSync(base, { recursive: true, force: true });
  }
  lines.push(faults.length === 0 ? "passed" : `FAILED: ${faults.length} faults`, ...faults);
  return { summary: lines.join("\n"), faults };
}
