/**
 * Configuration: environment variables, with a `.env` file underneath, checked once and frozen.
 * The only reader of process.env. May import nothing of ours but what lies in config/.
 */

import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { cpus } from "node:os";
import { resolve } from "node:path";
import { ConfigError } from "./config/config-error.js";
import { type DataMount, parseDataMounts, wheelsMount } from "./config/data-mounts.js";
import {
  type ModelSettings,
  readModelSettings,
  readValidationPolicy,
  type ValidationPolicy,
  withAbsolutePaths,
} from "./config/model-settings.js";

export { ConfigError } from "./config/config-error.js";

interface Variable {
  readonly name: string;
  readonly description: string;
  readonly default: string;
  readonly secret?: boolean;
}

/** Every variable there is. docs/config.md is held equal to this list by a test. */
export const configVariables = [
  { name: "HOST", default: "127.0.0.1", description: "Address to listen on." },
  { name: "PORT", default: "8000", description: "Port to listen on." },
  {
    name: "AUTH",
    default: "token",
    description: "`token`, or `none` for one's own machine: refused on any address but loopback.",
  },
  {
    name: "AUTH_TOKEN",
    default: "",
    secret: true,
    description: "The admin token, 16 characters or more, instead of a generated one.",
  },
  {
    name: "AUTH_TOKEN_FILE",
    default: "",
    description: "A file that holds the admin token, instead of STATE_DIR/admin-token.",
  },
  {
    name: "STATE_DIR",
    default: "/var/lib/glovebox",
    description: "Where the token and the sandboxes' root file system lie.",
  },
  {
    name: "ROOTFS_DIR",
    default: "",
    description: "Where root file systems are built; STATE_DIR/rootfs when empty.",
  },
  {
    name: "SERVICE_USER",
    default: "glovebox",
    description: "The system user that the HTTP side runs as.",
  },
  {
    name: "MAX_EXECUTION_TIME",
    default: "30",
    description: "Seconds of wall time for one execution, default and maximum of `timeout`.",
  },
  {
    name: "MAX_MEMORY_MB",
    default: "512",
    description: "Memory of a sandbox in MiB, default and maximum of `memory_limit`.",
  },
  {
    name: "MAX_CPUS",
    default: "0.5",
    description: "Cores of a sandbox, default and maximum of `cpu_limit`.",
  },
  {
    name: "MAX_PROCESSES",
    default: "50",
    description: "Processes and threads of a sandbox.",
  },
  { name: "MAX_OPEN_FILES", default: "1024", description: "Open files of one process." },
  {
    name: "MAX_WORKSPACE_MB",
    default: "100",
    description: "Size of /workspace in MiB, and of /tmp.",
  },
  {
    name: "DATA_MOUNTS",
    default: "",
    description:
      "Folders that sandboxes see at /data/NAME: `NAME=/host/path[:ro|rw][:ask]`, comma separated. See docs/mounts.md.",
  },
  {
    name: "WHEEL_DIR",
    default: "",
    description: "A folder of wheels to install packages from, see docs/packages.md.",
  },
  {
    name: "HF_ENDPOINT",
    default: "https://huggingface.co",
    description:
      "Where `glovebox data download hf:…` finds data sets, as Hugging Face's own tools do.",
  },
  {
    name: "MAX_OUTPUT_SIZE",
    default: "1000000",
    description: "Bytes of stdout and of stderr that an execution may return, each.",
  },
  {
    name: "MAX_CODE_SIZE",
    default: "1048576",
    description: "Bytes of code that an execution may have.",
  },
  {
    name: "MAX_HISTORY_MB",
    default: "256",
    description: "MiB that the outputs of past executions may take, over all sessions together.",
  },
  {
    name: "MAX_QUEUED",
    default: "32",
    description: "Executions that may wait for one session before 429.",
  },
  {
    name: "MAX_SESSIONS",
    default: "100",
    description: "Sandboxes in use at a time, stateless executions included.",
  },
  {
    name: "SESSION_TTL",
    default: "1800",
    description: "Seconds without use after which a session ends.",
  },
  {
    name: "POOL_SIZE",
    default: "8",
    description: "Warm sandboxes kept ready. 0 starts each when it is asked for.",
  },
  {
    name: "ZYGOTE_MAX_FORKS",
    default: "2000",
    description: "Sandboxes after which the zygote, whose hash seed they share, is replaced.",
  },
  {
    name: "ZYGOTE_MAX_AGE",
    default: "3600",
    description: "Seconds after which the zygote is replaced.",
  },
  {
    name: "ACQUIRE_TIMEOUT",
    default: "10",
    description: "Seconds that a request waits for a sandbox before 503.",
  },
  {
    name: "DRAIN_TIMEOUT",
    default: "35",
    description: "Seconds that running executions get when the server stops.",
  },
  { name: "AUDIT", default: "on", description: "`on` or `off`: whether the audit log is written." },
  {
    name: "AUDIT_MAX_MB",
    default: "64",
    description: "Size in MiB at which a file of the audit log is followed by another.",
  },
  {
    name: "AUDIT_KEEP",
    default: "8",
    description: "Files of the audit log to keep; the oldest is removed.",
  },
  {
    name: "AUDIT_REQUIRED",
    default: "false",
    description: "`true`: refuse work while the audit log cannot be written.",
  },
  {
    name: "LLM_BASE_URL",
    default: "",
    description:
      "Where an OpenAI-compatible model answers, such as http://127.0.0.1:11434/v1; `replay:FILE` for recorded answers.",
  },
  {
    name: "LLM_API_KEY",
    default: "",
    secret: true,
    description: "The model's key, where it needs one.",
  },
  {
    name: "LLM_API_KEY_FILE",
    default: "",
    description: "A file that holds the model's key, instead of LLM_API_KEY.",
  },
  {
    name: "LLM_MODEL",
    default: "",
    description: "The model's name; required with LLM_BASE_URL.",
  },
  {
    name: "TOGETHER_API_KEY",
    default: "",
    secret: true,
    description: "Alone it selects Together AI and, without LLM_MODEL, a model of theirs.",
  },
  {
    name: "API_TIMEOUT",
    default: "60",
    description: "Seconds that one call of the model may take.",
  },
  {
    name: "LLM_MAX_TOKENS",
    default: "8192",
    description: "Tokens that one answer of the model may have.",
  },
  {
    name: "LLM_RECORD",
    default: "",
    description: "A file to which the exchanges with the model are appended, to be replayed.",
  },
  {
    name: "CHAT_MAX_STEPS",
    default: "8",
    description: "Calls of the model in one request of a chat, default and maximum of `max_steps`.",
  },
  {
    name: "CHAT_MAX_TOKENS",
    default: "200000",
    description: "Tokens after which such a request ends, default and maximum of `max_tokens`.",
  },
  {
    name: "CHAT_MAX_TIME",
    default: "300",
    description: "Seconds that such a request may take, default and maximum of `max_seconds`.",
  },
  {
    name: "VALIDATION_POLICY",
    default: "",
    description: "What validation does about what it finds, such as `network=deny,process=warn`.",
  },
  {
    name: "LOG_LEVEL",
    default: "info",
    description: "fatal, error, warn, info, debug or trace.",
  },
] as const satisfies readonly Variable[];

type VariableName = (typeof configVariables)[number]["name"];

export interface Config {
  readonly host: string;
  readonly port: number;
  readonly auth: "token" | "none";
  /** Set by AUTH_TOKEN; otherwise the token is read from `tokenFile`. */
  readonly token: string | undefined;
  readonly tokenFile: string;
  readonly stateDir: string;
  readonly rootfsDir: string;
  readonly runDir: string;
  /** The service user's own directory, for what the gateway keeps. */
  readonly gatewayDir: string;
  /** Distinguishes servers with different state directories on one host. */
  readonly instance: string;
  readonly serviceUser: string;
  readonly executionTimeMsMax: number;
  readonly memoryBytesMax: number;
  readonly cpuCoresMax: number;
  readonly processesMax: number;
  readonly openFilesMax: number;
  readonly workspaceBytesMax: number;
  /** DATA_MOUNTS, and WHEEL_DIR as one more. */
  readonly mounts: readonly DataMount[];
  readonly hubEndpoint: string;
  readonly outputBytesMax: number;
  readonly codeBytesMax: number;
  /** Of past executions, over all sessions together. */
  readonly historyBytesMax: number;
  readonly queuedMax: number;
  readonly sessionsMax: number;
  readonly sessionTtlMs: number;
  readonly poolSize: number;
  readonly zygoteForksMax: number;
  readonly zygoteAgeSecondsMax: number;
  readonly acquireTimeoutMs: number;
  readonly drainTimeoutMs: number;
  readonly audit: boolean;
  readonly auditFileBytesMax: number;
  readonly auditFilesKept: number;
  readonly auditRequired: boolean;
  /** Undefined when no model is set. */
  readonly model: ModelSettings | undefined;
  /** What one request of a chat may use. */
  readonly chat: { readonly stepsMax: number; readonly tokensMax: number; readonly timeMs: number };
  readonly validationPolicy: ValidationPolicy;
  readonly logLevel: string;
  /** Every variable as it is in force, secrets included: what a child process is given.
   * Paths are absolute, since the child has another working directory. */
  readonly environment: Readonly<Record<string, string>>;
  /** The values as they are in force, secrets masked, for `glovebox config`. */
  readonly effective: Readonly<Record<string, string>>;
}

/** The keeper has host ids for 4096 sandboxes; those that are being removed still hold theirs. */
const SANDBOXES_MAX = 4000;
const MEBIBYTE = 1024 * 1024;
const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|::1)$/;
const LOG_LEVELS = ["fatal", "error", "warn", "info", "debug", "trace"];

/** Read `.env` in the format of docker and systemd: NAME=value lines, `#` comments, optional quotes. */
function readDotEnv(path: string): Record<string, string> {
  const values: Record<string, string> = {};
  if (!existsSync(path)) return values;
  for (const [index, line] of readFileSync(path, "utf8").split("\n").entries()) {
    if (/^\s*(#|$)/.test(line)) continue;
    const match = /^\s*(?:export\s+)?([A-Za-z_]\w*)\s*=\s*(.*?)\s*$/.exec(line);
    if (!match) throw new ConfigError(`.env line ${index + 1} is not NAME=value`);
    const [, name = "", raw = ""] = match;
    values[name] = /^(['"])(.*)\1\s*(#.*)?$/.exec(raw)?.[2] ?? raw.replace(/\s+#.*$/, "");
  }
  return values;
}

/**
 * Check and freeze the configuration.
 * @throws ConfigError naming the variable and what it accepts.
 */
export function loadConfig(
  environment: NodeJS.ProcessEnv = process.env,
  dotEnvPath = ".env",
): Config {
  const dotEnv = readDotEnv(dotEnvPath);
  const values = Object.fromEntries(
    configVariables.map((variable) => {
      const given = environment[variable.name] ?? dotEnv[variable.name];
      return [variable.name, given === undefined || given === "" ? variable.default : given];
    }),
  ) as Record<VariableName, string>;

  function number(name: VariableName, low: number, high: number, whole = true): number {
    const value = Number(values[name]);
    if (!Number.isFinite(value) || value < low || value > high || (whole && value % 1 !== 0)) {
      const kind = whole ? "a whole number" : "a number";
      throw new ConfigError(
        `${name} must be ${kind} from ${low} to ${high}, and is "${values[name]}"`,
      );
    }
    return value;
  }
  function choice<const T extends string>(name: VariableName, choices: readonly T[]): T {
    const found = choices.find((one) => one === values[name]);
    if (!found) {
      throw new ConfigError(
        `${name} must be one of ${choices.join(", ")}, and is "${values[name]}"`,
      );
    }
    return found;
  }

  const auth = choice("AUTH", ["token", "none"]);
  if (auth === "none" && !LOOPBACK.test(values.HOST)) {
    throw new ConfigError(
      `AUTH=none is for one's own machine: with it, HOST must be a loopback address, and is "${values.HOST}"`,
    );
  }
  if (values.AUTH_TOKEN !== "" && !/^[\x21-\x7e]{16,512}$/.test(values.AUTH_TOKEN)) {
    throw new ConfigError("AUTH_TOKEN must be 16 to 512 printable characters without spaces");
  }
  const stateDir = resolve(values.STATE_DIR);
  const instance = createHash("sha256").update(stateDir).digest("hex").slice(0, 8);
  const secrets = new Set<string>(
    configVariables.filter((variable) => "secret" in variable).map(({ name }) => name),
  );
  const sessionsMax = number("MAX_SESSIONS", 1, 4000);
  const poolSize = number("POOL_SIZE", 0, 1000);
  if (sessionsMax + poolSize > SANDBOXES_MAX) {
    throw new ConfigError(`MAX_SESSIONS and POOL_SIZE together must be at most ${SANDBOXES_MAX}`);
  }
  const paths = {
    STATE_DIR: stateDir,
    ROOTFS_DIR: resolve(values.ROOTFS_DIR || `${stateDir}/rootfs`),
    AUTH_TOKEN_FILE: resolve(values.AUTH_TOKEN_FILE || `${stateDir}/admin-token`),
    ...withAbsolutePaths(values),
  };
  return Object.freeze({
    host: values.HOST,
    port: number("PORT", 0, 65535),
    auth,
    token: values.AUTH_TOKEN || undefined,
    tokenFile: paths.AUTH_TOKEN_FILE,
    stateDir,
    rootfsDir: paths.ROOTFS_DIR,
    runDir: `/run/glovebox/${instance}`,
    gatewayDir: `${stateDir}/gateway`,
    instance,
    serviceUser: values.SERVICE_USER,
    executionTimeMsMax: number("MAX_EXECUTION_TIME", 0.1, 86400, false) * 1000,
    memoryBytesMax: number("MAX_MEMORY_MB", 64, 1048576) * MEBIBYTE,
    cpuCoresMax: number("MAX_CPUS", 0.05, Math.max(1, cpus().length), false),
    processesMax: number("MAX_PROCESSES", 4, 32768),
    openFilesMax: number("MAX_OPEN_FILES", 64, 1048576),
    workspaceBytesMax: number("MAX_WORKSPACE_MB", 1, 1048576) * MEBIBYTE,
    mounts: Object.freeze([
      ...parseDataMounts(values.DATA_MOUNTS),
      ...(values.WHEEL_DIR === "" ? [] : [wheelsMount(values.WHEEL_DIR)]),
    ]),
    hubEndpoint: values.HF_ENDPOINT,
    outputBytesMax: number("MAX_OUTPUT_SIZE", 1000, 64_000_000),
    codeBytesMax: number("MAX_CODE_SIZE", 1000, 1_300_000),
    historyBytesMax: number("MAX_HISTORY_MB", 0, 1048576) * MEBIBYTE,
    queuedMax: number("MAX_QUEUED", 0, 10_000),
    sessionsMax,
    sessionTtlMs: number("SESSION_TTL", 1, 31_536_000, false) * 1000,
    poolSize,
    zygoteForksMax: number("ZYGOTE_MAX_FORKS", 1, 1_000_000),
    zygoteAgeSecondsMax: number("ZYGOTE_MAX_AGE", 10, 31_536_000),
    acquireTimeoutMs: number("ACQUIRE_TIMEOUT", 0, 3600, false) * 1000,
    drainTimeoutMs: number("DRAIN_TIMEOUT", 0, 86400, false) * 1000,
    audit: choice("AUDIT", ["on", "off"]) === "on",
    auditFileBytesMax: number("AUDIT_MAX_MB", 1, 4096) * MEBIBYTE,
    auditFilesKept: number("AUDIT_KEEP", 2, 10_000),
    auditRequired: choice("AUDIT_REQUIRED", ["true", "false"]) === "true",
    model: readModelSettings(values, {
      timeoutMs: number("API_TIMEOUT", 0.1, 3600, false) * 1000,
      answerTokensMax: number("LLM_MAX_TOKENS", 16, 1_000_000),
    }),
    chat: Object.freeze({
      stepsMax: number("CHAT_MAX_STEPS", 1, 1000),
      tokensMax: number("CHAT_MAX_TOKENS", 1, 1_000_000_000),
      timeMs: number("CHAT_MAX_TIME", 1, 86400, false) * 1000,
    }),
    validationPolicy: readValidationPolicy(values.VALIDATION_POLICY),
    logLevel: choice("LOG_LEVEL", LOG_LEVELS),
    environment: Object.freeze({ ...values, ...paths }),
    effective: Object.freeze(
      Object.fromEntries(
        Object.entries(values).map(([name, value]) => [
          name,
          secrets.has(name) && value !== "" ? "********" : value,
        ]),
      ),
    ),
  });
}

/** What the commands that ask a server read: from the environment alone, never from `.env`. */
export const clientVariables = [
  {
    name: "GLOVEBOX_URL",
    default: "",
    description: "The server to ask; the one that runs with this configuration when empty.",
  },
  { name: "GLOVEBOX_TOKEN", default: "", secret: true, description: "The token or key to send." },
  {
    name: "GLOVEBOX_TOKEN_FILE",
    default: "",
    description: "A file that holds the token or key to send.",
  },
  { name: "NO_COLOR", default: "", description: "Not empty: no colours." },
  {
    name: "XDG_STATE_HOME",
    default: "",
    description: "Where the history of `glovebox repl` lies; HOME/.local/state when empty.",
  },
] as const satisfies readonly Variable[];

export interface ClientConfig {
  readonly url: string | undefined;
  readonly token: string | undefined;
  readonly tokenFile: string | undefined;
  readonly colour: boolean;
  /** A folder for the user's own state; undefined for a user without a home. */
  readonly stateHome: string | undefined;
}

/**
 * The directory that a person stands in may be somebody else's. Its `.env` file must not choose the
 * server that the person's token is sent to, so it is not read here.
 */
export function loadClientConfig(environment: NodeJS.ProcessEnv = process.env): ClientConfig {
  const value = (name: string): string | undefined => environment[name] || undefined;
  const home = value("HOME");
  return Object.freeze({
    url: value("GLOVEBOX_URL"),
    token: value("GLOVEBOX_TOKEN"),
    tokenFile: value("GLOVEBOX_TOKEN_FILE"),
    colour: value("NO_COLOR") === undefined && value("TERM") !== "dumb",
    stateHome: value("XDG_STATE_HOME") ?? (home && `${home}/.local/state`),
  });
}
