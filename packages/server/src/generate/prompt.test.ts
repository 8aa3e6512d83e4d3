import { expect, test } from "vitest";
import type { ExecutionOutcome } from "../sessions/outcome.js";
import { DataMarks } from "./data-block.js";
import { judgeMessage } from "./prompt.js";

test.each(["image/png", "image/svg+xml"])("whoever judges is told of an image of %s", (type) => {
  const figure = { "text/plain": "<Figure>", [type]: "aGk=" };
  const outputs = [{ output_type: "display_data", data: figure, metadata: {} }];
  const message = judgeMessage(new DataMarks(), "plot", "x", { outputs } as ExecutionOutcome);
  expect(message).toContain("<Figure>\n(an image)\n");
  expect(message).not.toContain("aGk=");
});
