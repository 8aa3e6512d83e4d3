/**
 * Configuration: environment variables, with a `.env` file underneath, checked once and frozen.
 * The only reader of process.env. May import nothing of ours but what lies in config/.
 */

import { createHash } from "node:crypto";
import { resolve } from "node:path";
import { SLOTS } from "./config/agreement.js";
import { ConfigError } from "./config/config-error.js";
import { type DataMount, parseDataMounts, wheelsMount } from "./config/data-mounts.js";
import { readDotEnv } from "./config/dot-env.js";
import { type Facade, readFacades } from "./config/facades.js";
import {
  type ModelSettings,
  readModelSettings,
  readValidationPolicy,
  type ValidationPolicy,
  withAbsolutePaths,
} from "./config/model-settings.js";
import { readSettings, type Settings } from "./config/settings.js";
import { tellUnknownVariables } from "./config/unknown-variables.js";
import { configVariables, type VariableName } from "./config/variables.js";

export { ConfigError } from "./config/config-error.js";
export { clientVariables, configVariables } from "./config/variables.js";

/** The settings of config/variables.ts by their keys, and what takes more than one variable to know. */
export interface Config extends Settings {
  readonly host: string;
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
  /** DATA_MOUNTS, and WHEEL_DIR as one more. */
  readonly mounts: readonly DataMount[];
  /** Whose pages may use the API; `*` for any. */
  readonly corsOrigins: readonly string[];
  /** What is served beside the API. */
  readonly facades: ReadonlySet<Facade>;
  readonly hubEndpoint: string;
  /** Undefined when no model is set. */
  readonly model: ModelSettings | undefined;
  readonly validationPolicy: ValidationPolicy;
  /** Every variable as it is in force, secrets included: what a child process is given.
   * Paths are absolute, since the child has another working directory. */
  readonly environment: Readonly<Record<string, string>>;
  /** The values as they are in force, secrets masked, for `glovebox config`. */
  readonly effective: Readonly<Record<string, string>>;
}

/** Sandboxes that are being removed still hold their slots. */
const SANDBOXES_MAX = SLOTS - 96;
const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|::1)$/;

/** What only those read who start a server, or show what a start would take. */
export const DOT_ENV = ".env";

/**
 * Check and freeze the configuration, from the environment alone where no `.env` file is named: the
 * folder that a command is called in may belong to others.
 * @throws ConfigError naming the variable and what it accepts.
 */
export function loadConfig(environment: NodeJS.ProcessEnv = process.env, dotEnvPath = ""): Config {
  const dotEnv = dotEnvPath === "" ? {} : readDotEnv(dotEnvPath);
  const values = Object.fromEntries(
    configVariables.map((variable) => {
      const given = environment[variable.name] ?? dotEnv[variable.name];
      return [variable.name, given === undefined || given === "" ? variable.default : given];
    }),
  ) as Record<VariableName, string>;

  const settings = readSettings(values);
  if (settings.auth === "none" && !LOOPBACK.test(values.HOST)) {
    throw new ConfigError(
      `AUTH=none is for one's own machine: with it, HOST must be a loopback address, and is "${values.HOST}"`,
    );
  }
  if (values.AUTH_TOKEN !== "" && !/^[\x21-\x7e]{16,512}$/.test(values.AUTH_TOKEN)) {
    throw new ConfigError("AUTH_TOKEN must be 16 to 512 printable characters without spaces");
  }
  const stateDir = resolve(values.STATE_DIR);
  const instance = createHash("sha256").update(stateDir).digest("hex").slice(0, 8);
  if (settings.sessionsMax + settings.poolSize > SANDBOXES_MAX) {
    throw new ConfigError(`MAX_SESSIONS and POOL_SIZE together must be at most ${SANDBOXES_MAX}`);
  }
  const paths = {
    STATE_DIR: stateDir,
    ROOTFS_DIR: resolve(values.ROOTFS_DIR || `${stateDir}/rootfs`),
    AUTH_TOKEN_FILE: resolve(values.AUTH_TOKEN_FILE || `${stateDir}/admin-token`),
    ...withAbsolutePaths(values),
  };
  return Object.freeze({
    ...settings,
    host: values.HOST,
    token: values.AUTH_TOKEN || undefined,
    tokenFile: paths.AUTH_TOKEN_FILE,
    stateDir,
    rootfsDir: paths.ROOTFS_DIR,
    runDir: `/run/glovebox/${instance}`,
    gatewayDir: `${stateDir}/gateway`,
    instance,
    serviceUser: values.SERVICE_USER,
    mounts: Object.freeze([
      ...parseDataMounts(values.DATA_MOUNTS),
      ...(values.WHEEL_DIR === "" ? [] : [wheelsMount(values.WHEEL_DIR)]),
    ]),
    corsOrigins: Object.freeze(readOrigins(values.CORS_ORIGINS)),
    facades: readFacades(values.FACADES),
    hubEndpoint: values.HF_ENDPOINT,
    model: readModelSettings(values, {
      timeoutMs: settings.modelTimeoutMs,
      answerTokensMax: settings.modelAnswerTokensMax,
      vision: settings.modelVision,
    }),
    validationPolicy: readValidationPolicy(values.VALIDATION_POLICY),
    environment: Object.freeze({ ...values, ...paths }),
    effective: Object.freeze(masked(values)),
  });
}

/** @throws ConfigError */
function readOrigins(list: string): string[] {
  const origins = list.split(",").map((origin) => origin.trim());
  return origins.filter((origin) => {
    if (origin === "" || origin === "*") return origin !== "";
    if (URL.parse(origin)?.origin === origin) return true;
    throw new ConfigError(
      `CORS_ORIGINS must hold origins such as https://app.example.org, without a path, and has "${origin}"`,
    );
  });
}

function masked(values: Readonly<Record<VariableName, string>>): Record<string, string> {
  const shown: Record<string, string> = { ...values };
  for (const variable of configVariables) {
    if ("secret" in variable && shown[variable.name] !== "") shown[variable.name] = "********";
  }
  return shown;
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
 * The directory that a command is called in may belong to others. Its `.env` file must not choose the
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

/** What is set and looks as if it was meant for the server, in sentences. */
export function unknownVariables(): string[] {
  return tellUnknownVariables(process.env);
}

/** A variable that a person names, to be passed on. */
export function inheritedVariable(name: string): string | undefined {
  return process.env[name];
}

/** What leads to the server of this machine, from the environment alone as well. */
export interface LocalConfig {
  readonly stateDir: string;
  /** For a server whose token is in no file. */
  readonly token: string | undefined;
}

export function loadLocalConfig(environment: NodeJS.ProcessEnv = process.env): LocalConfig {
  const stateDir = configVariables.find(({ name }) => name === "STATE_DIR")?.default ?? "";
  return Object.freeze({
    stateDir: resolve(environment["STATE_DIR"] || stateDir),
    token: environment["AUTH_TOKEN"] || undefined,
  });
}

/**
 * The token of this machine's server goes to it and to nothing between: Node can be told to use the
 * environment's proxies, and looks at this variable with each request.
 */
export function askDirectly(host: string, environment: NodeJS.ProcessEnv = process.env): void {
  for (const name of ["no_proxy", "NO_PROXY"]) {
    const others = environment[name];
    environment[name] = others ? `${others},${host}` : host;
  }
}
