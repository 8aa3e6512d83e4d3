import { expect, test } from "vitest";
import type { ExecutionOutcome } from "../sessions/outcome.js";
import type { Output } from "../sessions/outputs.js";
import { DataMarks } from "./data-block.js";
import { judgeMessage } from "./prompt.js";

test.each(["image/png", "image/svg+xml"])("whoever judges is told of an image of %s", (type) => {
  const figure = { "text/plain": "<Figure>", [type]: "aGk=" };
  const outputs: readonly Output[] = [{ output_type: "display_data", data: figure, metadata: {} }];
  const outcome = { outputs } satisfies Partial<ExecutionOutcome> as ExecutionOutcome;
  const message = judgeMessage(new DataMarks(), "plot", "x", outcome);
  expect(message).toContain("<Figure>\n(an image)\n");
  expect(message).not.toContain("aGk=");
});
