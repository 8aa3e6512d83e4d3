import { expect, test } from "vitest";
import type { ExecutionOutcome } from "../sessions/outcome.js";
import type { Output } from "../sessions/outputs.js";
import { DataMarks } from "./data-block.js";
import { judgeMessages } from "./prompt.js";

test.each([
  ["image/png", "aGk=", "<Figure>\n(an image)\n"],
  [
    "image/svg+xml",
    "<svg><title>Map</title></svg>",
    '(an SVG drawing "Map", 29 characters)\n(an image)\n',
  ],
])("whoever judges is told of an image of %s", (type, image, told) => {
  const figure = { "text/plain": "<Figure>", [type]: image };
  const outputs: readonly Output[] = [{ output_type: "display_data", data: figure, metadata: {} }];
  const outcome = { outputs } satisfies Partial<ExecutionOutcome> as ExecutionOutcome;
  const { messages, inWords } = judgeMessages(new DataMarks(), "plot", "x", outcome, false);
  const message = messages[0]?.content;
  expect(inWords).toBeUndefined();
  expect(message).toContain(told);
  expect(message).not.toContain(image);
});

test("whoever judges and sees is shown pictures, and can be told of them in words", () => {
  const png = "iVBORw0KGgoAAAANSUhEUg==";
  const outputs: readonly Output[] = [
    { output_type: "display_data", data: { "image/png": png }, metadata: {} },
    { output_type: "display_data", data: { "image/png": "aGk=" }, metadata: {} },
    { output_type: "display_data", data: { "image/svg+xml": "<svg/>" }, metadata: {} },
  ];
  const outcome = { outputs } satisfies Partial<ExecutionOutcome> as ExecutionOutcome;
  const { messages, inWords } = judgeMessages(new DataMarks(), "plot", "x", outcome, true);
  expect(messages[0]?.content).toEqual([
    { type: "text", text: expect.stringMatching(/pictures that it has shown follow/) },
    { type: "file", mediaType: "image/png", data: png },
  ]);
  expect(inWords?.[0]?.content).toContain("(an image)");
});
