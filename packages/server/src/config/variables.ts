/** Every environment variable that there is. docs/config.md is held equal to these tables by a test. */

interface Variable {
  readonly name: string;
  readonly description: string;
  readonly default: string;
  readonly secret?: boolean;
}

/** Of the server. */
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
    name: "MAX_REQUESTS_IN_FLIGHT",
    default: "256",
    description: "Requests of one key, streams included, that may be under way before 429.",
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

export type VariableName = (typeof configVariables)[number]["name"];

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
