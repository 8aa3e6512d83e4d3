/**
 * Configuration: environment variables, with a `.env` file underneath, checked once and frozen.
 * The only reader of process.env. May import nothing of ours but what lies in config/.
 */

import { createHash } from "node:crypto";
import { cpus } from "node:os";
import { resolve } from "node:path";
import { SLOTS } from "./config/agreement.js";
import { ConfigError } from "./config/config-error.js";
import { type DataMount, parseDataMounts, wheelsMount } from "./config/data-mounts.js";
import { readDotEnv } from "./config/dot-env.js";
import {
  type ModelSettings,
  readModelSettings,
  readValidationPolicy,
  type ValidationPolicy,
  withAbsolutePaths,
} from "./config/model-settings.js";
import { configVariables, type VariableName } from "./config/variables.js";

export { ConfigError } from "./config/config-error.js";
export { clientVariables, configVariables } from "./config/variables.js";

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

/** Sandboxes that are being removed still hold their slots. */
const SANDBOXES_MAX = SLOTS - 96;
const MEBIBYTE = 1024 * 1024;
const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|::1)$/;
const LOG_LEVELS = ["fatal", "error", "warn", "info", "debug", "trace"];

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
