/**
 * The code interpreter as a tool of a language model: a function, and what to tell the model about it.
 * Depends on no framework; docs/sdk.md shows it with OpenAI's function calls and with the AI SDK.
 */

import { Glovebox } from "./client.js";
import { GloveboxError } from "./errors.js";
import { imageTypes } from "./mime.js";
import type { CallOptions } from "./options.js";
import type { ExecuteResponse, JsonValue, MimeBundle } from "./wire.js";

/** What a model fills in. */
export interface CodeInterpreterInput {
  readonly code: string;
  /** Variables and files are kept from call to call; absent: nothing is kept. */
  readonly session_id?: string;
  /** Seconds. */
  readonly timeout?: number;
}

/** Whose server and session the tool uses. */
export interface CodeInterpreterOptions extends CallOptions {
  /** Default: one with the settings of the environment. */
  readonly client?: Glovebox;
  /** Counts, whatever the model says: a model should not choose whose variables it sees. */
  readonly sessionId?: string;
}

/** Name, description and JSON schema, as OpenAI's `function` and most other APIs take them. */
export const codeInterpreterDefinition = {
  name: "code_interpreter",
  description:
    "Runs Python in a sandbox and returns what it printed, the value of its last expression and the files it " +
    "made. NumPy, pandas, SciPy, scikit-learn and matplotlib are there; the network is not. Variables and " +
    "files in the working directory are kept for the next call. Figures are shown to the user.",
  parameters: {
    type: "object",
    properties: {
      code: { type: "string", description: "Python source. IPython's syntax works." },
      timeout: {
        type: "number",
        exclusiveMinimum: 0,
        description: "Seconds after which the code is stopped, if it should be fewer than usual.",
      },
    },
    required: ["code"],
    additionalProperties: false,
  },
} as const satisfies JsonValue;

/** Run what a model wrote. Code that fails is an answer, from which the model may learn. */
export function codeInterpreterTool(
  input: CodeInterpreterInput,
  { client = new Glovebox(), sessionId, signal }: CodeInterpreterOptions = {},
): Promise<ExecuteResponse> {
  const { code, timeout } = checkInput(input);
  const session = sessionId ?? input.session_id;
  return client.execute(code, {
    signal,
    ...(session === undefined ? {} : { sessionId: session }),
    ...(timeout === undefined ? {} : { timeoutMs: timeout * 1000 }),
  });
}

/** What a model should read of an answer: text, errors with their hints, files; no images. */
export function describeForModel(result: ExecuteResponse, charactersMax = 10_000): string {
  const parts = [
    result.status === "ok" ? "" : `status: ${result.status}`,
    result.session_restarted
      ? `[variables and files of earlier runs were lost before this one: ${result.session_restarted.reason}]`
      : "",
    shorten(result.result_text ?? "", charactersMax),
  ];
  const images = result.outputs.filter(
    (output) => "data" in output && hasImage(output.data),
  ).length;
  if (images > 0) parts.push(`[images shown to the user: ${images}]`);
  for (const [what, paths] of [
    ["created", result.files_created],
    ["modified", result.files_modified],
  ] as const) {
    if (paths.length > 0) parts.push(`[files ${what}: ${shorten(paths.join(", "), 1000)}]`);
  }
  return parts.filter((part) => part !== "").join("\n") || "[no output]";
}

/** nbformat allows a list of lines where a text may stand. */
function hasImage(data: MimeBundle): boolean {
  return imageTypes.some((type) => typeof data[type] === "string" || Array.isArray(data[type]));
}

/** A model's arguments have the type that it pleases. */
function checkInput({ code, timeout }: CodeInterpreterInput): CodeInterpreterInput {
  if (typeof code === "string" && (timeout === undefined || typeof timeout === "number")) {
    return { code, ...(timeout === undefined ? {} : { timeout }) };
  }
  throw new GloveboxError("INVALID_ARGUMENT", "code must be a string, and timeout a number.");
}

/** Beginning and end, as a traceback's last line says most. */
function shorten(text: string, charactersMax: number): string {
  const trimmed = text.trimEnd();
  if (trimmed.length <= charactersMax) return trimmed;
  const half = Math.floor(charactersMax / 2);
  const left = trimmed.length - 2 * half;
  return `${trimmed.slice(0, half)}\n[${left} characters left out]\n${trimmed.slice(-half)}`;
}
