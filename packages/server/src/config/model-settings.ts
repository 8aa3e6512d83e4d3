/** Which model generates code, and what the validation of code does about what it finds. */

import { resolve } from "node:path";
import { ConfigError } from "./config-error.js";
import { withoutTrailing } from "./text.js";

/** How a model is reached. The key may be in a file that only root can read, so it is read later. */
export interface ModelSettings {
  /** Without a slash at its end; undefined where answers are replayed. */
  readonly baseUrl: string | undefined;
  /** Where recorded answers are, instead of a model. */
  readonly replayFile: string | undefined;
  readonly model: string;
  readonly apiKey: string | undefined;
  readonly apiKeyFile: string | undefined;
  readonly timeoutMs: number;
  readonly answerTokensMax: number;
  /** Whether it is shown pictures; `auto`: as model-vision.ts or a recording says. */
  readonly vision: "auto" | "on" | "off";
  /** Exchanges are written here, to be replayed. */
  readonly recordFile: string | undefined;
}

export const validationActions = ["allow", "warn", "deny"] as const;
export type ValidationAction = (typeof validationActions)[number];

/** What each rule of the validation looks for, and what is done unless VALIDATION_POLICY says else. */
export const validationRules = {
  syntax_error: { action: "warn", about: "code that Python cannot parse" },
  missing_import: { action: "warn", about: "imports of modules that are not installed" },
  network: { action: "warn", about: "sockets and clients of network protocols" },
  process: { action: "warn", about: "starting, forking or signalling processes, shell commands" },
  file_access: { action: "allow", about: "any reading or writing of files" },
  file_outside: {
    action: "warn",
    about: "absolute paths besides /workspace, /tmp and /data, and paths with `..`",
  },
  file_delete: { action: "warn", about: "removing files and directories" },
  dynamic_code: { action: "warn", about: "eval, exec, compile and imports by computed names" },
  native_code: { action: "warn", about: "ctypes, cffi and other ways around the interpreter" },
  introspection: {
    action: "warn",
    about: "reaching into frames, subclasses, globals or the collector of garbage",
  },
  environment: { action: "warn", about: "environment variables" },
  unsafe_loading: { action: "warn", about: "pickle and other formats that run code when read" },
  endless_loop: { action: "warn", about: "loops that obviously never end" },
  unsafe_verdict: { action: "deny", about: "code that the model itself calls unsafe" },
} as const satisfies Record<string, { action: ValidationAction; about: string }>;

export type ValidationRule = keyof typeof validationRules;
export type ValidationPolicy = Readonly<Record<ValidationRule, ValidationAction>>;

const TOGETHER_BASE_URL = "https://api.together.xyz/v1";
const TOGETHER_MODEL = "meta-llama/Llama-3.3-70B-Instruct-Turbo";
const REPLAY = "replay:";
const REPLAY_MODEL = "replayed";

export interface ModelValues {
  readonly LLM_BASE_URL: string;
  readonly LLM_API_KEY: string;
  readonly LLM_API_KEY_FILE: string;
  readonly LLM_MODEL: string;
  readonly TOGETHER_API_KEY: string;
  readonly LLM_RECORD: string;
}

/** The values with absolute paths, as a process with another working directory needs them. */
export function withAbsolutePaths(values: ModelValues): Partial<ModelValues> {
  const base = values.LLM_BASE_URL;
  const replayed = base.startsWith(REPLAY) ? base.slice(REPLAY.length) : "";
  return {
    LLM_BASE_URL: replayed === "" ? base : REPLAY + resolve(replayed),
    LLM_API_KEY_FILE: values.LLM_API_KEY_FILE && resolve(values.LLM_API_KEY_FILE),
    LLM_RECORD: values.LLM_RECORD && resolve(values.LLM_RECORD),
  };
}

/** Undefined when no model is set. @throws ConfigError */
export function readModelSettings(
  given: ModelValues,
  bounds: Pick<ModelSettings, "timeoutMs" | "answerTokensMax" | "vision">,
): ModelSettings | undefined {
  const values = { ...given, ...withAbsolutePaths(given) };
  const { LLM_BASE_URL: base, TOGETHER_API_KEY: togetherKey } = values;
  const keyFile = values.LLM_API_KEY_FILE || undefined;
  for (const name of ["LLM_API_KEY", "TOGETHER_API_KEY"] as const) {
    // It becomes a header, and a line break in one would be another header.
    if (!/^[\x21-\x7e]{0,4096}$/.test(values[name])) {
      throw new ConfigError(`${name} must be printable characters without spaces`);
    }
  }
  if (values.LLM_API_KEY !== "" && keyFile !== undefined) {
    throw new ConfigError("set LLM_API_KEY or LLM_API_KEY_FILE, not both");
  }
  const shared = { ...bounds, recordFile: values.LLM_RECORD || undefined };
  if (base.startsWith(REPLAY)) {
    if (base === REPLAY)
      throw new ConfigError("LLM_BASE_URL=replay: needs a file behind the colon");
    return {
      ...shared,
      ...{ baseUrl: undefined, apiKey: undefined, apiKeyFile: undefined, recordFile: undefined },
      replayFile: base.slice(REPLAY.length),
      model: values.LLM_MODEL || REPLAY_MODEL,
    };
  }
  if (base !== "") {
    if (values.LLM_MODEL === "") {
      throw new ConfigError("LLM_BASE_URL needs LLM_MODEL beside it, the name of the model");
    }
    return {
      ...shared,
      baseUrl: checkedUrl(base),
      replayFile: undefined,
      model: values.LLM_MODEL,
      apiKey: values.LLM_API_KEY || undefined,
      apiKeyFile: keyFile,
    };
  }
  if (values.LLM_API_KEY !== "" || keyFile !== undefined) {
    throw new ConfigError(
      "LLM_API_KEY needs LLM_BASE_URL beside it, so that the key goes to whom it belongs",
    );
  }
  if (togetherKey === "") return undefined;
  return {
    ...shared,
    baseUrl: TOGETHER_BASE_URL,
    replayFile: undefined,
    model: values.LLM_MODEL || TOGETHER_MODEL,
    apiKey: togetherKey,
    apiKeyFile: undefined,
  };
}

function checkedUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== "https:" && url?.protocol !== "http:") {
    throw new ConfigError(
      `LLM_BASE_URL must be an http(s) address such as http://127.0.0.1:11434/v1, or replay:FILE`,
    );
  }
  if (url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "") {
    throw new ConfigError(
      "LLM_BASE_URL must have no password, query or fragment; keys belong into LLM_API_KEY",
    );
  }
  return withoutTrailing(text, "/");
}

/** "network=deny, process=warn". @throws ConfigError */
export function readValidationPolicy(text: string): ValidationPolicy {
  const policy: Record<string, ValidationAction> = {};
  for (const [rule, { action }] of Object.entries(validationRules)) policy[rule] = action;
  for (const part of text.split(",").map((one) => one.trim())) {
    if (part === "") continue;
    const [rule = "", name] = part.split("=").map((one) => one.trim());
    const action = validationActions.find((one) => one === name);
    if (!Object.hasOwn(policy, rule) || !action) {
      throw new ConfigError(
        `VALIDATION_POLICY must be RULE=ACTION, comma separated, and has "${part}"; rules are ` +
          `${Object.keys(validationRules).join(", ")}; actions are ${validationActions.join(", ")}`,
      );
    }
    policy[rule] = action;
  }
  return policy as ValidationPolicy;
}
