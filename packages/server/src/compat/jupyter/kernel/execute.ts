/** An execute_request: code that runs through the desk like any other, and is told in Jupyter's messages. */

import type { AskedExecution } from "../../../desk/code-execution.js";
import type { Desk } from "../../../desk/desk.js";
import { ServiceError } from "../../../errors.js";
import type { ExecutionEvents } from "../../../sessions/execution-events.js";
import type { LoggedEvent } from "../../../sessions/logged-event.js";
import type { ExecutionOutcome } from "../../../sessions/outcome.js";
import type { Header } from "../wire/message.js";
import { commBuffers, commContent, type OpenComms, toComm } from "./comms.js";
import { errorContent } from "./failure.js";
import type { RequestContent } from "./requests.js";
import type { ShellRequest } from "./shell-queue.js";

/** The kernel as an execution sees it. */
export interface ExecutingKernel {
  readonly desk: Desk;
  readonly sessionId: string;
  /** The number of the next cell. */
  count: number;
  publish(
    parent: Header,
    type: string,
    content: object,
    buffers?: readonly Buffer[],
  ): Promise<void> | undefined;
  /** Which objects of the kernel a front end may speak to. */
  readonly comms: OpenComms;
  /** To who has asked, on the channel stdin. */
  askInput(request: ShellRequest, content: object): Promise<void> | undefined;
  /** Its interpreter was lost, and a new one takes its place. */
  restarted(): Promise<void>;
}

export interface ExecuteReply {
  readonly status: "ok" | "error" | "aborted";
  readonly execution_count: number;
  readonly [field: string]: unknown;
}

/** Its reply, when everything else about it has been sent. Does not reject. */
export async function execute(
  kernel: ExecutingKernel,
  request: ShellRequest,
  content: RequestContent<"execute_request">,
): Promise<ExecuteReply> {
  const { header } = request;
  const isSilent = content.silent === true;
  const count = kernel.count;
  if (!isSilent) {
    await kernel.publish(header, "execute_input", { code: content.code, execution_count: count });
  }
  try {
    const outcome = await run(kernel, request, askedExecution(kernel.sessionId, request, content));
    const isCounted = !isSilent && content.store_history !== false;
    if (outcome.executionCount !== null && isCounted) kernel.count = outcome.executionCount + 1;
    if (outcome.spent) await kernel.restarted();
    return replyOf(outcome, outcome.executionCount ?? count);
  } catch (error) {
    const told = errorContent(error);
    await kernel.publish(header, "error", told);
    return { status: "error", execution_count: count, ...told };
  }
}

/** A message for an object of the kernel, whose answers and outputs are told like a cell's. There is no reply. */
export async function tellComm(kernel: ExecutingKernel, request: ShellRequest): Promise<void> {
  const { header } = request;
  try {
    const comm = toComm(request);
    kernel.comms.note(comm);
    const outcome = await run(kernel, request, {
      ...plainExecution(kernel.sessionId, request),
      ...{ code: "", allowInput: false, comm },
      wishes: { silent: true, storeHistory: false, expressions: {} },
    });
    if (outcome.spent) await kernel.restarted();
  } catch (error) {
    await kernel.publish(header, "error", errorContent(error));
  }
}

async function run(
  kernel: ExecutingKernel,
  request: ShellRequest,
  asked: AskedExecution,
): Promise<ExecutionOutcome> {
  const { desk, sessionId } = kernel;
  const { visit } = request.client;
  // A name of a session makes one where there is none, and a kernel that has ended must not come back.
  desk.session(visit, sessionId).describe();
  visit.principal.account?.admitRequest();
  const begun = await desk.execute(visit, asked);
  if ("rejected" in begun) throw new ServiceError("INTERNAL");
  const { execution, outcome } = begun;
  outcome.catch(() => undefined);
  const follower = execution.events.follow();
  await follower.forward(await follower.first(), (event) => tell(kernel, request, event));
  return outcome;
}

function plainExecution(
  sessionId: string,
  { header }: ShellRequest,
): Omit<AskedExecution, "code" | "allowInput"> {
  return {
    ...{ sessionId, timeout: undefined, limits: {}, stdin: undefined },
    ...{ followed: true, goesOn: true, parentId: header.msg_id },
    ...{ files: undefined, includeFiles: undefined, remarksOn: undefined },
  };
}

function askedExecution(
  sessionId: string,
  request: ShellRequest,
  content: RequestContent<"execute_request">,
): AskedExecution {
  const { code, silent, store_history, user_expressions, allow_stdin } = content;
  const isSilent = silent === true;
  const isStored = !isSilent && store_history !== false;
  const expressions = user_expressions ?? {};
  const isPlain = isStored && Object.keys(expressions).length === 0;
  return {
    ...plainExecution(sessionId, request),
    ...{ code, allowInput: allow_stdin === true },
    wishes: isPlain ? undefined : { silent: isSilent, storeHistory: isStored, expressions },
  };
}

/** Events have Jupyter's names. What is ours alone stays here. */
function tell(
  kernel: ExecutingKernel,
  request: ShellRequest,
  { name, data }: LoggedEvent,
): Promise<void> | undefined {
  const { header } = request;
  switch (name) {
    case "stream":
    case "clear_output":
      return kernel.publish(header, name, data);
    case "execute_result": {
      const { executionCount, ...shown } = data as ExecutionEvents["execute_result"];
      return kernel.publish(header, name, { ...shown, execution_count: executionCount });
    }
    case "display_data":
    case "update_display_data": {
      const { displayId, ...shown } = data as ExecutionEvents["display_data"];
      const transient = displayId === undefined ? {} : { display_id: displayId };
      return kernel.publish(header, name, { ...shown, transient });
    }
    case "error": {
      const { hint: _, ...error } = data as ExecutionEvents["error"];
      return kernel.publish(header, name, error);
    }
    case "comm": {
      const comm = data as ExecutionEvents["comm"];
      kernel.comms.note(comm);
      return kernel.publish(header, `comm_${comm.kind}`, commContent(comm), commBuffers(comm));
    }
    case "input_request":
      return kernel.askInput(request, data);
    default:
      return undefined;
  }
}

function replyOf(outcome: ExecutionOutcome, execution_count: number): ExecuteReply {
  const { status, error, exitCode, userExpressions } = outcome;
  const more = { execution_count, user_expressions: userExpressions ?? {}, payload: [] };
  if (status === "ok") return { status: "ok", ...more };
  // `exit(3)` raises nothing that is shown.
  const { ename, evalue, traceback } = error ?? {
    ...{ ename: "SystemExit", evalue: String(exitCode), traceback: [] },
  };
  return { status: "error", ...more, ename, evalue, traceback };
}
