import { expect, test } from "vitest";
import { documentOf, type MimeBundle } from "./bundle.js";

const VEGA = "application/vnd.vegalite.v5+json";
const base64 = (text: string) => Buffer.from(text).toString("base64");

test.each<[string, MimeBundle, string | undefined, string]>([
  ["a PDF", { "application/pdf": base64("%PDF"), "text/plain": "<P>" }, "pdf", "%PDF"],
  ["a sound", { "audio/x-wav": base64("RIFF") }, "wav", "RIFF"],
  ["a video in lines", { "video/mp4": [base64("film")] }, "mp4", "film"],
  ["a page", { "text/html": "<p>x</p>", "text/plain": "<x>" }, "html", "<p>x</p>"],
  ["a page in lines", { "text/html": ["<p>", "x"] }, "html", "<p>x"],
  ["a player, which is a page", { "text/html": "<audio src=''>" }, "html", "<audio src=''>"],
  ["JSON", { "application/json": { a: [1] } }, "json", '{"a":[1]}'],
  ["a map", { "application/geo+json": { type: "Point" } }, "geojson", '{"type":"Point"}'],
  ["a chart's data", { [VEGA]: { mark: "bar" } }, "json", '{"mark":"bar"}'],
  ["LaTeX", { "text/latex": "$x$", "text/plain": "x" }, "tex", "$x$"],
  ["Markdown", { "text/markdown": "# a" }, "md", "# a"],
  [
    "a table, which is text as well",
    { "text/html": "<table>", "text/plain": "a 1" },
    undefined,
    "",
  ],
  ["a text", { "text/plain": "x" }, undefined, ""],
  ["what we say of charts", { "application/vnd.glovebox.chart+json": {} }, undefined, ""],
  [
    "what is not what its type says",
    { "application/pdf": 1, "text/html": { a: 1 } },
    undefined,
    "",
  ],
])("%s", (_, data, extension, content) => {
  const document = documentOf(data);
  expect(document?.extension).toBe(extension);
  expect(document?.bytes.toString() ?? "").toBe(content);
});
