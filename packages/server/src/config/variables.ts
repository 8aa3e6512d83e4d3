/**
 * All environment variables, a row each. The configuration is read by these rows and the
 * tables of docs/config.md are printed from them, so a new variable is a row and its use.
 */

import { cpus } from "node:os";

export const variableGroups = [
  "access",
  "places",
  "limits",
  "folders",
  "pool",
  "model",
  "running",
  "audit",
  "commands",
] as const;

interface Described {
  readonly name: string;
  /** The table of docs/config.md that it stands in. */
  readonly group: (typeof variableGroups)[number];
  /** As it would be set. Empty counts as not set. */
  readonly default: string;
  /** One or two sentences in Markdown, with the unit of a number. */
  readonly meaning: string;
}

/** Becomes a number of the configuration, in the unit that its key names. */
interface NumberVariable extends Described {
  readonly kind: "number";
  readonly key: string;
  readonly low: number;
  readonly high: number;
  readonly fractions?: true;
  /** Whether 0, which turns something off, is accepted besides. */
  readonly orZero?: true;
  /** From the variable's unit to the key's. */
  readonly times?: number;
  /** Where the bounds alone do not say it. */
  readonly accepted?: string;
}

interface ChoiceVariable extends Described {
  readonly kind: "choice";
  readonly key: string;
  readonly choices: readonly string[];
}

/** Becomes a boolean: whether it is the first choice. */
interface SwitchVariable extends Described {
  readonly kind: "switch";
  readonly key: string;
  readonly choices: readonly [on: string, off: string];
}

/** Read and checked where it is used. */
interface TextVariable extends Described {
  readonly kind: "text";
  readonly accepted: string;
  /** Masked wherever the configuration is shown. */
  readonly secret?: true;
}

export type Variable = NumberVariable | ChoiceVariable | SwitchVariable | TextVariable;

const SECOND_MS = 1000;
const MEBIBYTE = 1024 * 1024;

/** Of the server. */
export const configVariables = [
  {
    name: "HOST",
    group: "access",
    default: "127.0.0.1",
    kind: "text",
    accepted: "an address of this machine",
    meaning: "Address to listen on.",
  },
  {
    name: "PORT",
    group: "access",
    default: "8000",
    kind: "number",
    key: "port",
    low: 0,
    high: 65_535,
    accepted: "0 to 65535; 0 takes any free port",
    meaning:
      "Port to listen on. The server binds it after it has given root up, so ports below 1024 are usually refused.",
  },
  {
    name: "AUTH",
    group: "access",
    default: "token",
    kind: "choice",
    key: "auth",
    choices: ["token", "none"],
    meaning: "`token`, or `none` for one's own machine: refused on any address but loopback.",
  },
  {
    name: "CORS_ORIGINS",
    group: "access",
    default: "",
    kind: "text",
    accepted: "origins such as `https://app.example.org`, comma separated, or `*` for any",
    meaning:
      "Origins whose pages may use the API from a browser, with a token in a header. Default: none.",
  },
  {
    name: "FACADES",
    group: "access",
    default: "",
    kind: "text",
    accepted: "names, comma separated: `jupyter`",
    meaning:
      "Protocols of other products that are served beside the API: `jupyter` for notebooks and their clients. Default: none.",
  },
  {
    name: "UNKNOWN_FIELDS",
    group: "access",
    default: "refuse",
    kind: "choice",
    key: "unknownFields",
    choices: ["refuse", "ignore"],
    meaning:
      "Fields of a request that the API does not know: `refuse` answers 400 and names the nearest known one; `ignore` is for clients that send more.",
  },
  {
    name: "AUTH_TOKEN",
    group: "access",
    default: "",
    kind: "text",
    accepted: "16 to 512 printable characters without spaces",
    secret: true,
    meaning: "The admin token, instead of a generated one.",
  },
  {
    name: "AUTH_TOKEN_FILE",
    group: "access",
    default: "",
    kind: "text",
    accepted: "a path",
    meaning:
      "A file that holds the admin token, instead of `STATE_DIR/admin-token`. It is made when it does not exist.",
  },
  {
    name: "STATE_DIR",
    group: "places",
    default: "/var/lib/glovebox",
    kind: "text",
    accepted: "a path",
    meaning:
      "Where the token and the sandboxes' root file system lie. It also names the instance: one server for each.",
  },
  {
    name: "ROOTFS_DIR",
    group: "places",
    default: "",
    kind: "text",
    accepted: "a path",
    meaning:
      "Where root file systems are built; `STATE_DIR/rootfs` when empty. Several servers may share one.",
  },
  {
    name: "SERVICE_USER",
    group: "places",
    default: "glovebox",
    kind: "text",
    accepted: "an existing user, not root",
    meaning: "The system user that the HTTP side runs as. Set-up makes only the default one.",
  },
  {
    name: "MAX_EXECUTION_TIME",
    group: "limits",
    default: "30",
    kind: "number",
    key: "executionTimeMsMax",
    low: 0.1,
    high: 86_400,
    fractions: true,
    times: SECOND_MS,
    meaning: "Seconds of wall time for one execution, default and maximum of `timeout`.",
  },
  {
    name: "MAX_MEMORY_MB",
    group: "limits",
    default: "512",
    kind: "number",
    key: "memoryBytesMax",
    low: 64,
    high: 1_048_576,
    times: MEBIBYTE,
    meaning:
      "Memory of a sandbox in MiB, default and maximum of `memory_limit`. Counts all its processes and the files in `/workspace`, `/tmp` and `/dev/shm`; swap is not added.",
  },
  {
    name: "MAX_CPUS",
    group: "limits",
    default: "0.5",
    kind: "number",
    key: "cpuCoresMax",
    low: 0.05,
    high: Math.max(1, cpus().length),
    fractions: true,
    accepted: "0.05 to the number of cores (at least 1), fractions allowed",
    meaning:
      "Cores of a sandbox, default and maximum of `cpu_limit`. The quota is counted over one second and, where the kernel offers it, may be saved up for one burst of the same size.",
  },
  {
    name: "MAX_PROCESSES",
    group: "limits",
    default: "50",
    kind: "number",
    key: "processesMax",
    low: 4,
    high: 32_768,
    meaning: "Processes and threads of a sandbox.",
  },
  {
    name: "MAX_OPEN_FILES",
    group: "limits",
    default: "1024",
    kind: "number",
    key: "openFilesMax",
    low: 64,
    high: 1_048_576,
    meaning: "Open files of one process.",
  },
  {
    name: "MAX_WORKSPACE_MB",
    group: "limits",
    default: "100",
    kind: "number",
    key: "workspaceBytesMax",
    low: 1,
    high: 1_048_576,
    times: MEBIBYTE,
    meaning:
      "Size of `/workspace` in MiB, and of `/tmp` and `/dev/shm`, each. One inode for each 8 KiB. They lie in memory.",
  },
  {
    name: "MAX_PACKAGES_MB",
    group: "limits",
    default: "512",
    kind: "number",
    key: "packagesBytesMax",
    low: 1,
    high: 1_048_576,
    times: MEBIBYTE,
    meaning:
      "Size of `/tmp/home` in MiB, the home directory, where packages are installed. One inode for each 8 KiB. It lies in the sandbox's memory, so what is installed counts for `MAX_MEMORY_MB`.",
  },
  {
    name: "MAX_OUTPUT_SIZE",
    group: "limits",
    default: "1000000",
    kind: "number",
    key: "outputBytesMax",
    low: 1000,
    high: 64_000_000,
    meaning: "Bytes of stdout and of stderr that an execution may return, each.",
  },
  {
    name: "MAX_CODE_SIZE",
    group: "limits",
    default: "1048576",
    kind: "number",
    key: "codeBytesMax",
    low: 1000,
    high: 1_300_000,
    meaning: "Bytes of code that an execution may have.",
  },
  {
    name: "DATA_MOUNTS",
    group: "folders",
    default: "",
    kind: "text",
    accepted:
      "`NAME=/host/path[:ro|rw][:ask]`, comma separated, at most 16; names `[a-z0-9_-]{1,32}`",
    meaning:
      "Folders that sandboxes see at `/data/NAME`, read-only unless `rw`; see [data.md](data.md#folders-of-the-host).",
  },
  {
    name: "HF_ENDPOINT",
    group: "folders",
    default: "https://huggingface.co",
    kind: "text",
    accepted: "an https address",
    meaning:
      "Where `glovebox data download hf:OWNER/DATASET` finds data sets, as Hugging Face's own tools do; see [data.md](data.md#getting-data).",
  },
  {
    name: "WHEEL_DIR",
    group: "folders",
    default: "",
    kind: "text",
    accepted: "an absolute path",
    meaning:
      "A folder of wheels, at `/opt/wheels`, to install packages from; see [data.md](data.md#packages).",
  },
  {
    name: "MAX_QUEUED",
    group: "pool",
    default: "32",
    kind: "number",
    key: "queuedMax",
    low: 0,
    high: 10_000,
    meaning: "Executions that may wait for one session before 429.",
  },
  {
    name: "MAX_HISTORY_MB",
    group: "pool",
    default: "256",
    kind: "number",
    key: "historyBytesMax",
    low: 0,
    high: 1_048_576,
    times: MEBIBYTE,
    meaning:
      "MiB that the outputs of past executions may take, over all sessions together; a session's are at most 8 MiB. The oldest of the key that holds most are dropped first.",
  },
  {
    name: "MAX_SESSIONS",
    group: "pool",
    default: "100",
    kind: "number",
    key: "sessionsMax",
    low: 1,
    high: 4000,
    accepted: "1 to 4000, with `POOL_SIZE` at most 4000",
    meaning: "Sandboxes in use at a time, stateless executions included. Warm ones come on top.",
  },
  {
    name: "MAX_REQUESTS_IN_FLIGHT",
    group: "pool",
    default: "256",
    kind: "number",
    key: "requestsInFlightMax",
    low: 1,
    high: 4096,
    meaning:
      "Requests of one key, streams included, that may be under way before 429. The admin token has no bound.",
  },
  {
    name: "SESSION_TTL",
    group: "pool",
    default: "1800",
    kind: "number",
    key: "sessionTtlMs",
    low: 1,
    high: 31_536_000,
    fractions: true,
    times: SECOND_MS,
    meaning: "Seconds without use after which a session ends.",
  },
  {
    name: "POOL_SIZE",
    group: "pool",
    default: "8",
    kind: "number",
    key: "poolSize",
    low: 0,
    high: 1000,
    accepted: "0 to 1000, with `MAX_SESSIONS` at most 4000",
    meaning: "Warm sandboxes kept ready. 0 starts each when it is asked for.",
  },
  {
    name: "ZYGOTE_MAX_FORKS",
    group: "pool",
    default: "2000",
    kind: "number",
    key: "zygoteForksMax",
    low: 1,
    high: 1_000_000,
    meaning: "Sandboxes after which the zygote, whose hash seed they share, is replaced.",
  },
  {
    name: "ZYGOTE_MAX_AGE",
    group: "pool",
    default: "3600",
    kind: "number",
    key: "zygoteAgeSecondsMax",
    low: 10,
    high: 31_536_000,
    meaning: "Seconds after which the zygote is replaced.",
  },
  {
    name: "ACQUIRE_TIMEOUT",
    group: "pool",
    default: "10",
    kind: "number",
    key: "acquireTimeoutMs",
    low: 0,
    high: 3600,
    fractions: true,
    times: SECOND_MS,
    meaning: "Seconds that a request waits for a sandbox before 503.",
  },
  {
    name: "LLM_BASE_URL",
    group: "model",
    default: "",
    kind: "text",
    accepted: "an http(s) address without password and query",
    meaning:
      "Where an OpenAI-compatible model answers, up to and without `/chat/completions`. `replay:FILE` answers from a recording.",
  },
  {
    name: "LLM_API_KEY",
    group: "model",
    default: "",
    kind: "text",
    accepted: "printable, without spaces",
    secret: true,
    meaning: "The model's key, where it needs one.",
  },
  {
    name: "LLM_API_KEY_FILE",
    group: "model",
    default: "",
    kind: "text",
    accepted: "a path",
    meaning: "A file that holds the key, instead of `LLM_API_KEY`. Read before root is given up.",
  },
  {
    name: "LLM_MODEL",
    group: "model",
    default: "",
    kind: "text",
    accepted: "a name that its server knows",
    meaning: "The model's name; required with `LLM_BASE_URL`.",
  },
  {
    name: "TOGETHER_API_KEY",
    group: "model",
    default: "",
    kind: "text",
    accepted: "printable, without spaces",
    secret: true,
    meaning:
      "Alone it selects Together AI and, without `LLM_MODEL`, `meta-llama/Llama-3.3-70B-Instruct-Turbo`. `LLM_BASE_URL` wins over it.",
  },
  {
    name: "API_TIMEOUT",
    group: "model",
    default: "60",
    kind: "number",
    key: "modelTimeoutMs",
    low: 0.1,
    high: 3600,
    fractions: true,
    times: SECOND_MS,
    meaning: "Seconds that one call of the model may take, waits for its rate limit included.",
  },
  {
    name: "LLM_MAX_TOKENS",
    group: "model",
    default: "8192",
    kind: "number",
    key: "modelAnswerTokensMax",
    low: 16,
    high: 1_000_000,
    meaning: "Tokens that one answer of the model may have, its thinking included.",
  },
  {
    name: "LLM_VISION",
    group: "model",
    default: "auto",
    kind: "choice",
    key: "modelVision",
    choices: ["auto", "on", "off"],
    meaning:
      "Whether the model is shown the pictures that code makes and those that users attach. `auto`: where its name says that it takes them, see [models.md](models.md#pictures).",
  },
  {
    name: "LLM_RECORD",
    group: "model",
    default: "",
    kind: "text",
    accepted: "a path",
    meaning:
      "A file to which the exchanges with the model are appended, to be replayed. The service user must be able to write it.",
  },
  {
    name: "CHAT_MAX_STEPS",
    group: "model",
    default: "8",
    kind: "number",
    key: "chatStepsMax",
    low: 1,
    high: 1000,
    meaning: "Calls of the model in one request of a chat, default and maximum of `max_steps`.",
  },
  {
    name: "CHAT_MAX_TOKENS",
    group: "model",
    default: "200000",
    kind: "number",
    key: "chatTokensMax",
    low: 1,
    high: 1_000_000_000,
    meaning: "Tokens after which such a request ends, default and maximum of `max_tokens`.",
  },
  {
    name: "CHAT_MAX_TIME",
    group: "model",
    default: "300",
    kind: "number",
    key: "chatTimeMs",
    low: 1,
    high: 86_400,
    fractions: true,
    times: SECOND_MS,
    meaning: "Seconds that such a request may take, default and maximum of `max_seconds`.",
  },
  {
    name: "VALIDATION_POLICY",
    group: "model",
    default: "",
    kind: "text",
    accepted: "`RULE=allow`, `warn` or `deny`, comma separated",
    meaning:
      "What validation does about what it finds, such as `network=deny,process=warn`; see [models.md](models.md#validation).",
  },
  {
    name: "DRAIN_TIMEOUT",
    group: "running",
    default: "35",
    kind: "number",
    key: "drainTimeoutMs",
    low: 0,
    high: 86_400,
    fractions: true,
    times: SECOND_MS,
    meaning: "Seconds that running executions get when the server stops.",
  },
  {
    name: "WATCHDOG_TIMEOUT",
    group: "running",
    default: "10",
    kind: "number",
    key: "watchdogMs",
    // Life is shown every second, and what comes late must not count as missing.
    low: 3,
    high: 3600,
    orZero: true,
    fractions: true,
    times: SECOND_MS,
    meaning:
      "Seconds of silence after which the HTTP side is killed and started anew; 0 never. A keeper is given three times as long. See [operations.md](operations.md#a-process-that-hangs).",
  },
  {
    name: "LOG_LEVEL",
    group: "running",
    default: "info",
    kind: "choice",
    key: "logLevel",
    choices: ["fatal", "error", "warn", "info", "debug", "trace"],
    meaning: "How much the HTTP side logs, as JSON lines on standard output.",
  },
  {
    name: "AUDIT",
    group: "audit",
    default: "on",
    kind: "switch",
    key: "audit",
    choices: ["on", "off"],
    meaning: "Whether the audit log is written, see [access.md](access.md#the-audit-log).",
  },
  {
    name: "AUDIT_MAX_MB",
    group: "audit",
    default: "64",
    kind: "number",
    key: "auditFileBytesMax",
    low: 1,
    high: 4096,
    times: MEBIBYTE,
    meaning: "Size in MiB at which a file is followed by another.",
  },
  {
    name: "AUDIT_KEEP",
    group: "audit",
    default: "8",
    kind: "number",
    key: "auditFilesKept",
    low: 2,
    high: 10_000,
    meaning: "Files to keep, the one in use included; the oldest is removed.",
  },
  {
    name: "AUDIT_REQUIRED",
    group: "audit",
    default: "false",
    kind: "switch",
    key: "auditRequired",
    choices: ["true", "false"],
    meaning: "`true`: refuse work with 503 while the log cannot be written.",
  },
] as const satisfies readonly Variable[];

export type ConfigVariable = (typeof configVariables)[number];
export type VariableName = ConfigVariable["name"];

/** What the commands that ask a server read: from the environment alone, never from `.env`. */
export const clientVariables = [
  {
    name: "GLOVEBOX_URL",
    group: "commands",
    default: "",
    kind: "text",
    accepted: "`http://…` or `https://…`",
    meaning: "The server to ask; the one that runs with STATE_DIR on this machine when empty.",
  },
  {
    name: "GLOVEBOX_TOKEN",
    group: "commands",
    default: "",
    kind: "text",
    accepted: "a token",
    secret: true,
    meaning: "The token or key to send.",
  },
  {
    name: "GLOVEBOX_TOKEN_FILE",
    group: "commands",
    default: "",
    kind: "text",
    accepted: "a path",
    meaning:
      "A file that holds the token or key to send. `GLOVEBOX_TOKEN` wins over it, and `--token-file` over both.",
  },
  {
    name: "NO_COLOR",
    group: "commands",
    default: "",
    kind: "text",
    accepted: "anything",
    meaning: "Not empty: no colours. `TERM=dumb` means the same.",
  },
  {
    name: "XDG_STATE_HOME",
    group: "commands",
    default: "",
    kind: "text",
    accepted: "a path",
    meaning: "Where the history of `glovebox repl` lies; `HOME/.local/state` when empty.",
  },
] as const satisfies readonly Variable[];
