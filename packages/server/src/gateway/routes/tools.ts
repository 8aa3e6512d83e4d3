/** GET /tools: for programs that talk to a model themselves and answer its calls by this API. */

import { type ToolName, toolDefinitions } from "../../generate/chat/tools.js";
import type { App } from "../app-type.js";
import { fixedAnswer } from "../http/fixed-answer.js";
import { answers } from "../schemas/answers.js";
import { ToolsAnswer, ToolsQuery } from "../schemas/tools.js";

const TOOLS = {
  tags: ["chat"],
  operationId: "listTools",
  summary: "Definitions of tools for a language model, and which route answers their calls",
  querystring: ToolsQuery,
  response: answers({ 200: ToolsAnswer }),
};

type Place = "path" | "query" | "json" | "body";

interface ToolRoute {
  readonly method: string;
  readonly path: string;
  readonly arguments: Readonly<Record<string, Place>>;
  readonly answer: string;
}

const ROUTES: Readonly<Record<ToolName, ToolRoute>> = {
  run_code: {
    ...{ method: "POST", path: "/execute" },
    arguments: { code: "json", timeout: "json", session_id: "json" },
    answer:
      "status, result_text, files_created and files_modified; show images of outputs to the user.",
  },
  list_files: {
    ...{ method: "GET", path: "/sessions/{session_id}/files" },
    arguments: { session_id: "path", path: "query" },
    answer: "entries.",
  },
  read_file: {
    ...{ method: "GET", path: "/sessions/{session_id}/files/{path}" },
    arguments: { session_id: "path", path: "path" },
    answer: "The body, as far as there is room for it.",
  },
  write_file: {
    ...{ method: "PUT", path: "/sessions/{session_id}/files/{path}" },
    arguments: { session_id: "path", path: "path", content: "body" },
    answer: "path and size.",
  },
  show_variables: {
    ...{ method: "GET", path: "/sessions/{session_id}/variables" },
    arguments: { session_id: "path" },
    answer: "variables.",
  },
};

/** As the SDK's code interpreter is called, too: one tool should have one name for others. */
const PUBLIC_NAMES: Readonly<Partial<Record<string, string>>> = { run_code: "code_interpreter" };
const publicName = (name: string): string => PUBLIC_NAMES[name] ?? name;

const named = toolDefinitions.map((tool) => ({ ...tool, name: publicName(tool.name) }));
const openai = named.map((definition) => ({ type: "function" as const, function: definition }));
const anthropic = named.map(({ parameters, ...rest }) => ({ ...rest, input_schema: parameters }));
const calls = Object.fromEntries(
  Object.entries(ROUTES).map(([name, route]) => [publicName(name), route]),
);

const answersByFormat = {
  openai: fixedAnswer(() => ({ openai, calls })),
  anthropic: fixedAnswer(() => ({ anthropic, calls })),
  both: fixedAnswer(() => ({ openai, anthropic, calls })),
};

export function registerTools(app: App): void {
  app.get("/tools", { schema: TOOLS }, async ({ query }, reply) => {
    return reply.send(answersByFormat[query.format ?? "both"](reply));
  });
}
