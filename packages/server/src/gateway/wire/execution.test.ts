import { expect, test } from "vitest";
import type { ExecutionOutcome } from "../../sessions/outcome.js";
import type { Output } from "../../sessions/outputs.js";
import { toExecuteResponse } from "./execution.js";

function answerOf(...outputs: Output[]) {
  const outcome: ExecutionOutcome = {
    ...{ status: "ok", exitCode: 0, outputs, stdout: "", stderr: "", truncated: false },
    ...{ error: null, executionTime: 0, executionCount: 1, filesCreated: [], filesModified: [] },
    ...{ cpuSeconds: 0, sandboxCpuSeconds: 0, memoryPeakBytes: 0, wallSeconds: 0, spent: false },
    outputBytes: 0,
  };
  return toExecuteResponse(outcome, { id: 1, sessionId: "s", request: { code: "1" } });
}

const bundle = (data: Record<string, unknown>): Output => ({
  ...{ output_type: "display_data", data, metadata: {} },
});
const shown = (text: string) => bundle({ "text/plain": text });

test("text is repeated in order, and null where there is none", () => {
  const image = bundle({ "text/plain": "f", "image/png": "aGk=\n" });
  const answer = answerOf(
    { output_type: "stream", name: "stdout", text: "a\n" },
    image,
    shown("b"),
  );
  expect([answer.result_text, answer.result_base64]).toEqual(["a\nb\n", "aGk="]);
  expect(answerOf(image).result_text).toBeNull();
});

test("what is repeated has a bound and says so; the outputs are whole", () => {
  const large = Array.from({ length: 4 }, () => shown("x".repeat(8_000_000)));
  const { result_text, outputs } = answerOf(...large);
  expect(result_text?.length).toBeLessThan(8.1 * 2 ** 20);
  expect(result_text).toMatch(/x\n\[result_text was cut here: outputs has all of it\]\n$/);
  expect(outputs).toEqual(large);
});
