/** Runs programs as a client would: a script by POST /execute, a notebook by POST /sessions/{id}/notebook. */
import type { ExecutionOutput, TestServer } from "../support/server.ts";
import { uniqueId } from "../support/server.ts";
import type { Outcome } from "./outcome.ts";
import { argvOf } from "./outside.ts";
import type { Program } from "./programs.ts";

interface Ran {
  readonly status: string;
  readonly outputs: readonly ExecutionOutput[];
}

export async function runInside(server: TestServer, program: Program): Promise<Outcome> {
  const session_id = uniqueId("corpus");
  try {
    for (const { path, content } of program.files) {
      const place = path.split("/").map(encodeURIComponent).join("/");
      const written = await fetch(`${server.baseUrl}/sessions/${session_id}/files/${place}`, {
        method: "PUT",
        headers: { "x-auth-token": server.token },
        body: new Uint8Array(content),
      });
      if (!written.ok) throw new Error(`${path}: ${await written.text()}`);
    }
    const ran =
      program.kind === "script"
        ? script(server, program, session_id)
        : notebook(server, program, session_id);
    return outcomeOf(await ran);
  } finally {
    await server.request(`/sessions/${session_id}`, { method: "DELETE" });
  }
}

async function script(server: TestServer, program: Program, session_id: string): Promise<Ran> {
  const body = { session_id, code: program.text, argv: argvOf(program) };
  const answer = await server.request<Ran>("/execute", { body });
  return answer.status === 200 ? answer.body : refused(answer.text);
}

async function notebook(server: TestServer, program: Program, session_id: string): Promise<Ran> {
  const path = `/sessions/${session_id}/notebook`;
  const answer = await server.request<{
    readonly status: string;
    readonly notebook: {
      readonly cells: readonly { readonly outputs?: readonly ExecutionOutput[] }[];
    };
  }>(path, { body: { notebook: JSON.parse(program.text) } });
  if (answer.status !== 200) return refused(answer.text);
  const { status, notebook: done } = answer.body;
  return { status, outputs: done.cells.flatMap(({ outputs = [] }) => outputs) };
}

/** In the terms of a program that has failed, so that it is judged and the others go on. */
function refused(answer: string): Ran {
  const evalue = answer.slice(0, 500);
  return {
    status: "error",
    outputs: [{ output_type: "error", ename: "Refused", evalue, traceback: [] }],
  };
}

function outcomeOf({ status, outputs }: Ran): Outcome {
  let stdout = "";
  let pictures = 0;
  let error: Outcome["error"] = null;
  for (const output of outputs) {
    if (output.output_type === "stream")
      stdout += output.name === "stdout" ? text(output.text) : "";
    else if (output.output_type === "error") error = { name: output.ename, message: output.evalue };
    else if (Object.keys(output.data).some((mime) => mime.startsWith("image/"))) pictures++;
  }
  const failure = status === "ok" ? null : (error ?? { name: status, message: "" });
  return { end: endOf(status), error: failure, stdout, pictures };
}

function endOf(status: string): Outcome["end"] {
  if (status === "ok" || status === "error") return status;
  return status === "timeout" ? "time" : "limit";
}

const text = (lines: string | readonly string[]) =>
  typeof lines === "string" ? lines : lines.join("");
