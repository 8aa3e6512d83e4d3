/** Requests on the shell channel that run no code of the user's, each with its reply. */

import type { Visit } from "../../../desk/visit.js";
import type { ExecutionHandle } from "../../../sessions/interface.js";
import type { AskedKernel } from "./asked-kernel.js";
import { kernelInfo } from "./kernel-info.js";
import { type RequestContent, readContent } from "./requests.js";

type Content = Readonly<Record<string, unknown>>;
type Answer = (kernel: AskedKernel, visit: Visit, content: Content) => Promise<object> | object;

/** By the type of the request. All of them throw ServiceErrors. */
const answers: Readonly<Record<string, Answer>> = {
  kernel_info_request: (kernel, visit) => kernelInfo(kernel, visit),
  complete_request: complete,
  inspect_request: inspect,
  is_complete_request: isComplete,
  history_request: (kernel, visit, content) => ({
    history: historyOf(
      kernel.desk.session(visit, kernel.sessionId).executions(),
      readContent("history_request", content),
    ),
  }),
  comm_info_request: (kernel, _visit, content) => ({
    comms: kernel.comms.list(readContent("comm_info_request", content).target_name),
  }),
};

/** `x_request` is answered by `x_reply`. */
export function replyTo(type: string): string {
  return `${type.endsWith("_request") ? type.slice(0, -"_request".length) : type}_reply`;
}

/** Undefined for a request that no kernel knows. */
export function answerTo(type: string): Answer | undefined {
  return Object.hasOwn(answers, type) ? answers[type] : undefined;
}

async function complete({ desk, sessionId }: AskedKernel, visit: Visit, content: Content) {
  const { code, cursor_pos } = readContent("complete_request", content);
  visit.principal.account?.admitRequest();
  const question = { name: "complete", content: { code, cursor_pos } } as const;
  const found = await desk.session(visit, sessionId).ask(question);
  if (!found)
    return { matches: [], cursor_start: cursor_pos, cursor_end: cursor_pos, metadata: {} };
  const { matches, cursor_start, cursor_end, types } = found;
  const described = matches.map((text, index) => ({
    ...{ start: cursor_start, end: cursor_end, text, type: types[index] ?? "" },
  }));
  const metadata = { _jupyter_types_experimental: described };
  return { matches, cursor_start, cursor_end, metadata };
}

async function inspect({ desk, sessionId }: AskedKernel, visit: Visit, content: Content) {
  const { code, cursor_pos, detail_level } = readContent("inspect_request", content);
  visit.principal.account?.admitRequest();
  const asked = { code, cursor_pos, detail_level: detail_level ?? 0 } as const;
  const found = await desk.session(visit, sessionId).ask({ name: "inspect", content: asked });
  return found ?? { found: false, data: {}, metadata: {} };
}

async function isComplete({ desk, sessionId }: AskedKernel, visit: Visit, content: Content) {
  const { code } = readContent("is_complete_request", content);
  visit.principal.account?.admitRequest();
  const question = { name: "is_complete", content: { code } } as const;
  const found = await desk.session(visit, sessionId).ask(question);
  return { indent: "", ...(found ?? { status: "unknown" }) };
}

type Line = readonly [session: number, line: number, input: string | readonly [string, string]];

/** The code of earlier cells, as far as the session keeps it. There is one session, and its number is 0. */
export function historyOf(
  executions: readonly Pick<ExecutionHandle, "request" | "status">[],
  asked: RequestContent<"history_request">,
): Line[] {
  const { hist_access_type, n, start, stop, output, unique } = asked;
  const codes = executions
    .filter(({ status, request }) => status !== null && request.wishes?.storeHistory !== false)
    .map(({ request }) => request.code);
  let lines = codes.map((code, index): [number, string] => [index + 1, code]);
  if (hist_access_type === "range") {
    lines = lines.filter(([line]) => line >= (start ?? 1) && line < (stop ?? codes.length + 1));
  }
  if (hist_access_type === "search") {
    lines = lines.filter(([, code]) => matches(code, asked.pattern ?? "*"));
  }
  if (unique)
    lines = lines.filter(([, code], at) => !lines.slice(at + 1).some((later) => later[1] === code));
  if (hist_access_type !== "range" && typeof n === "number") lines = lines.slice(-Math.max(1, n));
  return lines.map(([line, code]): Line => [0, line, output ? [code, ""] : code]);
}

/** Whether a text fits a pattern with `*` and `?`, in a time in proportion to their product, which is bounded. */
function matches(text: string, pattern: string): boolean {
  const longest = text.slice(0, SEARCHED_CHARACTERS);
  let at = 0;
  let inPattern = 0;
  // Where the last star stands, and what it has been stretched to.
  let star = -1;
  let stretched = 0;
  while (at < longest.length) {
    const wanted = pattern[inPattern];
    if (wanted === "*") {
      star = inPattern++;
      stretched = at;
    } else if (wanted === "?" || wanted === longest[at]) {
      at++;
      inPattern++;
    } else if (star >= 0) {
      at = ++stretched;
      inPattern = star + 1;
    } else return false;
  }
  while (pattern[inPattern] === "*") inPattern++;
  return inPattern === pattern.length;
}

/** Of each cell: its beginning, as a hundred cells and the longest pattern are to take some milliseconds. */
const SEARCHED_CHARACTERS = 200;
