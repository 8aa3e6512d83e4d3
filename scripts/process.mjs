/**
 * What the set-up steps need to run other programs: one way to run a command, one way to show
 * progress, one lock. Only Node's standard library, because this runs before `npm ci`.
 */
import { spawn, spawnSync } from "node:child_process";
import { closeSync, openSync } from "node:fs";

/** A command names the cause first or last, so both ends of its output are kept. */
const HEAD_LINES = 8;
const TAIL_LINES = 20;
const PLAIN_INTERVAL_MS = 10_000;
const TTY_INTERVAL_MS = 500;

/** A failure that is explained in full by its message: it is shown without a stack trace. */
export class SetupError extends Error {
  /**
   * @param {string} message what is missing or went wrong
   * @param {string} [remedy] what to do about it
   */
  constructor(message, remedy) {
    super(remedy === undefined ? message : `${message}\n  What to do: ${remedy}`);
    this.name = "SetupError";
  }
}

/** Set-up was stopped by a signal; leftovers are cleaned up while this travels upwards. */
export class InterruptedError extends SetupError {
  constructor(signal) {
    super(`Set-up was stopped by ${signal}. Run it again to go on.`);
    this.name = "InterruptedError";
    this.exitCode = signal === "SIGINT" ? 130 : 143;
  }
}

/** @returns {{status: number, stdout: string, stderr: string}} for commands that take no time */
export function quick(command, args) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: "utf8" });
  return {
    status: status ?? 127,
    stdout: stdout ?? "",
    stderr: error === undefined ? (stderr ?? "") : error.message,
  };
}

/**
 * Runs a long command in a session of its own, hands each line of its output to `onLine` and keeps
 * both ends of it for the error message. A signal that stops set-up stops the command, and so does
 * the death of set-up itself, kill -9 included: a command that outlives its set-up would go on
 * writing into a tree that the next set-up removes.
 *
 * @param {string} command
 * @param {string[]} args
 * @param {{failure: string, remedy?: string, onLine?: (line: string) => void, input?: string,
 *   env?: Record<string, string | undefined>, cwd?: string}} options
 */
export async function run(command, args, options) {
  const stdin = options.input === undefined ? "ignore" : "pipe";
  const child = spawn("setpriv", ["--pdeathsig", "KILL", "--", command, ...args], {
    cwd: options.cwd,
    env: options.env ?? process.env,
    detached: true,
    stdio: [stdin, "pipe", "pipe"],
  });
  child.stdin?.on("error", () => {});
  child.stdin?.end(options.input);
  const bothEnds = collectLines(child, options.onLine);
  const status = await stoppable(child);
  if (status !== 0) {
    const output = bothEnds()
      .map((line) => `  | ${line}`)
      .join("\n");
    throw new SetupError(`${options.failure} (${command}: ${status})\n${output}`, options.remedy);
  }
}

function collectLines(child, onLine) {
  const head = [];
  const tail = [];
  let dropped = 0;
  const take = (line) => {
    if (line.trim() === "") return;
    if (head.length < HEAD_LINES) {
      head.push(line);
    } else {
      tail.push(line);
      dropped += tail.splice(0, tail.length - TAIL_LINES).length;
    }
    onLine?.(line);
  };
  for (const stream of [child.stdout, child.stderr]) {
    let rest = "";
    stream.setEncoding("utf8");
    stream.on("data", (text) => {
      const lines = (rest + text).split(/[\r\n]+/);
      rest = lines.pop();
      lines.forEach(take);
    });
    stream.on("end", () => take(rest));
  }
  return () => [...head, ...(dropped === 0 ? [] : [`(${dropped} more lines)`]), ...tail];
}

/** Resolves to the exit status or signal name; rejects once a signal to set-up has killed it. */
function stoppable(child) {
  return new Promise((resolve, reject) => {
    let stoppedBy;
    const stop = (signal) => {
      stoppedBy = signal;
      killGroup(child.pid);
    };
    process.on("SIGINT", stop).on("SIGTERM", stop).on("SIGHUP", stop);
    const settle = (finish) => {
      process.off("SIGINT", stop).off("SIGTERM", stop).off("SIGHUP", stop);
      finish();
    };
    child.once("error", (error) => settle(() => reject(new SetupError(error.message))));
    child.once("close", (status, signal) =>
      settle(() =>
        stoppedBy === undefined
          ? resolve(status ?? signal)
          : reject(new InterruptedError(stoppedBy)),
      ),
    );
  });
}

function killGroup(pid) {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It has ended by itself in the meantime.
  }
}

/**
 * Shows one step on one line: rewritten in place on a terminal, otherwise a plain line at the
 * start, at each change of phase and every ten seconds, so that a log shows life as well.
 */
function startProgress(title) {
  const out = process.stdout;
  const startedAt = Date.now();
  let phase = "";
  let detail = "";
  const seconds = () => ((Date.now() - startedAt) / 1000).toFixed(1);
  const status = () => [phase, detail, `${Math.floor(Number(seconds()))} s`].filter(Boolean);
  const line = () => `${title}: ${status().join(", ")}`;
  const show = () =>
    out.write(out.isTTY ? `\r\x1b[K${line().slice(0, out.columns - 1)}` : `${line()}\n`);
  const timer = setInterval(show, out.isTTY ? TTY_INTERVAL_MS : PLAIN_INTERVAL_MS);
  const finish = (outcome) => {
    clearInterval(timer);
    out.write(`${out.isTTY ? "\r\x1b[K" : ""}${title}: ${outcome} ${seconds()} s\n`);
  };
  out.write(out.isTTY ? title : `${title} ...\n`);
  return {
    phase(newPhase, newDetail = "") {
      const changed = newPhase !== phase;
      phase = newPhase;
      detail = newDetail;
      if (changed) show();
    },
    done: () => finish("done in"),
    failed: () => finish("stopped after"),
  };
}

/**
 * Runs `work` with progress shown, and says how it ended.
 *
 * @param {string} title
 * @param {(progress: {phase: (phase: string, detail?: string) => void}) => Promise<void>} work
 */
export async function withProgress(title, work) {
  const progress = startProgress(title);
  try {
    await work(progress);
    progress.done();
  } catch (error) {
    progress.failed();
    throw error;
  }
}

/**
 * Holds an exclusive lock on `path` while `work` runs. The kernel owns the lock and frees it with
 * the process that holds it, so a set-up that was killed leaves no stale lock. Node has no flock,
 * so a helper holds it: the helper ends when its input closes, which our death does as well.
 */
export async function withLock(path, work) {
  closeSync(openSync(path, "a"));
  const holder = spawn("flock", ["--exclusive", path, "sh", "-c", "echo held; exec cat"], {
    detached: true,
    stdio: ["pipe", "pipe", "ignore"],
  });
  const ended = new Promise((resolve) => holder.once("close", resolve));
  const waiting = setTimeout(
    () => console.log("Another set-up is at work on this machine: waiting for it to finish."),
    1000,
  );
  try {
    await new Promise((resolve, reject) => {
      holder.stdout.once("data", resolve);
      holder.once("error", (error) => reject(new SetupError(`flock: ${error.message}`)));
      ended.then(() => reject(new SetupError(`${path} cannot be locked.`)));
    });
    clearTimeout(waiting);
    return await work();
  } finally {
    clearTimeout(waiting);
    holder.stdin.end();
    await ended;
  }
}
