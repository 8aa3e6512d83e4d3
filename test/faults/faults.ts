/**
 * Honest clients on a server whose processes are killed and stopped at random. Each client keeps a ledger of what
 * it was promised.
 */
import assert from "node:assert/strict";
import { Random } from "../fuzz/random.ts";
import { bringBackToRest, bringToRest, compareRests } from "../soak/rest.ts";
import { eventually } from "../support/host.ts";
import { startServer, type TestServer, uniqueId } from "../support/server.ts";
import { assertExecutionShape } from "../support/shape.ts";
import { Injector, type Kind, pause } from "./injector.ts";
import { judgeReply, type Ledger, type Reply } from "./ledger.ts";

export interface FaultsOptions {
  readonly seconds: number;
  readonly seed: number;
  /** What is killed. */
  readonly kinds: readonly Kind[];
  readonly onProgress?: (line: string) => void;
}

export interface FaultsReport {
  readonly summary: string;
  readonly faults: readonly string[];
}

const CLIENTS = 6;
const ANSWER_MS_MAX = 60_000;
const BETWEEN_KILLS_MS = 1200;
const BETWEEN_PAUSES_MS = 800;
/** Codes of errors.md that tell a caller to try again. */
const REFUSALS = ["SANDBOX_START_FAILED", "POOL_EXHAUSTED", "SHUTTING_DOWN"];
const SERVER_ENV = {
  POOL_SIZE: "3",
  MAX_SESSIONS: "30",
  SESSION_TTL: "3600",
  MAX_EXECUTION_TIME: "20",
};

/** One session, asked again and again. The name of its sandbox's host tells which sandbox it is. */
class Client {
  readonly #server: TestServer;
  readonly #injector: Injector;
  readonly #random: Random;
  #ledger: Ledger;
  readonly tally: Record<Reply["kind"], number> = { ran: 0, died: 0, refused: 0, disconnected: 0 };

  constructor(server: TestServer, injector: Injector, random: Random) {
    this.#server = server;
    this.#injector = injector;
    this.#random = random;
    const owner = uniqueId("faults");
    this.#ledger = { owner, sandbox: undefined, runs: 0, gatewayKills: 0 };
  }

  async exchange(): Promise<Reply> {
    const killsBefore = this.#injector.gatewayKills;
    const seconds = this.#random.chance(0.5) ? 0 : this.#random.fraction() * 0.5;
    const reply = await withinTime(this.#ask(seconds));
    this.#ledger = judgeReply(this.#ledger, reply, this.#injector, killsBefore);
    this.tally[reply.kind]++;
    return reply;
  }

  async #ask(seconds: number): Promise<Reply> {
    const { owner } = this.#ledger;
    const code = [
      "import os, time",
      `if 'runs' not in globals(): runs, owner = 0, '${owner}'`,
      "runs += 1",
      `time.sleep(${seconds})`,
      "print(owner, os.uname().nodename.removeprefix('sandbox-'), runs)",
    ].join("\n");
    const answer = await this.#server
      .tryExecute({ session_id: owner, code })
      .catch(() => undefined);
    if (answer === undefined) return { kind: "disconnected" };
    if (answer.status === 503) {
      assert.ok(REFUSALS.includes(answer.body.error.code), answer.text);
      return { kind: "refused" };
    }
    assert.equal(answer.status, 200, answer.text);
    assertExecutionShape(answer.body);
    const { status, stdout, execution_count } = answer.body;
    if (status === "killed") return { kind: "died" };
    assert.equal(status, "ok", answer.text);
    const [told = "", sandbox = "", runs = ""] = stdout.trim().split(" ");
    return {
      kind: "ran",
      owner: told,
      sandbox,
      runs: Number(runs),
      executionCount: execution_count,
    };
  }
}

async function withinTime<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer in ${ANSWER_MS_MAX} ms`)), ANSWER_MS_MAX);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

export async function injectFaults(options: FaultsOptions): Promise<FaultsReport> {
  const server = await startServer({ env: SERVER_ENV });
  try {
    await server.execute({ code: "1" });
    const restBefore = await bringToRest(server);
    const random = new Random(options.seed);
    const injector = new Injector(server, random, options.kinds);
    const clients = Array.from(
      { length: CLIENTS },
      () => new Client(server, injector, new Random(random.seed())),
    );
    const faults = await trouble(clients, injector, random, options);
    try {
      await injector.settle();
      faults.push(...injector.faults, ...(await expectHealed(clients)));
      faults.push(...compareRests(restBefore, await bringBackToRest(server, restBefore)));
      await server.stop();
    } catch (error) {
      faults.push((error as Error).message);
    }
    return { summary: summarise(options, clients, injector, faults), faults };
  } finally {
    await server.end("SIGTERM");
  }
}

async function trouble(
  clients: readonly Client[],
  injector: Injector,
  random: Random,
  { seconds, onProgress }: FaultsOptions,
): Promise<string[]> {
  const faults: string[] = [];
  const deadline = performance.now() + seconds * 1000;
  const isOver = (): boolean => performance.now() >= deadline;

  async function repeat(work: () => Promise<unknown>): Promise<void> {
    try {
      while (!isOver()) await work();
    } catch (error) {
      faults.push((error as Error).message);
    }
  }

  await Promise.all([
    ...clients.map((client) =>
      repeat(async () => {
        const { kind } = await client.exchange();
        await pause(kind === "ran" ? random.below(150) : 150);
      }),
    ),
    repeat(async () => {
      await pause(random.below(BETWEEN_KILLS_MS * 2));
      injector.kill();
      onProgress?.(`killed ${JSON.stringify(injector.kills)}`);
    }),
    repeat(async () => {
      await pause(random.below(BETWEEN_PAUSES_MS * 2));
      await injector.stopForAWhile();
    }),
  ]);
  return faults;
}

/** With nobody disturbing it any more, every session answers, and goes on answering. */
async function expectHealed(clients: readonly Client[]): Promise<string[]> {
  const faults: string[] = [];
  for (const client of clients) {
    try {
      await eventually(async () => {
        const { kind } = await client.exchange();
        return kind === "ran" ? undefined : `a session is ${kind} after all faults`;
      }, 30_000);
      for (let count = 0; count < 3; count++) {
        assert.equal((await client.exchange()).kind, "ran", "a session is not healed");
      }
    } catch (error) {
      faults.push((error as Error).message);
    }
  }
  return faults;
}

function summarise(
  { seconds }: FaultsOptions,
  clients: readonly Client[],
  injector: Injector,
  faults: readonly string[],
): string {
  const total = (kind: Reply["kind"]) => clients.reduce((sum, { tally }) => sum + tally[kind], 0);
  const kinds = ["ran", "died", "refused", "disconnected"] as const;
  const slowest = Math.round(Math.max(0, ...injector.recoveriesMs));
  return [
    `${seconds} s; killed ${JSON.stringify(injector.kills)}, stopped for a while ${JSON.stringify(injector.pauses)}`,
    `requests: ${kinds.map((kind) => `${total(kind)} ${kind}`).join(", ")}`,
    `after its death the gateway was back within ${slowest} ms, its sandboxes gone`,
    faults.length === 0 ? "passed" : `FAILED: ${faults.length} faults`,
    ...faults,
  ].join("\n");
}
