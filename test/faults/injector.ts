/** Kills and stops the processes of a server at random, and remembers what it has done. */
import type { Random } from "../fuzz/random.ts";
import { eventually, type HostProcess } from "../support/host.ts";
import { findRoles, findSandboxes } from "../support/roles.ts";
import type { TestServer } from "../support/server.ts";
import type { Injuries } from "./ledger.ts";

export const KINDS = ["zygote", "keeper", "gateway", "warden", "kernel"] as const;
export type Kind = (typeof KINDS)[number];

/** The supervisor gives up after twenty restarts in a minute, and the keeper after five zygotes in a row. */
const RESTARTS_PER_MINUTE_MAX = 10;
const BETWEEN_ZYGOTES_MS = 6000;
/**
 * Until the gateway must answer again and its sandboxes must be gone, counted from the last death of a process
 * that it needs: seconds on a machine that has nothing else to do.
 */
const RECOVERY_MS_MAX = 25_000;
/** Clients may still use connections to a gateway that is gone. */
const AFTERSHOCK_MS = 2000;
const PAUSE_MS_MAX = 1500;
/** So much of a sandbox's name is in its host name, which is how a client knows it. */
const HOST_NAME_ID_LENGTH = 8;

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended by itself or with its parent since it was looked up.
  }
}

export class Injector implements Injuries {
  readonly #server: TestServer;
  readonly #random: Random;
  readonly #kinds: readonly Kind[];
  readonly #restarts: number[] = [];
  readonly #pids: { gateway?: number; keeper?: number } = {};
  readonly #killed = new Set<number>();
  readonly #recoveries: Promise<void>[] = [];
  #lastServiceKill = 0;
  #lastZygoteKill = Number.NEGATIVE_INFINITY;
  #shocks = 0;
  readonly killedSandboxes = new Set<string>();
  readonly kills: Record<Kind, number> = { zygote: 0, keeper: 0, gateway: 0, warden: 0, kernel: 0 };
  readonly pauses: Record<Kind, number> = {
    zygote: 0,
    keeper: 0,
    gateway: 0,
    warden: 0,
    kernel: 0,
  };
  readonly recoveriesMs: number[] = [];
  readonly faults: string[] = [];

  /** Only `kinds` are killed; all may be stopped for a while. */
  constructor(server: TestServer, random: Random, kinds: readonly Kind[]) {
    this.#server = server;
    this.#kinds = kinds;
    this.#random = random;
  }

  get gatewayKills(): number {
    return this.kills.gateway;
  }

  get gatewayIsShaken(): boolean {
    return this.#shocks > 0;
  }

  /** Kill one process of a kind that is due, if there is one. */
  kill(): void {
    const kind = this.#random.pick(this.#kinds);
    const now = performance.now();
    if (kind === "warden" || kind === "kernel") {
      this.#killInSandbox(kind);
    } else if (kind === "zygote") {
      if (now - this.#lastZygoteKill < BETWEEN_ZYGOTES_MS) return;
      this.#lastZygoteKill = now;
      this.#killOne(kind, findRoles(this.#server).zygotes.at(-1));
    } else {
      const recent = this.#restarts.filter((time) => now - time < 60_000);
      if (recent.length >= RESTARTS_PER_MINUTE_MAX) return;
      this.#restarts.push(now);
      if (kind === "keeper") this.#killOne(kind, this.#findWatched(kind));
      else this.#killGateway();
    }
  }

  #killInSandbox(kind: "warden" | "kernel"): void {
    const sandboxes = findSandboxes(this.#server).filter((sandbox) => sandbox[kind] !== undefined);
    if (sandboxes.length === 0) return;
    const sandbox = this.#random.pick(sandboxes);
    this.killedSandboxes.add(sandbox.id.slice(0, HOST_NAME_ID_LENGTH));
    this.kills[kind]++;
    send(sandbox[kind] ?? 0, "SIGKILL");
  }

  #killOne(kind: Kind, victim: HostProcess | undefined): boolean {
    if (!victim) return false;
    this.kills[kind]++;
    this.#killed.add(victim.pid);
    this.#lastServiceKill = performance.now();
    send(victim.pid, "SIGKILL");
    return true;
  }

  #killGateway(): void {
    const sandboxes = new Set(findSandboxes(this.#server).map(({ id }) => id));
    const gateway = this.#findWatched("gateway");
    if (this.#killOne("gateway", gateway)) this.#recoveries.push(this.#watchRecovery(sandboxes));
  }

  /** Its sandboxes end with it, and it is back in time. */
  async #watchRecovery(sandboxes: ReadonlySet<string>): Promise<void> {
    const start = performance.now();
    this.#shocks++;
    await this.#inTime("sandboxes outlive their gateway", async () =>
      findSandboxes(this.#server).every(({ id }) => !sandboxes.has(id)),
    );
    await this.#inTime("the gateway does not come back", async () => {
      const answer = await this.#server.request("/health").catch(() => undefined);
      return answer?.status === 200;
    });
    this.recoveriesMs.push(performance.now() - Math.max(start, this.#lastServiceKill));
    await pause(AFTERSHOCK_MS);
    this.#shocks--;
  }

  async #inTime(fault: string, isDone: () => Promise<boolean>): Promise<void> {
    const start = performance.now();
    while (!(await isDone())) {
      if (performance.now() - Math.max(start, this.#lastServiceKill) > RECOVERY_MS_MAX) {
        this.faults.push(`${fault}:\n${this.#server.log().slice(-3000)}`);
        return;
      }
      await pause(100);
    }
  }

  /** Stop one process for a while; everything else waits for it or does not need it. */
  async stopForAWhile(): Promise<void> {
    const kind = this.#random.pick(KINDS);
    const pid = this.#findAny(kind);
    if (pid === undefined) return;
    this.pauses[kind]++;
    send(pid, "SIGSTOP");
    await pause(this.#random.between(50, PAUSE_MS_MAX));
    send(pid, "SIGCONT");
  }

  #findAny(kind: Kind): number | undefined {
    if (kind === "gateway" || kind === "keeper") return this.#findWatched(kind)?.pid;
    if (kind === "zygote") return findRoles(this.#server).zygotes.at(-1)?.pid;
    const pids = findSandboxes(this.#server).flatMap((sandbox) => sandbox[kind] ?? []);
    return pids.length === 0 ? undefined : this.#random.pick(pids);
  }

  /** The process of now, and a fault if the one of before has ended by itself. */
  #findWatched(kind: "gateway" | "keeper"): HostProcess | undefined {
    const found = findRoles(this.#server)[kind];
    const before = this.#pids[kind];
    if (before !== undefined && found?.pid !== before && !this.#killed.has(before)) {
      this.faults.push(
        `the ${kind} ${before} ended by itself:\n${this.#server.log().slice(-3000)}`,
      );
    }
    if (found) this.#pids[kind] = found.pid;
    else delete this.#pids[kind];
    return found;
  }

  /** Wait for what was begun, and look at the two that must not end by themselves once more. */
  async settle(): Promise<void> {
    await Promise.all(this.#recoveries);
    await eventually(() => {
      const { gateway, keeper, zygotes } = findRoles(this.#server);
      return gateway && keeper && zygotes.length > 0 ? undefined : "a process is missing";
    }, RECOVERY_MS_MAX);
    this.#findWatched("gateway");
    this.#findWatched("keeper");
  }
}
