/**
 * Runs every attack against a real server, as a client would. After each one a neighbour, whose
 * session has lived since the beginning, must still answer with its own state.
 */
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { attackCode } from "../support/corpus.ts";
import { eventually, listProcesses } from "../support/host.ts";
import {
  type ExecutionResponse,
  startServer,
  type TestServer,
  uniqueId,
} from "../support/server.ts";
import { STATUSES } from "../support/shape.ts";
import { httpAttacks } from "./http-attacks.ts";
import {
  type AttackCase,
  attackCases,
  httpAttackCases,
  type ThreatClass,
  threatClasses,
  threats,
} from "./manifest.ts";

const here = fileURLToPath(new URL(".", import.meta.url));
const repositoryRoot = join(here, "../..");
const corpusDirectory = join(here, "corpus");
const maxExecutionSeconds = 20;
const graceSeconds = 3;

const classes = Object.keys(threatClasses).map((key) => Number(key) as ThreatClass);

describe("the manifest", () => {
  test("every file of the corpus is a case, and every case has its file", () => {
    const files = readdirSync(corpusDirectory).filter((name) => name.endsWith(".py"));
    const expected = attackCases.flatMap((attack) =>
      attack.hasSetup ? [`${attack.id}.py`, `${attack.id}_setup.py`] : [`${attack.id}.py`],
    );
    expect(files.sort()).toEqual(expected.sort());
  });

  test("every HTTP case has its function and the reverse", () => {
    expect(Object.keys(httpAttacks).sort()).toEqual(httpAttackCases.map(({ id }) => id).sort());
  });

  test("every case has a name of its own", () => {
    const ids = [...attackCases, ...httpAttackCases].map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test("SECURITY.md names every threat, in its class, and no other", () => {
    const text = readFileSync(join(repositoryRoot, "SECURITY.md"), "utf8");
    const sections = text.split(/^### (?=\d+\. )/m).slice(1);
    const named = sections.flatMap((section) =>
      [...section.matchAll(/^\|\s*`([a-z0-9_]+)`/gm)].map(
        (match) => [match[1], Number.parseInt(section, 10)] as const,
      ),
    );
    expect(named.map(([name]) => name).sort()).toEqual(Object.keys(threats).sort());
    expect(Object.fromEntries(named)).toEqual(threats);
  });

  test("every threat has a case, and every class has cases", () => {
    const covered = new Set([...attackCases, ...httpAttackCases].map(({ threat }) => threat));
    const names = Object.keys(threats) as (keyof typeof threats)[];
    expect(names.filter((name) => !covered.has(name))).toEqual([]);
    const coveredClasses = new Set([...covered].map((name) => threats[name]));
    expect(classes.filter((threatClass) => !coveredClasses.has(threatClass))).toEqual([]);
  });
});

let server: TestServer;
let neighbour: string;
let neighbourRuns = 0;

/** Folders that are shared with the cases that ask for them, and that only those should notice. */
const shared = mkdtempSync(join(tmpdir(), "glovebox-attack-"));

function makeSharedFolders(): string {
  chmodSync(shared, 0o755);
  for (const name of ["reference", "results"]) {
    mkdirSync(join(shared, name));
    writeFileSync(join(shared, name, "public.txt"), "public");
    writeFileSync(join(shared, name, "private.txt"), "private", { mode: 0o600 });
  }
  symlinkSync("/etc/shadow", join(shared, "reference/shadow"));
  symlinkSync(join(shared, "reference"), join(shared, "reference/up"));
  writeFileSync(join(shared, "results/roots.txt"), "root's");
  // No user of the host; only the number matters.
  chownSync(join(shared, "results"), 12_345, 12_345);
  return `reference=${shared}/reference:ask,results=${shared}/results:rw:ask`;
}

beforeAll(async () => {
  server = await startServer({
    env: {
      DATA_MOUNTS: makeSharedFolders(),
      MAX_SESSIONS: "20",
      // So that a few sessions can fill it.
      MAX_HISTORY_MB: "48",
      MAX_EXECUTION_TIME: String(maxExecutionSeconds),
      // A model that nobody asks; only its key matters here.
      LLM_BASE_URL: "http://127.0.0.1:9/v1",
      LLM_MODEL: "none",
      LLM_API_KEY: `gbx-canary-${"0123456789abcdef".repeat(2)}`,
    },
  });
  neighbour = uniqueId("neighbour");
  await server.execute({
    session_id: neighbour,
    code: "import numpy, pandas\nruns = 0\nopen('mine', 'w').write('kept')\ndata = numpy.arange(1000)",
  });
});

afterAll(async () => {
  await server?.stop();
  rmSync(shared, { recursive: true, force: true });
});

let neighbourChecked: Promise<void> = Promise.resolve();

/** One at a time, since each counts the neighbour's runs; other attacks may be under way meanwhile. */
function expectNeighbourUnharmed(): Promise<void> {
  neighbourChecked = neighbourChecked.catch(() => undefined).then(checkNeighbour);
  return neighbourChecked;
}

/** State, files and libraries of the neighbour are what they were, and its answer is its own. */
async function checkNeighbour(): Promise<void> {
  const start = performance.now();
  const answer = await server.execute({
    session_id: neighbour,
    code: "runs += 1\nprint(runs, open('mine').read(), int(data.sum()), 'DONE')",
  });
  neighbourRuns += 1;
  expect(answer.status).toBe("ok");
  expect(answer.stdout).toBe(`${neighbourRuns} kept 499500 DONE\n`);
  expect(answer.stderr).toBe("");
  expect(performance.now() - start).toBeLessThan(2_000);
}

interface Verdict {
  readonly blocked: boolean;
  readonly detail: string;
}

function readVerdict(response: ExecutionResponse): Verdict {
  const lines = response.stdout.split("\n").filter((line) => line.startsWith('{"blocked"'));
  const last = lines.at(-1);
  if (last === undefined) {
    const { status, stdout, stderr, error } = response;
    throw new Error(`no verdict: ${JSON.stringify({ status, stdout, stderr, error }, null, 2)}`);
  }
  return JSON.parse(last) as Verdict;
}

function expectOutcome(attack: AttackCase, response: ExecutionResponse): void {
  const { expectation } = attack;
  switch (expectation.kind) {
    case "blocked": {
      const verdict = readVerdict(response);
      expect(verdict.blocked, verdict.detail).toBe(true);
      break;
    }
    case "ends":
      expect(expectation.statuses, JSON.stringify(response).slice(0, 2_000)).toContain(
        response.status,
      );
      break;
    case "contained":
      expect(STATUSES).toContain(response.status);
      expect(response.stdout.length).toBeLessThan(1_100_000);
      expect(response.stderr.length).toBeLessThan(1_100_000);
      break;
  }
}

async function runAttack(attack: AttackCase): Promise<void> {
  const session_id = uniqueId(attack.id);
  const setupId = `${session_id}-setup`;
  const marker = `${Math.floor(Math.random() * 1e9) + 1e6}.5`;
  const facts: Record<string, unknown> = { MARKER: marker, NEIGHBOUR: neighbour };
  if (attack.hasSetup) {
    const setup = await server.execute({
      session_id: setupId,
      code: attackCode(server, `${attack.id}_setup`, facts),
    });
    expect(setup.status, JSON.stringify(setup.error)).toBe("ok");
    facts.SETUP_OUTPUT = setup.stdout;
  }

  if (attack.mounts) {
    facts.HOST_FOLDER = join(shared, "reference");
    const body = { session_id, mounts: attack.mounts };
    const made = await server.request("/sessions", { body });
    expect(made.status, made.text).toBe(201);
  }

  if (attack.hasPorter) await carryFile(session_id, "PUT");
  const asked = attack.hasPorter
    ? pause(2_000).then(() => carryFile(session_id, "GET"))
    : undefined;

  const timeout = attack.timeout ?? maxExecutionSeconds;
  const start = performance.now();
  const answer = await server.tryExecute({
    session_id,
    code: attackCode(server, attack.id, facts),
    timeout,
  });
  const seconds = (performance.now() - start) / 1000;
  expect(answer.status, answer.text.slice(0, 2_000)).toBe(200);
  expect(seconds).toBeLessThan(attack.withinSeconds ?? timeout + graceSeconds);
  await expectNeighbourUnharmed();

  await asked;
  if (attack.hasPorter && answer.body.status === "ok") await carryFile(session_id, "GET");

  // The author of the attack is answered as well: perhaps by a broken interpreter of their own
  // making, but in time, and after a reset by a sound one.
  await server.execute({ session_id, code: "1", timeout: 2 });
  const reset = await server.request(`/sessions/${session_id}/reset`, { method: "POST" });
  expect(reset.status, reset.text).toBe(200);
  const fresh = await server.execute({ session_id, code: "print(6 * 7)" });
  expect(fresh.stdout).toBe("42\n");

  await server.request(`/sessions/${session_id}`, { method: "DELETE" });
  if (attack.hasSetup) {
    await server.request(`/sessions/${setupId}`, { method: "DELETE" });
  }
  if (attack.leavesNoProcess) {
    await eventually(() => findMarked(marker), 3_000);
  }
  expectOutcome(attack, answer.body);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Whatever user code does to the process that carries files: this is answered, and soon. */
async function carryFile(id: string, method: "GET" | "PUT"): Promise<void> {
  const startedAt = performance.now();
  const answer = await fetch(`${server.baseUrl}/sessions/${id}/files/carried.txt`, {
    method,
    headers: { "x-auth-token": server.token },
    ...(method === "PUT" ? { body: "carried" } : {}),
  });
  const text = await answer.text();
  // Where memory ran out, the sandbox may be gone with what was in it.
  if (answer.status !== 404 && answer.status !== 503) {
    expect(answer.status, text).toBe(method === "PUT" ? 201 : 200);
    if (method === "GET") expect(text).toBe("carried");
  }
  expect(performance.now() - startedAt).toBeLessThan(5_000);
}

function findMarked(marker: string): string | undefined {
  const left = listProcesses().filter(({ commandLine }) => commandLine.includes(marker));
  return left.length === 0 ? undefined : left.map((one) => one.commandLine).join("\n");
}

describe.each(classes)("class %i", (threatClass) => {
  const cases = attackCases.filter((attack) => threats[attack.threat] === threatClass);
  const httpCases = httpAttackCases.filter((attack) => threats[attack.threat] === threatClass);

  // Each of these is over when its own deadline is, so some of them are waited for at a time.
  const waits = (attack: AttackCase) => attack.waits === true || threatClass === 4;
  for (const attack of cases.filter(waits)) {
    test.concurrent(`${attack.id}: ${attack.source}`, () => runAttack(attack));
  }

  for (const attack of cases.filter((one) => !waits(one))) {
    test(`${attack.id}: ${attack.source}`, () => runAttack(attack));
  }

  for (const attack of httpCases) {
    test(`${attack.id}: ${attack.source}`, async () => {
      await httpAttacks[attack.id]?.(server);
      await expectNeighbourUnharmed();
    });
  }

  test("the neighbour and a new session answer after all of it", async () => {
    await expectNeighbourUnharmed();
    const fresh = await server.execute({ code: "import numpy\nprint(numpy.arange(10).sum())" });
    expect(fresh.stdout).toBe("45\n");
  });
});

describe("after all attacks", () => {
  test("the server has not grown and its processes are those of the living sessions", async () => {
    const nodeProcesses = server.processes().filter((one) => one.commandLine.includes("node"));
    for (const one of nodeProcesses) {
      const status = readFileSync(`/proc/${one.pid}/status`, "utf8");
      const resident = Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0);
      expect(resident, one.commandLine).toBeLessThan(600_000);
    }
    const { body } = await server.request<{ sessions: { session_id: string }[] }>("/sessions");
    expect(body.sessions.map((session) => session.session_id)).toEqual([neighbour]);
  });
});
