/** Runs the built command line against a server: with pipes, as a script does, or on a terminal. */
import { type ChildProcess, spawn } from "node:child_process";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { eventually } from "./host.ts";
import type { TestServer } from "./server.ts";

const commandLine = join(
  dirname(fileURLToPath(import.meta.url)),
  "../../packages/server/bin/glovebox.mjs",
);

export interface CommandOptions {
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

export interface Finished {
  readonly status: number | NodeJS.Signals;
  readonly stdout: string;
  readonly stderr: string;
}

/** The variables with which a command finds this server as the one of this machine. */
export function clientEnvironment(server: TestServer): Record<string, string> {
  return {
    PATH: process.env["PATH"] ?? "",
    LANG: "C.UTF-8",
    STATE_DIR: server.stateDir,
    PORT: new URL(server.baseUrl).port,
    AUTH_TOKEN: server.token,
    XDG_STATE_HOME: join(server.stateDir, "client"),
  };
}

/** A command that goes on; its output is collected. */
export class RunningCommand {
  readonly child: ChildProcess;
  stdout = "";
  stderr = "";
  readonly finished: Promise<Finished>;

  constructor(command: string, args: readonly string[], options: CommandOptions) {
    this.child = spawn(command, args, {
      cwd: options.cwd ?? tmpdir(),
      env: { ...options.env },
      stdio: ["pipe", "pipe", "pipe"],
    });
    this.child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.stdout += text;
    });
    this.child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.stderr += text;
    });
    // A command that ends without having read everything is no failure of the test.
    this.child.stdin?.on("error", () => {});
    this.finished = new Promise((resolve, reject) => {
      this.child.once("error", reject);
      this.child.once("close", (code, signal) =>
        resolve({ status: code ?? signal ?? -1, stdout: this.stdout, stderr: this.stderr }),
      );
    });
  }

  type(text: string): void {
    this.child.stdin?.write(text);
  }

  /** Waits until the output matches. */
  async see(pattern: RegExp | string, where: "stdout" | "stderr" = "stdout"): Promise<void> {
    const found = () =>
      typeof pattern === "string" ? this[where].includes(pattern) : pattern.test(this[where]);
    await eventually(
      () => (found() ? undefined : `no ${pattern} in:\n${this.stdout}\n--\n${this.stderr}`),
      30_000,
    );
  }

  /** What comes from now on is looked at alone. */
  forget(): void {
    this.stdout = "";
    this.stderr = "";
  }
}

export interface CommandLine {
  start(args: readonly string[], options?: CommandOptions): RunningCommand;
  run(args: readonly string[], options?: CommandOptions): Promise<Finished>;
  /** On a pseudo-terminal of 80 columns, by `script`; both streams arrive as stdout. */
  onTerminal(args: readonly string[], options?: CommandOptions): RunningCommand;
}

export function commandLineOf(server: TestServer): CommandLine {
  const environment = (options: CommandOptions) => ({
    ...clientEnvironment(server),
    ...options.env,
  });
  const start = (args: readonly string[], options: CommandOptions = {}) =>
    new RunningCommand(process.execPath, [commandLine, ...args], {
      ...options,
      env: environment(options),
    });
  return {
    start,
    run: (args, options = {}) => {
      const command = start(args, options);
      command.child.stdin?.end(options.input ?? "");
      return command.finished;
    },
    onTerminal: (args, options = {}) => {
      const words = [process.execPath, commandLine, ...args].map((word) => `'${word}'`);
      const inside = `stty cols 80 rows 24; exec ${words.join(" ")}`;
      return new RunningCommand("script", ["-qfec", inside, "/dev/null"], {
        ...options,
        env: { ...environment(options), TERM: "xterm", SHELL: "/bin/sh" },
      });
    },
  };
}
