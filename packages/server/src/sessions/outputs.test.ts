import { describe, expect, test } from "vitest";
import { imageBytes } from "../mime.js";
import { imagesOf, type Output, textOf } from "./outputs.js";

const display = (data: Record<string, unknown>): Output => ({
  ...{ output_type: "display_data", data, metadata: {} },
});
const imageTypes = ["image/png", "image/jpeg", "image/gif", "image/webp", "image/svg+xml"];

describe.each(imageTypes)("a bundle with %s", (type) => {
  const outputs = [display({ "text/plain": "<Figure>", [type]: "aGk=" }), display({ [type]: "" })];

  test("is an image, and its text stands only where the image cannot be seen", () => {
    expect([...imagesOf(outputs)]).toEqual([
      { mimeType: type, content: "aGk=" },
      { mimeType: type, content: "" },
    ]);
    expect(textOf(outputs, "leave out")).toBe("");
    const words =
      type === "image/svg+xml"
        ? ["(an SVG drawing, 4 characters: aGk=)\n", "(an SVG drawing, 0 characters)\n"]
        : ["<Figure>\n", ""];
    expect(textOf(outputs, "name")).toBe(`${words[0]}(an image)\n${words[1]}(an image)\n`);
  });
});

test("text is that of streams, results, displays and tracebacks, in order", () => {
  const outputs: Output[] = [
    { output_type: "stream", name: "stderr", text: "a" },
    display({ "text/plain": "b", "text/html": "<b>b</b>" }),
    {
      output_type: "execute_result",
      execution_count: 1,
      data: { "text/plain": "c" },
      metadata: {},
    },
    { output_type: "error", ename: "E", evalue: "d", traceback: ["d", "E: d"] },
    display({ "text/html": "<i>" }),
  ];
  for (const images of ["leave out", "name"] as const) {
    expect(textOf(outputs, images)).toBe("ab\nc\nd\nE: d\n(HTML, 3 characters)\n");
  }
});

test("a type that nobody shows as an image does not hide its text", () => {
  const outputs = [display({ "text/plain": "scan", "image/tiff": "aGk=" })];
  expect([...imagesOf(outputs)]).toEqual([]);
  expect(textOf(outputs, "leave out")).toBe("scan\n");
});

test("one image of a bundle is shown, of the preferred type", () => {
  const [image, ...others] = imagesOf([
    display({ "image/svg+xml": "<svg/>", "image/png": "aGk=" }),
  ]);
  expect([image?.mimeType, others]).toEqual(["image/png", []]);
});

test("a list of lines is a text, and anything else is none", () => {
  const lines = display({ "text/plain": ["x", "y"], "image/svg+xml": ["<svg>", "</svg>"] });
  expect(textOf([lines], "name")).toBe("xy\n(an image)\n");
  expect([...imagesOf([lines])].map((image) => imageBytes(image).toString())).toEqual([
    "<svg></svg>",
  ]);
  const odd = display({ "text/plain": { a: 1 }, "image/png": null, "image/gif": ["a", 1] });
  expect([textOf([odd], "name"), [...imagesOf([odd])]]).toEqual(["(image/png, image/gif)\n", []]);
});

test("reading ends with the output that passes the bound", () => {
  const outputs = ["abc", "def", "ghi"].map((text) => display({ "text/plain": text }));
  expect(textOf(outputs, "leave out", 5)).toBe("abc\ndef\n");
  expect(textOf(outputs, "leave out", 8)).toBe("abc\ndef\nghi\n");
});
